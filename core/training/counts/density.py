"""Recipe of the density counter: a map learnt from counts alone."""

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
"""A white cell or a platelet too many matters more than a red cell, of which there are twenty."""


class DensityRecipe:
    """The sums of the map against the counts; judged by count errors on validation.

    The backbone stays as it is: ImageNet's, or with ``start`` a cell classifier's, which has learnt
    from single cells and no boxes.
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
        # The frozen layers' running statistics are not used here and must not follow anything.
        features, sizes = batch["features"], batch["size"]
        said, counts = [], []
        for height, width in sorted({(int(h), int(w)) for h, w in sizes}):
            alike = (sizes[:, 0] == height) & (sizes[:, 1] == width)
            said.append(model.head(features[alike, :, :height, :width]).sum(dim=(2, 3)))
            counts.append(batch["counts"][alike])
        return _loss(torch.cat(said), torch.cat(counts))

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        assert isinstance(model, DensityCounter)
        held_out, device = self._set("validation", mirrored=False), next(model.parameters()).device
        said = torch.cat(
            [
                model.head(ways[0][None].float().to(device)).sum(dim=(2, 3)).cpu()
                for ways in held_out.features
            ]
        )
        errors = (said - held_out.counts).abs().mean(dim=0).numpy()
        named = {f"mae_{kind}": float(e) for kind, e in zip(KINDS, errors, strict=True)}
        total = float(np.sum(errors))
        loss = float(_loss(said, held_out.counts))
        return {"score": -total, "loss": loss, "mae_sum": total, **named}

    def _set(self, part: str, mirrored: bool) -> DensityFields:
        if part not in self._sets:
            fields = self._split.train if part == "train" else self._split.validation
            self._sets[part] = DensityFields(fields, self.build(), self._seed, mirrored)
        return self._sets[part]


def _loss(said: Tensor, counts: Tensor) -> Tensor:
    """Absolute error, rounded off below half a cell, weighted by kind."""
    weights = torch.tensor(_KIND_WEIGHTS, device=said.device)
    rows = F.smooth_l1_loss(said.float(), counts, reduction="none", beta=0.5)
    return (rows * weights).sum(dim=1).mean()
