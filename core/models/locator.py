"""The locator: a fully convolutional network that marks every cell by its centre and sides.

MobileNetV2 with a top-down pyramid to stride 4 (Lin 2017), centre heatmaps (Zhou 2019, "Objects
as Points") and side distances learnt over each centre's neighbourhood (Liu 2020, TTFNet).
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from core.taxonomy import KINDS

STRIDE: Final = 4
RBC_DIAMETER_PX: Final = 50.0
"""Size of a red cell in the network's input; fields are resized so that theirs come close."""

_TAPS: Final = {3: 24, 6: 32, 13: 96, 17: 320}
"""MobileNetV2 block -> channels, at strides 4, 8, 16 and 32."""


class Locator(nn.Module):
    """Cells of a field.

    Shape:
        input ``(B, 3, H, W)`` RGB in [0, 1], H and W multiples of 8;
        output ``heat`` ``(B, 3, H/4, W/4)`` logits per kind, and ``sides`` ``(B, 4, H/4, W/4)``,
        distances in input pixels from the grid cell's centre to the left, top, right and bottom.
    """

    def __init__(self, width: int = 64, pretrained: bool = False) -> None:
        super().__init__()
        weights = MobileNet_V2_Weights.IMAGENET1K_V1 if pretrained else None
        self.body = mobilenet_v2(weights=weights).features[: max(_TAPS) + 1]
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in _TAPS.values())
        self.smooth = nn.ModuleList(_conv(width, width) for _ in list(_TAPS)[:-1])
        self.heat_head = nn.Sequential(_conv(width, width), nn.Conv2d(width, len(KINDS), 1))
        self.sides_head = nn.Sequential(_conv(width, width), nn.Conv2d(width, 4, 1))
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        # Start as if one grid cell in a hundred were a centre (Lin 2017, focal loss).
        last = self.heat_head[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        nn.init.constant_(last.bias, -4.6)

    def features(self, images: Tensor) -> Tensor:
        """The stride-4 map both heads read, ``(B, width, H/4, W/4)``."""
        x = (images - self.mean) / self.std
        maps = []
        for index, block in enumerate(self.body):
            x = block(x)
            if index in _TAPS:
                maps.append(x)
        top = self.lateral[-1](maps[-1])
        for level in range(len(maps) - 2, -1, -1):
            side = self.lateral[level](maps[level])
            top = F.interpolate(top, size=side.shape[-2:], mode="nearest")
            top = self.smooth[level](top + side)
        return top

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        shared = self.features(images)
        # Sides in red-cell units keep the last layer's numbers near one.
        sides = F.softplus(self.sides_head(shared).float()) * (RBC_DIAMETER_PX / 2)
        return self.heat_head(shared), sides


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def decode_boxes(sides: Tensor) -> Tensor:
    """Boxes of every grid cell, ``(B, 4, h, w)`` as x0, y0, x1, y1 in input pixels."""
    height, width = sides.shape[-2:]
    ys = (torch.arange(height, device=sides.device, dtype=sides.dtype) + 0.5) * STRIDE
    xs = (torch.arange(width, device=sides.device, dtype=sides.dtype) + 0.5) * STRIDE
    left, top, right, bottom = sides.unbind(1)
    x, y = xs.view(1, 1, -1), ys.view(1, -1, 1)
    return torch.stack([x - left, y - top, x + right, y + bottom], dim=1)
