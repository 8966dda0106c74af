"""Recipe of the white-cell classifier: PBC cells, cut by near-duplicate group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from core.datasets.fields import read_rgb
from core.datasets.public.pbc import LabelledCell
from core.models.classifier import INPUT_PX, CellClassifier
from core.taxonomy import parent_of, right_answers
from core.training.choices import CLASS_WEIGHTS, FROZEN
from core.training.loop.recipe import Batch
from core.training.loop.wrong_examples import WrongExample, worst_calls
from core.training.white_cells.cell_examples import (
    FOREIGN_SHARE,
    CellExamples,
    as_input,
    centre_crop,
)
from core.training.white_cells.foreign_cells import ForeignCell
from core.training.white_cells.laboratories import balanced_accuracy
from core.training.white_cells.rehearsal import StoredFeatures

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


@dataclass(frozen=True)
class WbcSplit:
    """Cells to learn from and cells to choose on."""

    train: list[LabelledCell]
    validation: list[LabelledCell]


class WbcRecipe:
    """Cross-entropy; judged by the mean of strict accuracy and accuracy with neutrophils together.

    ``start`` is a model to go on from: its weights are taken, its last layer by class name.
    ``frozen``, ``augmentation`` and ``class_weights`` are words of the files of these names.
    ``balanced`` draws as many cells of each class, ``focal`` and ``mixup`` (its alpha, 0 for none)
    change the loss. ``foreign`` are cells of other laboratories to learn beside the others;
    ``network_px`` is ``start``'s unless given. ``rehearsal`` are features of cells that ``start``
    learnt from, which the last layer must go on to tell. With ``foreign_validation`` the score is
    the mean of the home score and of the balanced accuracy over those cells, or home alone would
    choose the epoch.
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
        foreign_validation: Sequence[ForeignCell] = (),
        foreign_share: float = FOREIGN_SHARE,
        rehearsal: StoredFeatures | None = None,
        balanced: bool = False,
        focal: bool = False,
        mixup: float = 0.0,
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
        self._foreign, self._foreign_share = foreign, foreign_share
        self._balanced, self._focus, self._mixup = balanced, 2.0 if focal else 0.0, mixup
        self._rehearsal = rehearsal
        self._rehearsed = (
            torch.tensor([right_answers(name, classes) for name in rehearsal.labels]).float()
            if rehearsal
            else None
        )
        self._foreign_validation = foreign_validation
        labels = [str(cell.label) for cell in self._train]
        self._weights = class_weights_of(class_weights, labels, classes)

    def build(self) -> CellClassifier:
        if self._start is None:
            model = CellClassifier(
                self._classes, self._backbone, self._pretrained, self._network_px
            )
        else:
            model = CellClassifier(self._classes, self._start.backbone, network_px=self._network_px)
            _take_over(model, self._start)
        freeze(model, model.last_layer(), self._frozen)
        if self._rehearsal is not None:
            hold_statistics(model)
        return model

    def pictures(self) -> list[Path]:
        """Every picture that is learnt from, or that the epoch is chosen on."""
        parts = (self._train, self._validation, self._foreign, self._foreign_validation)
        return [cell.path for part in parts for cell in part]

    def training_set(self) -> Dataset[Batch]:
        return CellExamples(
            self._train,
            self._classes,
            self._seed,
            self._foreign,
            self._augmentation,
            self._foreign_share,
            balanced=self._balanced,
        )

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        images, other, share = batch["image"], batch["target"], 1.0
        if self._mixup and model.training:
            # Of torch's own random state, which a resumed training restores.
            share = float(torch.distributions.Beta(self._mixup, self._mixup).sample())
            order = torch.randperm(len(images)).to(images.device)
            images = share * images + (1 - share) * images[order]
            other = other[order]
        logits = model(images.contiguous(memory_format=torch.channels_last)).float()
        weights = None if self._weights is None else self._weights.to(logits.device)

        def asked(target: Tensor) -> Tensor:
            return answer_loss(logits, target, weights=weights, focus=self._focus)

        own = asked(batch["target"])
        if share < 1:
            own = share * own + (1 - share) * asked(other)
        if self._rehearsal is None or self._rehearsed is None:
            return own
        assert isinstance(model, CellClassifier)
        kept = model.last_layer()(self._rehearsal.rows.to(logits.device))
        return own + answer_loss(kept, self._rehearsed.to(logits.device))

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        labels = np.array([str(cell.label) for cell in self._validation])
        # Where only the parent is known (neutrophil), each of its children is right.
        right = np.array([right_answers(str(name), self._classes) for name in labels])
        logits = []
        for start in range(0, len(labels), 64):
            crops = [
                as_input(centre_crop(read_rgb(c.path)))
                for c in self._validation[start : start + 64]
            ]
            batch = torch.stack(crops).contiguous(memory_format=torch.channels_last)
            logits.append(model(batch.to(device)).float().cpu())
        scores = torch.cat(logits)
        loss = float(answer_loss(scores, torch.from_numpy(right).float(), smoothing=0.0))
        predicted = scores.argmax(1).numpy()
        hits = right[np.arange(len(predicted)), predicted]
        truth = np.where(hits, predicted, right.argmax(axis=1))
        paths = [cell.path for cell in self._validation]
        self.wrong = worst_calls(paths, truth, scores.softmax(1).numpy(), self._classes)
        names = [parent_of(name) for name in self._classes]
        parents = np.array([names.index(name) for name in names])
        strict = float(hits.mean())
        merged = float((parents[predicted] == parents[truth]).mean())
        score = (strict + merged) / 2
        external = {}
        if self._foreign_validation:
            balanced = self._foreign_accuracy(model, device)
            external["balanced_accuracy_elsewhere"] = balanced
            score = (score + balanced) / 2
        return {
            "score": score,
            **external,
            "loss": loss,
            "accuracy": strict,
            "accuracy_neutrophils_together": merged,
            **{
                f"recall_{name}": float(hits[labels == name].mean())
                for name in dict.fromkeys((*self._classes, *names))
                if (labels == name).any()
            },
        }

    def _foreign_accuracy(self, model: nn.Module, device: torch.device) -> float:
        """Balanced accuracy, by parent class, over the other laboratories' validation cells."""
        cells = self._foreign_validation
        predicted: list[str] = []
        for start in range(0, len(cells), 64):
            crops = [as_input(centre_crop(cell.pixels)) for cell in cells[start : start + 64]]
            batch = torch.stack(crops).contiguous(memory_format=torch.channels_last)
            best = model(batch.to(device)).argmax(1).tolist()
            predicted += [parent_of(self._classes[i]) for i in best]
        return balanced_accuracy([parent_of(cell.label) for cell in cells], predicted)


def answer_loss(
    logits: Tensor,
    right: Tensor,
    smoothing: float = 0.03,
    weights: Tensor | None = None,
    focus: float = 0.0,
) -> Tensor:
    """Cross-entropy where several answers may be right, both ``(B, C)``; with one: the usual one.

    The probability of a parent is the sum of its children's. ``weights`` is ``(C,)``: how much an
    example of each class counts. With ``focus`` each example counts ``(1 - p) ** focus``, ``p``
    being the probability of its right answer (focal loss, Lin 2017).
    """
    everything = logits.logsumexp(1)
    answered = logits.masked_fill(right == 0, -torch.inf).logsumexp(1)
    smooth = everything - logits.mean(1)
    each = (1 - smoothing) * (everything - answered) + smoothing * smooth
    if focus:
        each = each * (1 - (answered - everything).exp()).clamp(min=0) ** focus
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


def freeze(model: nn.Module, last: nn.Module, how: str) -> None:
    """Take the gradients from the weights that stay; running statistics still follow the data.

    Args:
        model: the network, its parameters in the order they are passed through.
        last: its last layer, which is always learnt.
        how: one of ``FROZEN``.

    Raises:
        ValueError: for another word.
    """
    if how not in FROZEN:
        raise ValueError(f"frozen must be one of {', '.join(FROZEN)}, got {how!r}")
    parameters = list(model.parameters())
    count = {"nothing": 0, "half": len(parameters) // 2, "backbone": len(parameters)}[how]
    for parameter in parameters[:count]:
        parameter.requires_grad = False
    for parameter in last.parameters():
        parameter.requires_grad = True


def hold_statistics(model: nn.Module) -> None:
    """Keep the running statistics of batch normalisation as they are, or stored features would no
    longer be what the network makes of those cells.
    """
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = 0.0


def class_weights_of(how: str, labels: Sequence[str], classes: Sequence[str]) -> Tensor | None:
    """Weights ``(len(classes),)``; None where every cell counts the same.

    ``balanced`` is cells / (classes x cells of the class), so that every class counts the same
    whatever its frequency; a class without a cell gets 1. A cell of which only the parent is known
    (neutrophil) counts for each of the parent's classes in equal parts.

    Raises:
        ValueError: for a word that is not in ``CLASS_WEIGHTS``.

    Source: King & Zeng 2001, as scikit-learn's ``compute_class_weight`` has it.
    """
    if how not in CLASS_WEIGHTS:
        raise ValueError(f"class_weights must be one of {', '.join(CLASS_WEIGHTS)}, got {how!r}")
    if how == "none":
        return None
    known = Counter(labels)
    siblings = Counter(map(parent_of, classes))
    counts = {
        name: known[name]
        # The parent of a class without siblings is the class itself.
        + (known[parent_of(name)] / siblings[parent_of(name)] if parent_of(name) != name else 0.0)
        for name in classes
    }
    present = sum(count > 0 for count in counts.values())
    rows = [len(labels) / (present * counts[n]) if counts[n] else 1.0 for n in classes]
    return torch.tensor(rows, dtype=torch.float32)
