"""Adapting the live white-cell model to another laboratory by at most a few cells a class.

The quick way leaves the network as it is and fits a head of the laboratory's own beside it
(``local_head.py``), which answers for unfamiliar cells; it is refused where it gains nothing. The
deep way fits the last layer and the last blocks (``last_blocks.py``) and answers for every cell.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.datasets.intake.cells import Skipped
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.hierarchy import CHILDREN
from core.inference.white_cell.local_head import BIAS, GATE, WEIGHT
from core.inference.white_cell.uncertainty import (
    Uncertainty,
    copy_uncertainty,
    save_uncertainty,
    uncertainty_of,
    uncertainty_path,
)
from core.models import registry
from core.models.cards import CellData, WhiteCellCard
from core.models.classifier import CellClassifier
from core.models.weights import LoadedModel, save_model
from core.settings import settings
from core.store.database import database
from core.store.runs import Run, RunBook
from core.training.card_facts import data_hash, origin_of
from core.training.intakes import judged_on
from core.training.loop.settings import LoopSettings
from core.training.promote import locked_sets
from core.training.runs.lifecycle import code_version
from core.training.white_cells.adaptation.adaptations import (
    WITHOUT_EXTRAS,
    AdaptationGain,
    AdaptationResult,
)
from core.training.white_cells.adaptation.laboratory_cells import (
    crops_of,
    draw_cells,
    list_cells,
    same_pictures,
    usable_cells,
)
from core.training.white_cells.adaptation.laboratory_head import local_head_of
from core.training.white_cells.adaptation.last_blocks import RehearsalCells, can_move, fine_tuned
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.adaptation.local_head import LocalHead
from core.training.white_cells.adaptation.rehearsal_cells import rehearsal_cells

Report = Callable[[str], None]

PER_CLASS: Final = 10


@dataclass(frozen=True)
class Adapted:
    """The challenger and what it was made from; ``run`` is its row where it has one."""

    model: LoadedModel
    cells: dict[str, int]
    left_for_test: int
    skipped: tuple[Skipped, ...]
    run: Run | None
    deep: bool = False

    def as_json(self) -> AdaptationResult:
        return {
            "model": self.model.identity,
            "file": str(self.model.path),
            "cells": self.cells,
            "left_for_test": self.left_for_test,
            "skipped": [{"file": one.file, "reason": one.reason} for one in self.skipped],
            "run": self.run.id if self.run else None,
            "deep": self.deep,
            "gain": self.gain,
        }

    @property
    def gain(self) -> AdaptationGain | None:
        """What it brings, cross-validated; None for the deep way, which measures nothing."""
        local = self.model.card_as(WhiteCellCard).local_head
        if local is None:
            return None
        one = local.gain
        return {
            "before": one.before,
            "after": one.after,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": one.n,
        }

    def in_words(self) -> str:
        cells = ", ".join(f"{name} {count}" for name, count in self.cells.items())
        lines = [f"{self.model.identity} is adapted by {cells} cells."]
        gain = self.gain
        if gain is not None:
            lines.append(
                f"Cross-validated on these cells: {gain['before']:.1%} right before, "
                f"{gain['after']:.1%} after (gain {gain['value']:+.1%}, 95 % interval "
                f"{gain['low']:+.1%} to {gain['high']:+.1%}, {gain['n']} cells)."
            )
        lines += [f"left out: {one.file}, {one.reason}" for one in self.skipped]
        if self.deep:
            lines.append(WITHOUT_EXTRAS)
        where = f"run {self.run.label}" if self.run else str(self.model.path)
        lines.append(f"It is a challenger ({where}): compare it on the screen Models.")
        return "\n".join(lines)


def adapt_to(
    root: Path,
    *,
    per_class: int = PER_CLASS,
    seed: int = 0,
    target: Path | None = None,
    who: str = "command line",
    deep: bool = False,
    report: Report = lambda words: None,
) -> Adapted:
    """Make a challenger of the live model by the class folders under ``root``.

    Cells that are not drawn are its locked test set. Without ``target`` it becomes a run of its
    own, so that it can be compared and promoted like any other. ``deep`` moves the last blocks too;
    it takes about a minute and pictures of the original training cells.

    Raises:
        DataRefused: if the folder holds no class folders.
        AdaptRefused: if fewer than two classes are there, the live model has no fitted uncertainty,
            it cannot be adapted the deep way here, or adapting gains nothing.
        WeightsRefused: if the live model is missing or damaged.
    """
    live, locator = registry.live("wbc"), registry.live("locator")
    uncertainty = uncertainty_of(live)
    if uncertainty is None:
        raise AdaptRefused(
            f"{live.identity} has no stored cells to keep its knowledge with; "
            "run python -m core fit-uncertainty first"
        )
    report("reading the cells and what they must not be copies of")
    found = list_cells(root)
    home = _home(live, uncertainty, locator) if deep else None
    known, left_out = _known_to(live, found.cells)
    known, unusable = usable_cells(known, judged_on("wbc"))
    # A copy of a picture that is learnt from would be no test.
    drawn, rest = draw_cells(known, per_class, seed, same_pictures([cell.path for cell in known]))
    report(f"locating {len(drawn)} cells")
    crops, used, skipped = crops_of(drawn, locator)
    counts = dict(sorted(Counter(str(cell.label) for cell in used).items()))
    if len(counts) < 2:
        raise AdaptRefused(
            f"cells of at least two classes are needed, found {', '.join(counts) or 'none'}"
            + (f"; {len(unusable)} were left out: {unusable[0].reason}" if unusable else "")
        )
    part = "last blocks" if deep else "local head"
    report(f"fitting the {part} to {len(used)} cells")
    labels = [str(cell.label) for cell in used]
    assert isinstance(live.module, CellClassifier)
    module, head = live.module, None
    if home is None:
        head = local_head_of(live, uncertainty, crops, labels, seed)
    else:
        module = fine_tuned(live.module, home, crops, labels, seed)
    name = f"wbc-adapted-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    file = target or settings().var / "runs" / name / f"{name}.safetensors"
    report("saving")
    model = _save(live, module, file, root, used, seed, part, head)
    if head is not None:
        _carry_extras(live, uncertainty, model, head)
    run = None if target else _as_run(name, root, model, rest, counts, seed, who)
    return Adapted(
        model, counts, len(rest), (*found.skipped, *left_out, *unusable, *skipped), run, deep
    )


def _home(live: LoadedModel, uncertainty: Uncertainty, locator: LoadedModel) -> RehearsalCells:
    if not can_move(live.module):
        raise AdaptRefused(
            f"the deep way knows MobileNetV2 only, and {live.identity} is another network; "
            "adapt the last layer only"
        )
    return rehearsal_cells(uncertainty, settings().data, locator)


def _known_to(
    live: LoadedModel, cells: Sequence[LabelledCell]
) -> tuple[list[LabelledCell], list[Skipped]]:
    """Cells whose class (or a child of it) the model has, and the others with the reason."""
    classes = set(live.card_as(WhiteCellCard).classes)
    known, others = [], []
    for cell in cells:
        label = str(cell.label)
        if label in classes or classes & set(CHILDREN.get(label, ())):
            known.append(cell)
        else:
            words = f"the live model has no class {label.replace('_', ' ')}"
            others.append(Skipped(cell.path.name, words))
    return known, others


def _save(
    live: LoadedModel,
    module: CellClassifier,
    file: Path,
    root: Path,
    used: Sequence[LabelledCell],
    seed: int,
    part: str,
    head: LocalHead | None,
) -> LoadedModel:
    data = CellData(
        set=f"{root.name}: {len(used)} cells, with training cells of {live.identity}",
        training_cells=len(used),
        sha256=data_hash([cell.path for cell in used]),
    )
    # Nothing that was measured on the live model holds for the adapted one.
    inherited = live.card_as(WhiteCellCard).without("evaluation", "validation", "local_head")
    changes = {
        **origin_of(replace(LoopSettings(), seed=seed)),
        "data": data,
        "adapted_from": live.identity,
        "licence": f"{live.card.licence}; {part} adapted on the laboratory's cells",
    }
    if head is not None:
        changes["local_head"] = head.as_card()
    card = inherited.model_copy(update=changes)
    return save_model(file, module, card)


def _carry_extras(
    live: LoadedModel, uncertainty: Uncertainty, model: LoadedModel, head: LocalHead
) -> None:
    # The features are the same, so everything fitted on them still holds.
    copy_uncertainty(live.path, model.path)
    assert uncertainty_path(model.path).is_file()
    changes = {"limits_from": live.identity, "local_head": head.as_card()}
    card = uncertainty.card.model_copy(update=changes)
    tensors = {**uncertainty.tensors, WEIGHT: head.weight, BIAS: head.bias, GATE: head.gate}
    save_uncertainty(model, card, tensors)


def _as_run(
    name: str,
    root: Path,
    model: LoadedModel,
    rest: Sequence[LabelledCell],
    counts: dict[str, int],
    seed: int,
    who: str,
) -> Run:
    file, title = model.path.parent / locked_sets.FILE, f"{root.name}, cells not adapted to"
    locked_sets.lock(file, title, rest, anywhere=True)
    values = {
        "name": name,
        "recipe": "wbc",
        "title": f"Adapted to {root.name}",
        "folder": f"runs/{name}",
        "data": str(root.resolve()),
        "settings": asdict(replace(LoopSettings(), seed=seed)),
        "options": {},
        "seed": seed,
        "code_version": code_version(),
        "facts": {"training": sum(counts.values()), "test": len(rest), "cells": counts},
        "model_path": str(model.path),
        "model_identity": model.identity,
    }
    return RunBook(database()).add_done(values, who)
