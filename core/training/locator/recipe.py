"""Recipe of the locator: TXL-PBC fields without any copy of a test field."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.ops import generalized_box_iou_loss

from core.datasets import near_duplicates, splits
from core.datasets.fields import LabelledField
from core.datasets.public import cbc, txl
from core.inference.locate.peaks import Peaks, find_peaks
from core.models.locator import Locator, decode_boxes
from core.statistics.counts import best_thresholds
from core.taxonomy import KINDS
from core.training.locator.data import LocatorExamples
from core.training.loop.recipe import Batch
from core.training.loop.wrong_examples import WrongExample, worst_counts


@dataclass(frozen=True)
class LocatorSplit:
    """Training and validation fields, without copies of test fields; ``left_out`` counts those."""

    train: list[LabelledField]
    validation: list[LabelledField]
    left_out: int


def split_fields(data: Path, seed: int = 0) -> LocatorSplit:
    """Split TXL train and val 90/10 by near-duplicate group, without copies of any test field.

    TXL-PBC contains many camera fields several times: squeezed, rotated, mirrored, recoloured.
    Copies of CBC's and TXL's test fields are dropped, and copies of validation fields are not
    learnt from.

    Raises:
        FileNotFoundError: if ``data`` lacks the sets.
    """
    pool = txl.load(data / "txl", "train") + txl.load(data / "txl", "val")
    hashes = near_duplicates.hash_files([field.path for field in pool])
    tests = cbc.load(data / "cbc", "Testing") + txl.load(data / "txl", "test")
    leaked = near_duplicates.altered_copies_of([field.path for field in tests], hashes)
    usable, hashes = [f for f, out in zip(pool, leaked, strict=True) if not out], hashes[~leaked]
    groups = near_duplicates.groups(hashes)
    sizes = [_shape_name(field) for field in usable]
    train, judged = splits.grouped_split(groups.tolist(), sizes, (0.9, 0.1), seed)
    validation = [usable[i] for i in judged]
    again = near_duplicates.altered_copies_of(
        [field.path for field in validation], hashes[train], _COPY_OF_VALIDATION
    )
    return LocatorSplit(
        [usable[i] for i, out in zip(train, again, strict=True) if not out],
        validation,
        int(leaked.sum() + again.sum()),
    )


_COPY_OF_VALIDATION = 0.34
"""Hash distance, stricter than for a test field: above it most pairs only look alike."""


def _shape_name(field: LabelledField) -> str:
    from PIL import Image

    with Image.open(field.path) as image:
        return f"{image.width}x{image.height}"


class LocatorRecipe:
    """Loss: focal on centres, generalised IoU on boxes. Score: count errors on validation."""

    name = "locator"

    def __init__(
        self,
        split: LocatorSplit,
        seed: int = 0,
        pretrained: bool = True,
        start: Locator | None = None,
        stain_strength: float = 0.8,
    ) -> None:
        """``start`` replaces ImageNet's first weights; ``stain_strength``: see ``vary_stain``."""
        self._split, self._seed, self._pretrained = split, seed, pretrained
        self._start, self._stain_strength = start, stain_strength
        self.wrong: list[WrongExample] = []
        self._validation = LocatorExamples(split.validation, seed, augment=False)

    def build(self) -> Locator:
        if self._start is None:
            return Locator(pretrained=self._pretrained)
        module = Locator()
        module.load_state_dict(self._start.state_dict())
        return module

    def training_set(self) -> Dataset[Batch]:
        return LocatorExamples(
            self._split.train, self._seed, augment=True, stain_strength=self._stain_strength
        )

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        heat, sides = model(batch["image"].contiguous(memory_format=torch.channels_last))
        return heat_loss(heat.float(), batch["heat"], batch["known"]) + sides_loss(
            sides, batch["boxes"], batch["weight"]
        )

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        found, truth, losses = [], [], []
        for index, field in enumerate(self._split.validation):
            batch = {k: v[None] for k, v in self._validation[(0, index)].items()}
            heat, sides = (out.float().cpu() for out in model(batch["image"].to(device)))
            losses.append(
                float(
                    heat_loss(heat, batch["heat"], batch["known"])
                    + sides_loss(sides, batch["boxes"], batch["weight"])
                )
            )
            found.append(find_peaks(heat[0].sigmoid().numpy(), sides[0].numpy()))
            truth.append(field.counts())
        thresholds, errors = choose_thresholds(found, np.stack(truth))
        counted = [np.bincount(p.above(thresholds).kinds, minlength=len(KINDS)) for p in found]
        paths = [field.path for field in self._split.validation]
        self.wrong = worst_counts(paths, np.stack(truth), np.stack(counted), KINDS)
        named = {f"mae_{kind}": float(e) for kind, e in zip(KINDS, errors, strict=True)}
        limits = {f"threshold_{kind}": float(t) for kind, t in zip(KINDS, thresholds, strict=True)}
        total = float(errors.sum())
        loss = float(np.mean(losses))
        return {"score": -total, "loss": loss, "mae_sum": total, **named, **limits}


def choose_thresholds(found: list[Peaks], truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score threshold of each kind with the smallest count error, and that error, ``(3,)`` each."""
    rows = [
        best_thresholds([p.scores[p.kinds == k] for p in found], truth[:, k])
        for k in range(len(KINDS))
    ]
    return np.array([r[0] for r in rows], np.float32), np.array([r[1] for r in rows])


def heat_loss(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Focal loss of centre heatmaps, ``(B, K, h, w)``, per true centre.

    Source: Zhou 2019, equation 1 (alpha 2, beta 4), after Law & Deng 2018.
    """
    p = logits.sigmoid()
    centre = target.eq(1).float()
    found = F.logsigmoid(logits) * (1 - p) ** 2 * centre
    empty = F.logsigmoid(-logits) * p**2 * (1 - target) ** 4 * (1 - centre)
    return -((found + empty) * known).sum() / centre.sum().clamp(min=1)


def sides_loss(sides: Tensor, boxes: Tensor, weight: Tensor) -> Tensor:
    """Weighted generalised-IoU loss of the boxes near true centres. Source: Liu 2020, TTFNet."""
    near = weight > 0
    predicted = decode_boxes(sides.float()).permute(0, 2, 3, 1)[near]
    true = boxes.permute(0, 2, 3, 1)[near]
    losses = generalized_box_iou_loss(predicted, true, reduction="none")
    return 5.0 * (losses * weight[near]).sum() / weight.sum().clamp(min=1e-6)
