"""What keeps the classes that a model knows while it learns a laboratory's own.

A training on a laboratory's cells alone would forget every class that is not among them. So PBC's
training cells stand beside them, or where PBC is not here the features that were stored of the
cells the model learnt from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from core.datasets.public import pbc
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models.cards import WhiteCellCard
from core.models.weights import LoadedModel
from core.settings import settings
from core.training.choices import REHEARSAL

BESIDE: Final = 150
"""PBC cells of each class that stand beside a laboratory's few."""


@dataclass(frozen=True)
class StoredFeatures:
    """``rows`` ``(N, width)`` as the last layer reads them, and the class of each."""

    rows: Tensor
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """Cells to learn beside the laboratory's, or stored features; ``words`` say which, or why none.

    All empty where nothing is to be kept.
    """

    cells: list[LabelledCell] = field(default_factory=list)
    features: StoredFeatures | None = None
    words: str = ""


def rehearsal(when: str, classes: Sequence[str], start: LoadedModel) -> Rehearsal:
    """What keeps the classes of ``start`` beside cells of ``classes``.

    Args:
        when: one of ``REHEARSAL``.
        classes: what the laboratory's cells teach.
        start: the model to go on from.
    """
    known = start.card_as(WhiteCellCard).classes
    new = [name for name in classes if name not in known]
    if when == REHEARSAL[2] or (when == REHEARSAL[0] and not new):
        return Rehearsal()
    data = settings().data
    if (data / "pbc").is_dir():
        train, _, _ = pbc.split(pbc.load(data / "pbc"), seed=0)
        usable = [cell for cell in train if cell.label in known and not cell.odd_background]
        cells = few_of_each(usable)
        return Rehearsal(cells, None, f"{len(cells)} training cells of PBC")
    stored = uncertainty_of(start)
    if stored is not None and stored.card.index is not None:
        names = stored.card.index.classes
        labels = tuple(names[int(i)] for i in stored.tensors["index.label"])
        rows = torch.from_numpy(stored.tensors["index.feature"].astype("float32"))
        words = f"stored features of {len(labels)} cells; only the last layer is learnt"
        return Rehearsal([], StoredFeatures(rows, labels), words)
    lost = [name for name in known if name not in classes]
    words = "neither PBC nor stored features are here" if lost else ""
    return Rehearsal([], None, f"nothing: {words}" if words else "")


def few_of_each(cells: Sequence[LabelledCell]) -> list[LabelledCell]:
    """At most ``BESIDE`` cells of each class, evenly over the set: the own ones must not drown."""
    by_class: dict[str, list[LabelledCell]] = {}
    for cell in cells:
        by_class.setdefault(str(cell.label), []).append(cell)
    few = []
    for members in by_class.values():
        step = max(1, -(-len(members) // BESIDE))
        few += members[::step]
    return few
