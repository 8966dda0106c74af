"""Direct count regression: a whole field in, three numbers out, no boxes.

Source: Adinugroho, Sari & Utaminingrum 2025. The width of its hidden layer is not published.
"""

from collections import OrderedDict
from typing import Any, Final, cast, get_args

import torch
from torch import Tensor, nn
from torchvision.models import get_model

from core.models.cards.architecture import CountBackbone
from core.models.classifier import CellClassifier
from core.taxonomy import KINDS

INPUT_PX: Final = 224
_MAP_CHANNELS: Final = {"mobilenet_v2": 1280, "resnet18": 512, "resnet50": 2048}
REGRESSION_BACKBONES: Final = get_args(CountBackbone)


class CountRegressor(nn.Module):
    """Counts of a field from its flattened feature map.

    Shape:
        input ``(B, 3, 224, 224)`` RGB in [0, 1]; output ``(B, 3)`` counts in the order of
        ``KINDS``, unbounded, since the last layer is linear.
    """

    def __init__(
        self, backbone: str = "resnet50", hidden: int = 256, pretrained: bool = False
    ) -> None:
        """Raises ValueError for an unknown backbone."""
        super().__init__()
        if backbone not in REGRESSION_BACKBONES:
            known = ", ".join(REGRESSION_BACKBONES)
            raise ValueError(f"backbone must be one of {known}, got {backbone!r}")
        self.backbone, self.hidden = cast(CountBackbone, backbone), hidden
        self.body = _feature_layers(
            get_model(backbone, weights="IMAGENET1K_V1" if pretrained else None)
        )
        side = INPUT_PX // 32
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(_MAP_CHANNELS[backbone] * side * side, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, len(KINDS)),
        )
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def feature_map(self, images: Tensor) -> Tensor:
        """The backbone's last map, ``(B, C, 7, 7)``."""
        return self.body((images - self.mean) / self.std)

    def counts_of(self, feature_map: Tensor) -> Tensor:
        """``(B, 3)`` counts from what ``feature_map`` gave."""
        return self.head(feature_map)

    def forward(self, images: Tensor) -> Tensor:
        return self.counts_of(self.feature_map(images))

    def take_backbone(self, classifier: CellClassifier) -> None:
        """The feature layers of a cell classifier, the paper's "fine-tuned backbone".

        Raises:
            ValueError: if the classifier has another backbone.
        """
        if classifier.backbone != self.backbone:
            raise ValueError(
                f"the classifier's backbone is {classifier.backbone}, not {self.backbone}"
            )
        self.body.load_state_dict(_feature_layers(classifier.net).state_dict())

    def last_map(self) -> nn.Module:
        """The layer whose activations Grad-CAM weighs."""
        last = list(self.body.children())[-1]
        assert isinstance(last, nn.Module)
        return last


def _feature_layers(net: Any) -> nn.Sequential:
    """Everything before pooling, under the same names whoever built the network."""
    if hasattr(net, "features"):
        layers: nn.Sequential = net.features
        return layers
    return nn.Sequential(OrderedDict(list(net.named_children())[:-2]))
