"""White-cell classifiers: an ImageNet backbone with a new last layer."""

from typing import Final, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import get_model

from core.models.cards.architecture import CellBackbone
from core.models.efficientnet_lite import EfficientNetLite2, imagenet_weights

BACKBONES: Final = get_args(CellBackbone)
INPUT_PX: Final = 128
"""Side of the square a cell is resized to."""

CROP_RBC_DIAMETERS: Final = 3.05
"""Side of the square around a cell in red-cell diameters, so that the cell's size stays visible."""


class CellClassifier(nn.Module):
    """Class of one cell.

    Shape:
        input ``(B, 3, 128, 128)`` RGB in [0, 1]; output ``(B, len(classes))`` logits.

    ``network_px`` is the side to which the input is enlarged inside the network. That adds no
    detail, but the last feature maps are finer.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        backbone: str = "mobilenet_v2",
        pretrained: bool = False,
        network_px: int = INPUT_PX,
    ) -> None:
        """Raises ValueError for an unknown backbone."""
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}")
        self.classes, self.network_px = classes, network_px
        self.backbone = cast(CellBackbone, backbone)
        self.net = _with_last_layer(backbone, len(classes), pretrained)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        if self.network_px != INPUT_PX:
            side = (self.network_px, self.network_px)
            images = F.interpolate(images, size=side, mode="bilinear", align_corners=False)
        return self.net((images - self.mean) / self.std)

    def last_layer(self) -> nn.Linear:
        """The layer with a row for each class."""
        owner, name = _last_layer_place(self.net, self.backbone)
        layer = getattr(owner, name)
        assert isinstance(layer, nn.Linear)
        return layer

    def last_map(self) -> nn.Module:
        """The layer whose activations Grad-CAM weighs."""
        if isinstance(self.net, EfficientNetLite2):
            return self.net.last_map()
        stages = self.net.layer4 if self.backbone.startswith("resnet") else self.net.features
        assert isinstance(stages, nn.Sequential)
        return stages[-1]


def _with_last_layer(backbone: str, classes: int, pretrained: bool) -> nn.Module:
    net: nn.Module
    if backbone == "efficientnet_lite2":
        net = EfficientNetLite2()
        if pretrained:
            net.load_state_dict(imagenet_weights())
    else:
        net = get_model(backbone, weights="IMAGENET1K_V1" if pretrained else None)
    owner, name = _last_layer_place(net, backbone)
    setattr(owner, name, nn.Linear(getattr(owner, name).in_features, classes))
    return net


def _last_layer_place(net: nn.Module, backbone: str) -> tuple[nn.Module, str]:
    """The module that owns the last layer, and the name it has there."""
    if isinstance(net, EfficientNetLite2):
        return net, "_fc"
    if backbone.startswith("resnet"):
        return net, "fc"
    classifier = net.classifier
    assert isinstance(classifier, nn.Sequential)
    return classifier, str(len(classifier) - 1)
