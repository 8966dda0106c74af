"""Fit and cross-validate the palm classifier's head on frozen ImageNet features.

409 photos of 25 session blocks are too few to train a network: each block has its light, and a
network learns the light instead of the palm. The head is a logistic regression in which a block's
weight is the square root of its number of photos and both classes weigh the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from core.datasets.fields import read_rgb
from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.public.palm_splits import folds
from core.inference.palm.crop import views
from core.models.engine import as_batch
from core.models.palm_classifier import PalmClassifier
from core.statistics.palm_scores import Scores, Truth, auroc

Features = npt.NDArray[np.float64]

STRENGTH: Final = 0.003
"""``C`` of the logistic regression; 0.001 to 0.01 give the same AUROC within its noise."""

HEADS: Final = 40
NOVELTY_RANK: Final = 40
PARTS: Final = 5
REPEATS: Final = 10


@dataclass(frozen=True)
class LinearHead:
    """A row of the last layer: ``features @ weights + bias`` is the logit."""

    weights: Features
    bias: float

    def __call__(self, features: Features) -> Scores:
        return np.asarray(features @ self.weights + self.bias)


@torch.no_grad()
def features_of(module: PalmClassifier, photos: Sequence[PalmPhoto]) -> Features:
    """Pooled features of the crops, means of their four views, ``(photos, 1280)``."""
    rows = []
    for photo in photos:
        batch = torch.from_numpy(as_batch(views(read_rgb(photo.path))))
        rows.append(module.features(batch).mean(dim=0).numpy())
    return np.stack(rows).astype(np.float64)


def fit_head(
    features: Features, anemic: Truth, blocks: Sequence[str], strength: float = STRENGTH
) -> LinearHead:
    """Weighted logistic regression on standardised features, as one linear layer on raw ones."""
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit((features - centre) / spread, anemic, sample_weight=_weights(anemic, blocks))
    weights = model.coef_[0] / spread
    return LinearHead(weights, float(model.intercept_[0] - centre @ weights))


def cross_validated(
    features: Features, photos: Sequence[PalmPhoto], repeats: int = REPEATS, parts: int = PARTS
) -> npt.NDArray[np.float64]:
    """Scores by heads that saw neither the photo's block nor its group, ``(repeats, N)``."""
    anemic, blocks = truth_of(photos), blocks_of(photos)
    scores = np.full((repeats, len(photos)), np.nan)
    for repeat in range(repeats):
        for split in folds(photos, parts, seed=repeat):
            learn = split.learn
            head = fit_head(features[learn], anemic[learn], [blocks[i] for i in learn])
            scores[repeat, split.held_out] = head(features[split.held_out])
    return scores


def resampled_heads(
    features: Features, photos: Sequence[PalmPhoto], heads: int = HEADS, seed: int = 0
) -> list[LinearHead]:
    """Heads fitted to session blocks drawn with replacement within each class."""
    rng = np.random.default_rng(seed)
    anemic, blocks = truth_of(photos), np.asarray(blocks_of(photos))
    fitted = []
    for _ in range(heads):
        rows: list[int] = []
        names: list[str] = []
        for side in (False, True):
            present = np.unique(blocks[anemic == side])
            for copy, name in enumerate(rng.choice(present, len(present))):
                inside = np.flatnonzero(blocks == name)
                rows += inside.tolist()
                names += [f"{name}-{copy}"] * len(inside)
        fitted.append(fit_head(features[rows], anemic[rows], names))
    return fitted


def calibrate(scores: Scores, anemic: Truth) -> tuple[float, float]:
    """Slope and offset that turn a score into a logit at a prevalence of one half.

    Source: Platt 1999, both classes weighted alike.
    """
    model = LogisticRegression(C=1e6, class_weight="balanced", max_iter=1000)
    model.fit(scores[:, None], anemic)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def novelty(module: PalmClassifier, features: Features) -> None:
    """Store a subspace model of these features in the module's ``novelty_*`` buffers."""
    centre = features.mean(axis=0)
    _, lengths, axes = np.linalg.svd(features - centre, full_matrices=False)
    rank = module.novelty_axes.shape[0]
    deviations = lengths[:rank] / np.sqrt(len(features))
    beside = float((lengths[rank:] ** 2).sum() / len(features))
    module.novelty_centre.copy_(torch.from_numpy(centre))
    module.novelty_axes.copy_(torch.from_numpy(axes[:rank] / deviations[:, None]))
    module.novelty_rest.fill_(max(beside, 1e-6))


def truth_of(photos: Sequence[PalmPhoto]) -> Truth:
    """``(N,)``, anemic or not.

    Raises:
        ValueError: for a photo without a label.
    """
    if any(photo.anemic is None for photo in photos):
        raise ValueError("every photo needs a label")
    return np.array([bool(photo.anemic) for photo in photos])


def blocks_of(photos: Sequence[PalmPhoto]) -> list[str]:
    """Session block of each photo."""
    return [photo.session_block for photo in photos]


def colour_features(photos: Sequence[PalmPhoto]) -> Features:
    """Features of the naive baseline: means, spreads and quantiles of colour, ``(N, 63)``."""
    rows = []
    for photo in photos:
        pixels = cv2.resize(read_rgb(photo.path), (224, 224), interpolation=cv2.INTER_AREA)
        image = pixels.astype(np.float32) / 255
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        density = -np.log(np.clip(image, 0.01, 1))
        redness, yellowness = density[..., 1] - density[..., 0], density[..., 2] - density[..., 1]
        channels = [*np.moveaxis(lab, 2, 0), hsv[..., 1], hsv[..., 2], redness, yellowness]
        rows.append(
            [
                value
                for channel in channels
                for value in (channel.mean(), channel.std(), *np.percentile(channel, _QUANTILES))
            ]
        )
    return np.asarray(rows, np.float64)


_QUANTILES: Final = (5, 25, 50, 75, 95)


def mean_auroc(scores: npt.NDArray[np.float64], anemic: Truth) -> float:
    """Mean AUROC over the repeats."""
    return float(np.mean([auroc(row, anemic) for row in scores]))


def as_probability(scores: Scores, calibration: tuple[float, float]) -> Scores:
    """Scores as calibrated probabilities at a prevalence of one half."""
    slope, offset = calibration
    return np.asarray(expit(slope * scores + offset))


def _weights(anemic: Truth, blocks: Sequence[str]) -> npt.NDArray[np.float64]:
    names = np.asarray(blocks)
    weights = np.zeros(len(names))
    for name in np.unique(names):
        inside = names == name
        weights[inside] = inside.sum() ** -0.5
    for side in (False, True):
        weights[anemic == side] /= weights[anemic == side].sum()
    return weights * len(names) / 2
