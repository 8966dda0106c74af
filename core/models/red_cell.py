"""The network that tells shapes of red cells apart: small, and blind to colour.

A crop is turned into optical density first, so that neither the stain's hue nor the camera's can
tell the classes apart, only how dark the cell is and how the darkness is spread.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

INPUT_PX: Final = 40
"""Side of the square that is read."""
CROP_RBC_DIAMETERS: Final = 1.6
"""Side of the square in the field's red-cell diameters, so that a cell's size stays visible."""
GROUND: Final = 230 / 255
"""Value of the ground in a crop; see :mod:`core.inference.red_cell.crops`."""

GREY_WEIGHTS: Final = np.array([0.2, 0.5, 0.3], np.float32)
"""Of red, green and blue: haemoglobin and eosin are seen best in green."""
_WIDTHS: Final = (16, 32, 48, 80)


class RedCellClassifier(nn.Module):
    """Shape of one red cell.

    Shape:
        input ``(B, 3, 40, 40)`` RGB in [0, 1], the ground at ``GROUND``; output
        ``(B, len(classes))`` logits.
    """

    def __init__(self, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.classes = classes
        first, second, third, last = _WIDTHS
        self.layers = nn.Sequential(
            _layer(1, first, stride=2, side=5),
            _layer(first, second, stride=2),
            _layer(second, third),
            _layer(third, last, stride=2),
            _layer(last, last),
        )
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(2 * last, len(classes))
        self.weights: Tensor
        self.register_buffer("weights", torch.from_numpy(GREY_WEIGHTS.copy()).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        grey = (images * self.weights).sum(dim=1, keepdim=True)
        density = -torch.log(torch.clamp(grey, min=0.02) / GROUND)
        x = self.layers(2 * density)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.head(self.dropout(pooled))


def _layer(inside: int, outside: int, stride: int = 1, side: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, side, stride=stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )
