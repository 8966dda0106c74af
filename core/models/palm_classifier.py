"""The palm classifier: a frozen ImageNet MobileNetV2 and linear heads on its pooled features."""

from typing import Final

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

PALM_PX: Final = 224
FEATURES: Final = 1280


class PalmClassifier(nn.Module):
    """Evidence for anemia in a palm.

    Row 0 of the head gives the prediction; the others were fitted to resampled session blocks, and
    their spread is the uncertainty. ``novelty_*`` describe the features of the training palms; the
    second output is the distance from them.

    Shape:
        input ``(B, 3, 224, 224)`` RGB in [0, 1]; output logits ``(B, heads)`` at a prevalence of
        one half, and squared distance ``(B,)`` relative to the training palms' average.
    """

    def __init__(self, heads: int, novelty_rank: int, pretrained: bool = False) -> None:
        super().__init__()
        self.net = mobilenet_v2(weights="IMAGENET1K_V1" if pretrained else None).features
        self.head = nn.Linear(FEATURES, heads)
        self.mean: Tensor
        self.std: Tensor
        self.novelty_centre: Tensor
        self.novelty_axes: Tensor
        self.novelty_rest: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.register_buffer("novelty_centre", torch.zeros(FEATURES))
        self.register_buffer("novelty_axes", torch.zeros(novelty_rank, FEATURES))
        self.register_buffer("novelty_rest", torch.ones(1))

    def features(self, images: Tensor) -> Tensor:
        """Pooled features, ``(B, 1280)``."""
        return self.net((images - self.mean) / self.std).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(images)
        return self.head(features), self.distance(features)

    def distance(self, features: Tensor) -> Tensor:
        """Mahalanobis distance within the palms' main axes and the rest beside them, ``(B,)``.

        ``novelty_axes`` are divided by their standard deviations; ``novelty_rest`` is the mean
        square beside them.
        """
        off = features - self.novelty_centre
        along = off @ self.novelty_axes.T
        lengths = self.novelty_axes.square().sum(dim=1).clamp_min(1e-12)
        within = along.square().sum(dim=1)
        beside = off.square().sum(dim=1) - (along.square() / lengths).sum(dim=1)
        rank = self.novelty_axes.shape[0]
        return (within / max(rank, 1) + beside / self.novelty_rest) / 2

    def last_map(self) -> nn.Module:
        """The layer whose activations Grad-CAM weighs."""
        return self.net[-1]

    def last_layer(self) -> nn.Linear:
        """The head."""
        return self.head
