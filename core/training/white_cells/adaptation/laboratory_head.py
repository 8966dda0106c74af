"""A laboratory's own head from its crops: their features, the gate, and the answer with both."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.inference.white_cell.features import Answers, answers_of
from core.inference.white_cell.local_head import combined, generic_features, groups_of
from core.inference.white_cell.novelty import apply_label_shift, familiarity, on_axes
from core.inference.white_cell.uncertainty import Uncertainty
from core.models.cards import WhiteCellCard
from core.models.foundation import installed_foundation
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.training.white_cells.adaptation.laboratory_cells import same_cells
from core.training.white_cells.adaptation.local_head import (
    LocalCells,
    LocalHead,
    fit_gate,
    fit_local_head,
)

Array = npt.NDArray[np.float32]


def local_head_of(
    live: LoadedModel,
    uncertainty: Uncertainty,
    crops: Sequence[RgbImage],
    labels: Sequence[str],
    seed: int,
) -> LocalHead:
    """The head of a laboratory's cells. Raises AdaptRefused where it gains nothing."""
    foundation = installed_foundation()
    answers, generic = answers_of(crops, live), generic_features(crops, foundation)
    cells = local_cells(answers, generic, labels, same_cells(crops), uncertainty)
    if foundation is not None:
        cells = replace(cells, foundation=foundation.identity)
    return head_of(cells, live, uncertainty, seed)


def local_cells(
    answers: Answers,
    generic: npt.NDArray[np.float32],
    labels: Sequence[str],
    same_cell: npt.NDArray[np.int64],
    uncertainty: Uncertainty,
) -> LocalCells:
    """What the fit reads of labelled cells."""
    distance = familiarity(answers.features, uncertainty).distance
    predicted = apply_label_shift(answers.logits, distance, uncertainty.card.label_shift)
    features = np.concatenate([answers.features, generic], axis=1)
    return LocalCells(features, answers.logits, predicted, labels, same_cell)


def head_of(cells: LocalCells, live: LoadedModel, uncertainty: Uncertainty, seed: int) -> LocalHead:
    """Head and gate. Raises AdaptRefused where the head gains nothing."""
    tensors = uncertainty.tensors
    mean, basis = tensors["axes.mean"], tensors["axes.basis"]
    home = tensors["index.feature"].astype(np.float32)
    own = cells.features[:, : home.shape[1]]
    gate = fit_gate(on_axes(home, mean, basis), on_axes(own, mean, basis))
    return fit_local_head(cells, live.card_as(WhiteCellCard).classes, gate, seed)


def is_local(answers: Answers, head: LocalHead, uncertainty: Uncertainty) -> npt.NDArray[np.bool_]:
    """Which cells the head answers, ``(N,)``."""
    tensors = uncertainty.tensors
    rows = on_axes(answers.features, tensors["axes.mean"], tensors["axes.basis"])
    return np.asarray(rows @ head.gate[:-1] + head.gate[-1] > 0)


def labels_with_head(
    answers: Answers,
    generic: Array,
    local: npt.NDArray[np.bool_],
    head: LocalHead,
    classes: Sequence[str],
    predicted: Sequence[str],
) -> list[str]:
    """The class of each cell with a head: ``predicted`` where the cell is not ``local``.

    ``generic`` ``(local.sum(), width)`` are the generic features of the local cells.
    """
    labels = list(predicted)
    features = np.concatenate([answers.features[local], generic], axis=1)
    logits = combined(
        answers.logits[local],
        features @ head.weight.T + head.bias,
        groups_of(head.labels, classes),
        head.prior,
        head.absent,
    )
    for i, best in zip(np.flatnonzero(local), logits.argmax(axis=1), strict=True):
        labels[int(i)] = classes[int(best)]
    return labels
