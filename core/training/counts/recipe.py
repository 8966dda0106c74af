"""Recipe of the paper's count regressor: fields with counts, mean absolute error."""

import copy
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from core.models.classifier import CellClassifier
from core.models.regressor import CountRegressor
from core.taxonomy import KINDS
from core.training.counts.data import CountingSplit, WholeFields
from core.training.loop.train import Batch


class RegressionRecipe:
    """Loss and score: mean absolute error of the three counts.

    The feature layers start from those of the cell classifier ``start`` (the paper's fine-tuned
    backbone); without it from ImageNet (``pretrained``) or at random. ``reduced`` freezes the
    backbone and trains the two last layers; the paper trains all layers.
    """

    name = "counts"

    def __init__(
        self,
        split: CountingSplit,
        backbone: str = "resnet50",
        hidden: int = 256,
        pretrained: bool = True,
        start: CellClassifier | None = None,
        reduced: bool = False,
    ) -> None:
        self._split, self._backbone, self._hidden = split, backbone, hidden
        self._pretrained, self._start, self._reduced = pretrained, start, reduced
        self._train: WholeFields | None = None
        self._validation: WholeFields | None = None
        self._body: dict[str, Tensor] | None = None

    def build(self) -> CountRegressor:
        from_imagenet = self._pretrained and self._start is None
        model = CountRegressor(self._backbone, self._hidden, pretrained=from_imagenet)
        if self._start is not None:
            model.take_backbone(self._start)
        if self._reduced:
            # A random backbone must be the same in every network of this training.
            self._body = self._body or copy.deepcopy(model.body.state_dict())
            model.body.load_state_dict(self._body)
            for parameter in model.body.parameters():
                parameter.requires_grad = False
        return model

    def training_set(self) -> Dataset[Batch]:
        if self._train is None:
            self._train = WholeFields(self._split.train, self._frozen())
        return self._train

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        return F.l1_loss(self._counts(model)(batch["input"]).float(), batch["counts"])

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        if self._validation is None:
            self._validation = WholeFields(self._split.validation, self._frozen())
        device, counts = next(model.parameters()).device, self._counts(model)
        parts = [
            counts(self._validation.inputs[i : i + 32].to(device)).float().cpu()
            for i in range(0, len(self._validation), 32)
        ]
        errors = (torch.cat(parts) - self._validation.counts).abs().mean(dim=0).numpy()
        named = {f"mae_{kind}": float(e) for kind, e in zip(KINDS, errors, strict=True)}
        mean = float(np.mean(errors))
        return {"score": -mean, "loss": mean, "mae_mean": mean, "mae_sum": 3 * mean, **named}

    def _frozen(self) -> CountRegressor | None:
        return self.build() if self._reduced else None

    def _counts(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        assert isinstance(model, CountRegressor)
        return model.counts_of if self._reduced else model
