"""Adapting the live white-cell model to another laboratory by at most a few cells a class.

The quick way moves the last layer only: it is fitted anew to the features of the new cells together
with stored features of the original training cells, and held close to what it was, so that the
original laboratory is not forgotten. The deep way goes on from there with the last blocks
(``last_blocks.py``). docs/white-cells.md has what else was tried.
"""

import copy
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.datasets.intake.cells import Skipped
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.hierarchy import CHILDREN
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
from core.records import RgbImage
from core.settings import settings
from core.store.database import database
from core.store.runs import Run, RunBook
from core.training.augment import vary_sharpness, vary_stain
from core.training.card_facts import data_hash, origin_of
from core.training.intakes import judged_on
from core.training.loop.settings import LoopSettings
from core.training.promote import locked_sets
from core.training.runs.lifecycle import code_version
from core.training.white_cells.adaptation.adaptations import WITHOUT_EXTRAS
from core.training.white_cells.adaptation.laboratory import (
    crops_of,
    draw_cells,
    list_cells,
    usable_cells,
)
from core.training.white_cells.adaptation.last_blocks import RehearsalCells, can_move, fine_tuned
from core.training.white_cells.adaptation.last_layer import (
    AdaptRefused,
    allowed_classes,
    fit_last_layer,
)
from core.training.white_cells.adaptation.rehearsal_cells import index_of, rehearsal_cells

Array = npt.NDArray[np.float32]
Report = Callable[[str], None]

PER_CLASS: Final = 10
VIEWS: Final = 6
"""Ways each new cell is shown: turned, mirrored, its stain varied a little."""


@dataclass(frozen=True)
class Adapted:
    """The challenger and what it was made from; ``run`` is its row where it has one."""

    model: LoadedModel
    cells: dict[str, int]
    left_for_test: int
    skipped: tuple[Skipped, ...]
    run: Run | None
    deep: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model.identity,
            "file": str(self.model.path),
            "cells": self.cells,
            "left_for_test": self.left_for_test,
            "skipped": [asdict(one) for one in self.skipped],
            "run": self.run.id if self.run else None,
            "deep": self.deep,
        }

    def in_words(self) -> str:
        cells = ", ".join(f"{name} {count}" for name, count in self.cells.items())
        lines = [f"{self.model.identity} is adapted by {cells} cells."]
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
        AdaptRefused: if fewer than two classes are there, the live model was never characterised,
            or it cannot be adapted the deep way here.
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
    drawn, rest = draw_cells(known, per_class, seed)
    report(f"locating {len(drawn)} cells")
    crops, used, skipped = crops_of(drawn, locator)
    counts = dict(sorted(Counter(str(cell.label) for cell in used).items()))
    if len(counts) < 2:
        raise AdaptRefused(
            f"cells of at least two classes are needed, found {', '.join(counts) or 'none'}"
            + (f"; {len(unusable)} were left out: {unusable[0].reason}" if unusable else "")
        )
    part = "last blocks" if deep else "last layer"
    report(f"fitting the {part} to {len(used)} cells")
    module = adapted(live, uncertainty, crops, [str(cell.label) for cell in used], seed, home)
    name = f"wbc-adapted-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    file = target or settings().var / "runs" / name / f"{name}.safetensors"
    report("saving")
    model = _save(live, module, file, root, used, seed, part)
    if not deep:
        _carry_extras(live, uncertainty, model)
    run = None if target else _as_run(name, root, model, rest, counts, seed, who)
    return Adapted(
        model, counts, len(rest), (*found.skipped, *left_out, *unusable, *skipped), run, deep
    )


def adapted(
    live: LoadedModel,
    uncertainty: Uncertainty,
    crops: Sequence[RgbImage],
    labels: Sequence[str],
    seed: int,
    home: RehearsalCells | None = None,
) -> CellClassifier:
    """The live network with its last layer fitted to new cells, ``labels`` classes or parents.

    With ``home`` cells its last blocks are fitted too. Raises AdaptRefused.
    """
    if home is not None:
        assert isinstance(live.module, CellClassifier)
        return fine_tuned(live.module, home, crops, labels, seed)
    module = copy.deepcopy(live.module)
    assert isinstance(module, CellClassifier)
    rng = np.random.default_rng(seed)
    views = [_view(rng, crop, number) for crop in crops for number in range(VIEWS)]
    features = answers_of(views, live).features
    classes = list(module.classes)
    known = torch.from_numpy(uncertainty.tensors["index.feature"].astype(np.float32))
    known_labels = _known_labels(uncertainty, classes)
    weight, bias = fit_last_layer(
        module.last_layer(),
        (known[known_labels >= 0], known_labels[known_labels >= 0]),
        (torch.from_numpy(features), allowed_classes(np.repeat(labels, VIEWS).tolist(), classes)),
    )
    with torch.no_grad():
        module.last_layer().weight.copy_(weight)
        module.last_layer().bias.copy_(bias)
    return module.eval()


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


def _known_labels(uncertainty: Uncertainty, classes: Sequence[str]) -> Tensor:
    """Classes of the stored cells in this network's order; -1 where it does not know them."""
    names = index_of(uncertainty).classes
    order = torch.tensor([classes.index(name) if name in classes else -1 for name in names])
    return order[torch.from_numpy(uncertainty.tensors["index.label"].astype(np.int64))]


def _view(rng: np.random.Generator, crop: RgbImage, number: int) -> RgbImage:
    """The first view is the cell as it is."""
    if number == 0:
        return crop
    turned = np.rot90(crop, int(rng.integers(4)))
    turned = turned[:, ::-1] if rng.random() < 0.5 else turned
    return vary_sharpness(rng, vary_stain(rng, np.ascontiguousarray(turned), 0.3))


def _save(
    live: LoadedModel,
    module: CellClassifier,
    file: Path,
    root: Path,
    used: Sequence[LabelledCell],
    seed: int,
    part: str,
) -> LoadedModel:
    data = CellData(
        set=f"{root.name}: {len(used)} cells, with training cells of {live.identity}",
        training_cells=len(used),
        sha256=data_hash([cell.path for cell in used]),
    )
    # Nothing that was measured on the live model holds for the adapted one.
    inherited = live.card_as(WhiteCellCard).without("evaluation", "validation")
    origin = origin_of(replace(LoopSettings(), seed=seed))
    card = inherited.model_copy(
        update={
            **origin,
            "data": data,
            "adapted_from": live.identity,
            "licence": f"{live.card.licence}; {part} adapted on the laboratory's cells",
        }
    )
    return save_model(file, module, card)


def _carry_extras(live: LoadedModel, uncertainty: Uncertainty, model: LoadedModel) -> None:
    # The features are the same, so everything fitted on them still holds. How often the classes are
    # met in that laboratory its last layer has learnt.
    copy_uncertainty(live.path, model.path)
    assert uncertainty_path(model.path).is_file()
    card = uncertainty.card.without("label_shift")
    inherited = card.model_copy(update={"limits_from": live.identity})
    save_uncertainty(model, inherited, uncertainty.tensors)


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
