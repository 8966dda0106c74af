"""White-cell classifiers: a torchvision backbone with a new last layer."""

from typing import Final

import torch
from torch import Tensor, nn
from torchvision.models import get_model

BACKBONES: Final = ("mobilenet_v2", "resnet18", "resnet50")
INPUT_PX: Final = 128
"""Side of the square a cell is resized to."""

CROP_RBC_DIAMETERS: Final = 3.05
"""Side of the square around a cell in red-cell diameters: the size of the cell stays visible."""


class CellClassifier(nn.Module):
    """Class of one cell.

    Shape:
        input ``(B, 3, 128, 128)`` RGB in [0, 1]; output ``(B, len(classes))`` logits.
    """

    def __init__(
        self, classes: tuple[str, ...], backbone: str = "mobilenet_v2", pretrained: bool = False
    ) -> None:
        """Raises ValueError for an unknown backbone."""
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}")
        self.classes, self.backbone = classes, backbone
        self.net = get_model(backbone, weights="IMAGENET1K_V1" if pretrained else None)
        if backbone == "mobilenet_v2":
            self.net.classifier[-1] = nn.Linear(self.net.last_channel, len(classes))
        else:
            self.net.fc = nn.Linear(self.net.fc.in_features, len(classes))
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.net((images - self.mean) / self.std)

    def last_layer(self) -> nn.Linear:
        """The layer with a row for each class."""
        layer = self.net.classifier[-1] if self.backbone == "mobilenet_v2" else self.net.fc
        assert isinstance(layer, nn.Linear)
        return layer

    def last_map(self) -> nn.Module:
        """The layer whose activations Grad-CAM weighs."""
        return self.net.features[-1] if self.backbone == "mobilenet_v2" else self.net.layer4[-1]
