"""A density map whose sum is the count: non-negative, one plane for each kind of cell.

It is trained on counts alone. The map explains the count exactly: the sum over any part of the
picture is that part's share of the count. Source of the idea: Lempitsky & Zisserman
2010, there with dots for labels.
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from core.models.classifier import CellClassifier
from core.taxonomy import KINDS

DENSITY_STRIDE: Final = 8
DENSITY_MULTIPLE: Final = 16
"""Height and width of the input are multiples of this."""

_TAPS: Final = {6: 32, 13: 96}
"""MobileNetV2 block -> channels, at strides 8 and 16."""
DENSITY_FEATURES: Final = sum(_TAPS.values())
_SMALL: Final = 0.01
"""Softplus times this: an untrained map sums to a few cells, not to hundreds."""


class DensityHead(nn.Module):
    """From backbone features ``(B, 128, h, w)`` to a map ``(B, 3, h, w)``, every value >= 0."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(DENSITY_FEATURES),
            nn.Conv2d(DENSITY_FEATURES, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, len(KINDS), 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        return F.softplus(self.layers(features).float()) * _SMALL


class DensityCounter(nn.Module):
    """Cells of a field as a map.

    Shape:
        input ``(B, 3, H, W)`` RGB in [0, 1], H and W multiples of 16, red cells about 50 px wide;
        output ``(B, 3, H/8, W/8)``, cells per grid square, each plane summing to its kind's count.
    """

    def __init__(self, width: int = 48, pretrained: bool = False) -> None:
        super().__init__()
        weights = MobileNet_V2_Weights.IMAGENET1K_V1 if pretrained else None
        self.width = width
        self.body = mobilenet_v2(weights=weights).features[: max(_TAPS) + 1]
        self.head = DensityHead(width)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def features(self, images: Tensor) -> Tensor:
        """What the head reads, ``(B, 128, H/8, W/8)``."""
        x = (images - self.mean) / self.std
        maps = []
        for index, block in enumerate(self.body):
            x = block(x)
            if index in _TAPS:
                maps.append(x)
        coarse = F.interpolate(maps[1], size=maps[0].shape[-2:], mode="nearest")
        return torch.cat([maps[0], coarse], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))

    def take_backbone(self, classifier: CellClassifier) -> None:
        """The first blocks of a cell classifier.

        Raises:
            ValueError: if it is no MobileNetV2.
        """
        if classifier.backbone != "mobilenet_v2":
            raise ValueError(f"the classifier's backbone is {classifier.backbone}")
        layers = classifier.net.features
        assert isinstance(layers, nn.Sequential)
        self.body.load_state_dict(layers[: max(_TAPS) + 1].state_dict())
