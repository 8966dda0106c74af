"""Recipe of the paper's palm CNN: anemia by binary cross-entropy, or haemoglobin by regression.

For laboratories with palm photos. Its figures on the Ghana palms, with a split that does not leak,
are in docs/palm.md. The shipped palm model is a linear head on frozen features, see ``head.py``.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from core.datasets.public.ghana_palms import PalmPhoto
from core.models.paper_palm_cnn import PaperPalmCnn
from core.statistics.bland_altman import bland_altman
from core.statistics.palm_scores import auroc
from core.training.loop.recipe import Batch
from core.training.palm.photos import PalmPhotos, target_of

Target = Literal["anemic", "haemoglobin"]


class PalmRecipe:
    """Learns ``target`` from photos; haemoglobin is learnt in standard deviations from its mean.

    Args:
        train: photos to learn from.
        validation: photos of other session blocks and groups.
        size_px: width and height the network reads.
        target: ``anemic``, or ``haemoglobin`` where the table carries it.
        seed: of the variation of the photos.
    """

    name = "palm"

    def __init__(
        self,
        train: Sequence[PalmPhoto],
        validation: Sequence[PalmPhoto],
        size_px: tuple[int, int] = (250, 188),
        target: Target = "anemic",
        seed: int = 0,
    ) -> None:
        self._train, self._validation = list(train), list(validation)
        self._size, self._target, self._seed = size_px, target, seed
        values = np.array([target_of(photo, target) for photo in train])
        self._mean, self._spread = 0.0, 1.0
        if target == "haemoglobin":
            self._mean, self._spread = float(values.mean()), float(values.std()) or 1.0
        # Both classes get the same weight, instead of copying photos as the paper does.
        share = float(np.clip(values.mean(), 0.02, 0.98)) if target == "anemic" else 0.5
        self._positive_weight = (1 - share) / share

    def build(self) -> PaperPalmCnn:
        return PaperPalmCnn(self._size)

    def training_set(self) -> Dataset[Batch]:
        return PalmPhotos(self._train, self._size, self._target, varied=True, seed=self._seed)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        predicted, target = model(batch["image"]).float(), batch["target"]
        if self._target == "haemoglobin":
            return F.smooth_l1_loss(predicted, (target - self._mean) / self._spread)
        weight = torch.tensor(self._positive_weight, device=predicted.device)
        return F.binary_cross_entropy_with_logits(predicted, target, pos_weight=weight)

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """AUROC and accuracy; for haemoglobin the error and the limits of agreement in g/dL."""
        device = next(model.parameters()).device
        loader = DataLoader(PalmPhotos(self._validation, self._size, self._target), batch_size=16)
        predicted = np.concatenate(
            [model(batch["image"].to(device)).float().cpu().numpy() for batch in loader]
        ).astype(float)
        truth = np.array([target_of(photo, self._target) for photo in self._validation])
        if self._target == "haemoglobin":
            return self._agreement(truth, predicted * self._spread + self._mean)
        loss = F.binary_cross_entropy_with_logits(
            torch.from_numpy(predicted), torch.from_numpy(truth)
        )
        score = auroc(predicted, truth > 0.5)
        return {
            "score": score,
            "loss": float(loss),
            "auroc": score,
            "accuracy": float(((predicted > 0) == (truth > 0.5)).mean()),
        }

    def _agreement(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        found = bland_altman(truth, predicted)
        error = float(np.abs(predicted - truth).mean())
        return {
            "score": -error,
            "loss": error,
            "mean_absolute_error_g_dl": error,
            "bias_g_dl": found.bias,
            "lower_limit_g_dl": found.lower,
            "upper_limit_g_dl": found.upper,
        }
