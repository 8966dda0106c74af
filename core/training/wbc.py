"""Recipe of the white-cell classifier: PBC cells, cut by near-duplicate group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from core.datasets.fields import read_rgb
from core.datasets.pbc import CELL_SHARE, LabelledCell
from core.models.classifier import INPUT_PX, CellClassifier
from core.records import RgbImage
from core.taxonomy import parent_of
from core.training.augment import vary_sharpness, vary_stain, vary_towards
from core.training.augmentations import auto_augment
from core.training.choices import AUGMENTATIONS
from core.training.class_weights import class_weights as weights_of_classes
from core.training.foreign_cells import ForeignCell
from core.training.freezing import freeze
from core.training.recipe import Batch
from core.training.wrong_examples import WrongExample, worst_calls

PBC_CLASSES = (
    "segmented_neutrophil",
    "band_neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "immature_granulocyte",
    "erythroblast",
    "platelet",
)
"""What the set can teach, in the order of the taxonomy."""


def centre_crop(pixels: RgbImage, share: float = CELL_SHARE) -> RgbImage:
    """The middle square of a single-cell picture at the network's size."""
    height, width = pixels.shape[:2]
    side = round(min(height, width) * share)
    top, left = (height - side) // 2, (width - side) // 2
    cut = pixels[top : top + side, left : left + side]
    shrinks = side > INPUT_PX
    return cv2.resize(
        cut, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    ).astype(np.uint8)


def as_input(pixels: RgbImage) -> Tensor:
    """``(3, H, W)`` float in [0, 1] of an ``(H, W, 3)`` picture."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


class CellExamples(Dataset[Batch]):
    """Cells turned, moved, zoomed and restained; item ``(epoch, index)`` is always the same.

    With ``foreign`` cells an item is drawn: ``_FOREIGN_SHARE`` of them from the other laboratories,
    classes by the square root of their frequency, and colours move between laboratories.
    ``target`` is 1 for every class that is right, shape ``(len(classes),)``: two where only the
    parent is known.
    """

    def __init__(
        self,
        cells: Sequence[LabelledCell],
        classes: tuple[str, ...],
        seed: int,
        foreign: Sequence[ForeignCell] = (),
        augmentation: str = "stains",
    ) -> None:
        if augmentation not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise ValueError(f"augmentation must be one of {known}, got {augmentation!r}")
        self._seed, self._augmentation = seed, augmentation
        labels = [cell.label for cell in cells if cell.label is not None]
        if len(labels) != len(cells):
            raise ValueError("every training cell needs a class")
        self._pixels = [read_rgb(cell.path) for cell in cells] + [cell.pixels for cell in foreign]
        labels += [cell.label for cell in foreign]
        self._targets = [_right_answers(label, classes) for label in labels]
        self._length = len(cells)
        self._drawn = _cumulative_chances(labels, len(cells)) if foreign else None

    def __len__(self) -> int:
        return self._length if self._drawn is None else min(self._length, _DRAWS)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        if self._drawn is not None:
            index = int(np.searchsorted(self._drawn, rng.random()))
        if self._augmentation in ("autoaugment", "none"):
            pixels = centre_crop(self._pixels[index])
            if self._augmentation == "autoaugment":
                pixels = auto_augment(rng, pixels)
            return {"image": as_input(pixels), "target": self._targets[index]}
        pixels = _random_crop(rng, self._pixels[index])
        if self._augmentation == "published":
            return {"image": as_input(pixels), "target": self._targets[index]}
        if self._drawn is not None and rng.random() < 0.35:
            # From one laboratory to the other, whichever this cell is from.
            low, high = (
                (self._length, len(self._pixels)) if index < self._length else (0, self._length)
            )
            pixels = vary_towards(rng, pixels, self._pixels[int(rng.integers(low, high))])
        if self._drawn is None or rng.random() < 0.8:
            pixels = vary_stain(rng, pixels, 1.0 if self._drawn is None else 0.8)
        pixels = vary_sharpness(rng, pixels)
        return {"image": as_input(pixels), "target": self._targets[index]}


_FOREIGN_SHARE = 0.12
_NUCLEI_SHARE = 0.3
_DRAWS = 6000
"""Cells of an epoch where they are drawn."""


def _right_answers(label: str, classes: tuple[str, ...]) -> Tensor:
    right = torch.tensor([float(label in (name, parent_of(name))) for name in classes])
    if not right.any():
        raise ValueError(f"{label} is none of the classes to be learnt")
    return right


def _cumulative_chances(labels: Sequence[str], own: int) -> npt.NDArray[np.float64]:
    """Running sum of the chances of each cell: ``own`` ones of the laboratory, then the foreign."""
    chance = np.empty(len(labels))
    hard = np.array([parent_of(label) == "neutrophil" for label in labels])
    foreign = np.arange(len(labels)) >= own
    for part, share in (
        (~foreign & hard, _NUCLEI_SHARE),
        (~foreign & ~hard, 1 - _NUCLEI_SHARE - _FOREIGN_SHARE),
        (foreign, _FOREIGN_SHARE),
    ):
        where = np.flatnonzero(part).tolist()
        counts = Counter(labels[i] for i in where)
        weights = np.array([counts[labels[i]] ** -0.5 for i in where])
        chance[where] = share * weights / weights.sum()
    return np.cumsum(chance / chance.sum())


def _random_crop(rng: np.random.Generator, pixels: RgbImage) -> RgbImage:
    height, width = pixels.shape[:2]
    side = min(height, width) * CELL_SHARE * float(np.exp(rng.normal(0, 0.13)))
    zoom = INPUT_PX / side
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(0, 360)), zoom)
    if rng.random() < 0.5:
        turn[:, 0] *= -1
        turn[:, 2] += -turn[:, 0] * width
    turn[:, 2] += (
        INPUT_PX / 2 - np.array([width / 2, height / 2]) + rng.normal(0, 0.04 * INPUT_PX, 2)
    )
    return cv2.warpAffine(
        pixels, turn, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    ).astype(np.uint8)


@dataclass(frozen=True)
class WbcSplit:
    """Cells to learn from and cells to choose on."""

    train: list[LabelledCell]
    validation: list[LabelledCell]


class WbcRecipe:
    """Cross-entropy; judged by the mean of strict accuracy and accuracy with neutrophils together.

    ``start`` is a model to go on from: its weights are taken, its last layer by class name.
    ``frozen``, ``augmentation`` and ``class_weights`` are words of the files of these names.
    ``foreign`` are cells of other laboratories to learn beside the others; ``network_px`` is
    ``start``'s unless given.
    """

    name = "wbc"

    def __init__(
        self,
        split: WbcSplit,
        backbone: str = "mobilenet_v2",
        pretrained: bool = True,
        seed: int = 0,
        classes: tuple[str, ...] = PBC_CLASSES,
        start: CellClassifier | None = None,
        frozen: str = "nothing",
        network_px: int | None = None,
        foreign: Sequence[ForeignCell] = (),
        augmentation: str = "stains",
        class_weights: str = "none",
    ) -> None:
        self.wrong: list[WrongExample] = []
        self._augmentation = augmentation
        self._train = [cell for cell in split.train if cell.label and not cell.odd_background]
        self._validation = [
            cell for cell in split.validation if cell.label and not cell.odd_background
        ]
        self._backbone, self._pretrained, self._seed = backbone, pretrained, seed
        self._classes, self._start, self._frozen = classes, start, frozen
        self._network_px = network_px or (start.network_px if start else INPUT_PX)
        self._foreign = foreign
        labels = [str(cell.label) for cell in self._train]
        self._weights = weights_of_classes(class_weights, labels, classes)

    def build(self) -> CellClassifier:
        if self._start is None:
            model = CellClassifier(
                self._classes, self._backbone, self._pretrained, self._network_px
            )
        else:
            model = CellClassifier(self._classes, self._start.backbone, network_px=self._network_px)
            _take_over(model, self._start)
        freeze(model, model.last_layer(), self._frozen)
        return model

    def training_set(self) -> Dataset[Batch]:
        return CellExamples(
            self._train, self._classes, self._seed, self._foreign, self._augmentation
        )

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        logits = model(batch["image"].contiguous(memory_format=torch.channels_last))
        weights = None if self._weights is None else self._weights.to(logits.device)
        return answer_loss(logits.float(), batch["target"], weights=weights)

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        truth = np.array(
            [self._classes.index(cell.label) for cell in self._validation if cell.label]
        )
        logits = []
        for start in range(0, len(truth), 64):
            crops = [
                as_input(centre_crop(read_rgb(c.path)))
                for c in self._validation[start : start + 64]
            ]
            batch = torch.stack(crops).contiguous(memory_format=torch.channels_last)
            logits.append(model(batch.to(device)).float().cpu())
        scores = torch.cat(logits)
        loss = float(F.cross_entropy(scores, torch.from_numpy(truth)))
        said = scores.argmax(1).numpy()
        paths = [cell.path for cell in self._validation]
        self.wrong = worst_calls(paths, truth, scores.softmax(1).numpy(), self._classes)
        names = [parent_of(name) for name in self._classes]
        parents = np.array([names.index(name) for name in names])
        strict = float((said == truth).mean())
        merged = float((parents[said] == parents[truth]).mean())
        return {
            "score": (strict + merged) / 2,
            "loss": loss,
            "accuracy": strict,
            "accuracy_neutrophils_together": merged,
            **{
                f"recall_{name}": float((said[truth == i] == i).mean())
                for i, name in enumerate(self._classes)
                if (truth == i).any()
            },
        }


def answer_loss(
    logits: Tensor, right: Tensor, smoothing: float = 0.03, weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy where several answers may be right, both ``(B, C)``; with one: the usual one.

    The probability of a parent is the sum of its children's. ``weights`` is ``(C,)``: how much an
    example of each class counts.
    """
    everything = logits.logsumexp(1)
    answered = logits.masked_fill(right == 0, -torch.inf).logsumexp(1)
    smooth = everything - logits.mean(1)
    each = (1 - smoothing) * (everything - answered) + smoothing * smooth
    if weights is None:
        return each.mean()
    counts = (right @ weights) / right.sum(1)
    return (counts * each).sum() / counts.sum()


@torch.no_grad()
def _take_over(model: CellClassifier, start: CellClassifier) -> None:
    """The weights of ``start``; rows of the last layer for the classes both know."""
    new, old = model.state_dict(), start.state_dict()
    model.load_state_dict({k: v for k, v in old.items() if v.shape == new[k].shape}, strict=False)
    for row, name in enumerate(model.classes):
        if name in start.classes:
            from_row = start.classes.index(name)
            model.last_layer().weight[row] = start.last_layer().weight[from_row]
            model.last_layer().bias[row] = start.last_layer().bias[from_row]
