"""Recipe of the density counter, which learns a map of cells from counts alone."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from core.models.classifier import CellClassifier
from core.models.density import DensityCounter
from core.taxonomy import KINDS
from core.training.counts.data import CountingSplit
from core.training.counts.density_data import DensityFields
from core.training.locator.recipe import LocatorSplit
from core.training.loop.recipe import Batch

_KIND_WEIGHTS = (1.0, 3.0, 3.0)
"""Weights of RBC, WBC and platelet errors: one white cell too many of one matters more than one red
cell too many of twenty."""


class DensityRecipe:
    """Loss: the map's sums against the counts. Score: count errors on the validation fields.

    The backbone is frozen. Its weights are ImageNet's, or with ``start`` those of a cell classifier
    (learnt from single cells, without boxes) or of another density counter.
    """

    name = "counts"

    def __init__(
        self,
        split: LocatorSplit | CountingSplit,
        seed: int = 0,
        pretrained: bool = True,
        start: CellClassifier | DensityCounter | None = None,
        width: int = 48,
    ) -> None:
        self._split, self._seed, self._pretrained = split, seed, pretrained
        self._start, self._width = start, width
        self._sets: dict[str, DensityFields] = {}
        self._body: dict[str, Tensor] | None = None

    def build(self) -> DensityCounter:
        if isinstance(self._start, DensityCounter):
            model = DensityCounter(self._start.width)
            model.load_state_dict(self._start.state_dict())
        else:
            model = DensityCounter(self._width, self._pretrained and self._start is None)
            if self._start is not None:
                model.take_backbone(self._start)
        # A random backbone must be the same in every network of this training.
        self._body = self._body or copy.deepcopy(model.body.state_dict())
        model.body.load_state_dict(self._body)
        for parameter in model.body.parameters():
            parameter.requires_grad = False
        return model

    def training_set(self) -> Dataset[Batch]:
        return self._set("train", mirrored=True)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(model, DensityCounter)
        # The loss calls the head only: the frozen backbone's running statistics must not change.
        features, sizes = batch["features"], batch["size"]
        predicted, counts = [], []
        for height, width in sorted({(int(h), int(w)) for h, w in sizes}):
            same_size = (sizes[:, 0] == height) & (sizes[:, 1] == width)
            predicted.append(model.head(features[same_size, :, :height, :width]).sum(dim=(2, 3)))
            counts.append(batch["counts"][same_size])
        return _loss(torch.cat(predicted), torch.cat(counts))

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        assert isinstance(model, DensityCounter)
        held_out, device = self._set("validation", mirrored=False), next(model.parameters()).device
        predicted = torch.cat(
            [
                model.head(ways[0][None].float().to(device)).sum(dim=(2, 3)).cpu()
                for ways in held_out.features
            ]
        )
        errors = (predicted - held_out.counts).abs().mean(dim=0).numpy()
        named = {f"mae_{kind}": float(e) for kind, e in zip(KINDS, errors, strict=True)}
        total = float(np.sum(errors))
        loss = float(_loss(predicted, held_out.counts))
        return {"score": -total, "loss": loss, "mae_sum": total, **named}

    def _set(self, part: str, mirrored: bool) -> DensityFields:
        if part not in self._sets:
            fields = self._split.train if part == "train" else self._split.validation
            self._sets[part] = DensityFields(fields, self.build(), self._seed, mirrored)
        return self._sets[part]


def _loss(predicted: Tensor, counts: Tensor) -> Tensor:
    """Absolute error of ``(N, 3)`` counts, quadratic below half a cell, weighted by kind."""
    weights = torch.tensor(_KIND_WEIGHTS, device=predicted.device)
    rows = F.smooth_l1_loss(predicted.float(), counts, reduction="none", beta=0.5)
    return (rows * weights).sum(dim=1).mean()
