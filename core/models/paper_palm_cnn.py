"""The palm CNN of Rizal et al. 2022; the product's own network is in ``palm_classifier.py``.

The paper names convolution, pooling, fully connected layers, ReLU, one output and an input of
500x375 RGB. It does not say how many layers and filters: these are usual for such a network.
"""

from typing import Final

from torch import Tensor, nn

PAPER_SIZE: Final = (500, 375)
"""Width and height in pixels."""

_FILTERS: Final = (16, 32, 64)


class PaperPalmCnn(nn.Module):
    """Logit of anemia; with the target haemoglobin, its value in g/dL.

    Shape:
        input ``(B, 3, height, width)`` RGB in [0, 1]; output ``(B,)``.
    """

    def __init__(self, size_px: tuple[int, int] = PAPER_SIZE, hidden: int = 128) -> None:
        super().__init__()
        self.size_px = size_px
        layers: list[nn.Module] = []
        inner, width, height = 3, *size_px
        for outer in _FILTERS:
            layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            inner, width, height = outer, width // 2, height // 2
        self.maps = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(inner * width * height, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.maps(images - 0.5)).squeeze(1)

    def last_map(self) -> nn.Module:
        """The layer whose activations Grad-CAM weighs."""
        return self.maps[-2]
