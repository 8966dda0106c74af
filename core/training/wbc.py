"""Recipe of the white-cell classifier: PBC cells, cut by near-duplicate group."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from core.datasets.fields import read_rgb
from core.datasets.pbc import CELL_SHARE, LabelledCell
from core.models.classifier import INPUT_PX, CellClassifier
from core.records import RgbImage
from core.taxonomy import parent_of
from core.training.augment import vary_sharpness, vary_stain
from core.training.loop import Batch

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
    """Cells turned, moved, zoomed and restained; item ``(epoch, index)`` is always the same."""

    def __init__(self, cells: Sequence[LabelledCell], classes: tuple[str, ...], seed: int) -> None:
        self._seed = seed
        self._pixels = [read_rgb(cell.path) for cell in cells]
        self._labels = [classes.index(cell.label) for cell in cells if cell.label is not None]
        if len(self._labels) != len(cells):
            raise ValueError("every training cell needs a class")

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        cut = _random_crop(rng, self._pixels[index])
        varied = vary_sharpness(rng, vary_stain(rng, cut))
        return {"image": as_input(varied), "label": torch.tensor(self._labels[index])}


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
    ``frozen`` keeps every weight but the last layer's; running statistics still follow the data.
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
        frozen: bool = False,
    ) -> None:
        self._train = [cell for cell in split.train if cell.label and not cell.odd_background]
        self._validation = [
            cell for cell in split.validation if cell.label and not cell.odd_background
        ]
        self._backbone, self._pretrained, self._seed = backbone, pretrained, seed
        self._classes, self._start, self._frozen = classes, start, frozen

    def build(self) -> CellClassifier:
        if self._start is None:
            model = CellClassifier(self._classes, self._backbone, self._pretrained)
        else:
            model = CellClassifier(self._classes, self._start.backbone)
            _take_over(model, self._start)
        if self._frozen:
            for parameter in model.parameters():
                parameter.requires_grad = False
            for parameter in model.last_layer().parameters():
                parameter.requires_grad = True
        return model

    def training_set(self) -> Dataset[Batch]:
        return CellExamples(self._train, self._classes, self._seed)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        logits = model(batch["image"].contiguous(memory_format=torch.channels_last))
        return F.cross_entropy(logits.float(), batch["label"], label_smoothing=0.03)

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


@torch.no_grad()
def _take_over(model: CellClassifier, start: CellClassifier) -> None:
    """The weights of ``start``; rows of the last layer for the classes both know."""
    last = tuple(f"net.{name}" for name in ("classifier.1.weight", "classifier.1.bias"))
    last += ("net.fc.weight", "net.fc.bias")
    old = start.state_dict()
    model.load_state_dict({k: v for k, v in old.items() if k not in last}, strict=False)
    for row, name in enumerate(model.classes):
        if name in start.classes:
            from_row = start.classes.index(name)
            model.last_layer().weight[row] = start.last_layer().weight[from_row]
            model.last_layer().bias[row] = start.last_layer().bias[from_row]
