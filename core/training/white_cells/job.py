"""Preparing a training of the white-cell classifier: PBC, alone or with the cells of three other
laboratories beside it, or a laboratory's class folders.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from torch import nn

from core.datasets.intake import corrections
from core.datasets.intake.cells import CellIntake
from core.datasets.public import pbc
from core.datasets.public.pbc import LabelledCell
from core.models import registry
from core.models.cards import CellData
from core.models.classifier import CellClassifier
from core.models.weights import LoadedModel
from core.settings import settings as site_settings
from core.statistics.classes import majority_accuracy
from core.store.run_records import TrainingFacts
from core.taxonomy import in_order, trainable_classes
from core.training.card_facts import data_hash
from core.training.choices import KEEP_START, LOSSES, MIXUP, REHEARSAL, SAMPLERS
from core.training.intakes import trainable
from core.training.job import PreparedTraining, start_model
from core.training.loop.averaging import interpolate_towards
from core.training.loop.settings import LoopSettings
from core.training.promote import locked_sets
from core.training.white_cells.cell_examples import FOREIGN_SHARE
from core.training.white_cells.export import PBC_LICENCE, export_white_cells, foreign_licence
from core.training.white_cells.folds import fold_of, fold_parts
from core.training.white_cells.foreign_cells import (
    ForeignCell,
    learnt_laboratories,
    load_foreign,
    split_foreign,
)
from core.training.white_cells.laboratories import LABORATORY_TITLES, all_cells, copies_in
from core.training.white_cells.public_cells import SETS, read_public_cells
from core.training.white_cells.recipe import PBC_CLASSES, WbcRecipe, WbcSplit
from core.training.white_cells.rehearsal import Rehearsal, few_of_each, rehearsal

_FOREIGN_SHARES: Final = {"laboratories": 0.4}


@dataclass(frozen=True)
class _Cells:
    """Cells in three parts, and what may be said of them. ``classes`` are those to be learnt."""

    title: str
    licence: str
    classes: tuple[str, ...]
    train: list[LabelledCell]
    validation: list[LabelledCell]
    test: list[LabelledCell]

    @staticmethod
    def usable(part: Sequence[LabelledCell]) -> list[LabelledCell]:
        """Those whose class is fully known and whose background gives nothing away."""
        return [cell for cell in part if cell.label and not cell.odd_background]


def prepare(
    data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path
) -> PreparedTraining:
    """Cut the cells into parts, lock the test part, find what the weights start from.

    Raises:
        FileNotFoundError: if ``data`` lacks PBC, or the other public set that was chosen.
        DataRefused: if a laboratory's own cells cannot be trained on.
        ValueError: if there are too few.
    """
    layout = options.get("layout", "pbc")
    if layout == "verified cells":
        cells = _verified(data, options, folder)
    elif layout in SETS:
        cells = _public(str(layout), data)
    else:
        cells = _folders(data, options) if layout == "folders" else _pbc(data)
    leave_out = str(options.get("leave_out", "none"))
    laboratories = learnt_laboratories(str(layout), leave_out)
    foreign = load_foreign(data, registry.live("locator"), laboratories)
    if leave_out != "none":
        cells, foreign = _without_laboratory(leave_out, data, cells, foreign)
    judged_elsewhere: list[ForeignCell] = []
    if layout == "laboratories":
        foreign, judged_elsewhere = split_foreign(foreign)
    used, judged = cells.usable(cells.train), cells.usable(cells.validation)
    if not used or not judged:
        raise ValueError(f"{data}: too few labelled cells to cut into training and validation")
    begin = str(options.get("start", "imagenet"))
    start = start_model("wbc", begin, folder)
    module = None if start is None else start.module
    assert module is None or isinstance(module, CellClassifier)
    rehearsed: Rehearsal | None = None
    if layout == "folders" and start is not None and module is not None:
        rehearsed = rehearsal(str(options.get("rehearsal", REHEARSAL[0])), cells.classes, start)
        if rehearsed.cells:
            cells = replace(
                cells,
                title=f"{cells.title}, beside {len(rehearsed.cells)} cells of PBC",
                licence=f"{PBC_LICENCE} and the laboratory's own cells",
                train=[*cells.train, *rehearsed.cells],
            )
    digest = data_hash([cell.path for cell in used])
    if layout == "folders" and (corrected := corrections.digest(data)):
        # Other labels are other data, though the pictures are the same.
        digest = hashlib.sha256(f"{digest} {corrected}".encode()).hexdigest()
    origin = CellData(
        set=cells.title,
        training_cells=len(used),
        validation_cells=len(cells.validation),
        test_cells=len(cells.test),
        sha256=digest,
    )
    if foreign:
        origin = origin.model_copy(
            update={
                "foreign_cells": dict(Counter(cell.label for cell in foreign)),
                "laboratories": tuple(laboratories),
                "foreign_sets": "; ".join(LABORATORY_TITLES[name] for name in laboratories),
                "foreign_sha256": data_hash([cell.path for cell in foreign]),
            }
        )
    learnt = {*cells.classes, *(module.classes if module else ())}
    # A parent such as neutrophil is no class of its own: each of its children is a right answer.
    learnt |= {cell.label for cell in foreign} & {*trainable_classes()}
    counts = Counter(str(cell.label) for cell in used)
    facts: TrainingFacts = {
        "training": len(used),
        "validation": len(judged),
        "test": len(cells.test),
        "baseline": majority_accuracy([str(cell.label) for cell in judged]),
        "baseline_title": "always the most frequent class",
        "started_from": start.identity if start else begin,
        "cells": dict(counts),
    }
    if rehearsed is not None and rehearsed.words:
        facts["rehearsal"] = rehearsed.words
    locked_sets.lock(folder / locked_sets.FILE, f"{cells.title}, test part", cells.test)
    classes = in_order(learnt)
    recipe = WbcRecipe(
        WbcSplit(cells.train, cells.validation),
        backbone=str(options.get("backbone", "mobilenet_v2")),
        pretrained=begin == "imagenet",
        seed=settings.seed,
        classes=classes,
        start=module,
        # Stored features stay true only as long as the layers below do.
        frozen="backbone"
        if rehearsed is not None and rehearsed.features is not None
        else str(options.get("frozen", "nothing")),
        rehearsal=None if rehearsed is None else rehearsed.features,
        augmentation=str(options.get("augmentation", "stains")),
        class_weights=str(options.get("class_weights", "none")),
        balanced=options.get("sampler", SAMPLERS[0]) == "balanced",
        focal=options.get("loss", LOSSES[0]) == "focal",
        mixup=MIXUP[str(options.get("mixup", "no"))],
        network_px=int(options["enlarged_px"])
        if options.get("enlarged_px", "no") != "no"
        else None,
        foreign=foreign,
        foreign_validation=judged_elsewhere,
        foreign_share=_FOREIGN_SHARES.get(str(layout), FOREIGN_SHARE),
    )

    def export(trained: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(trained, CellClassifier)
        if module is not None and trained.classes == module.classes:
            interpolate_towards(module, trained, KEEP_START[str(options.get("keep_start", "no"))])
        licence = foreign_licence(laboratories) if foreign else cells.licence
        return export_white_cells(trained, cells.validation, settings, origin, target, licence)

    return PreparedTraining(recipe, digest, facts, export)


def _without_laboratory(
    laboratory: str, data: Path, cells: _Cells, foreign: Sequence[ForeignCell]
) -> tuple[_Cells, list[ForeignCell]]:
    """Without copies, altered ones too, of any labelled picture of the laboratory."""
    pictures = sorted({cell.path for cell in all_cells(data, laboratory)})
    own = [cell.path for cell in (*cells.train, *cells.validation)]
    learnt = own + [cell.path for cell in foreign]
    copied = copies_in(pictures, learnt)
    names = {path for path, is_copy in zip(learnt, copied, strict=True) if is_copy}
    train, validation = (
        [cell for cell in part if cell.path not in names]
        for part in (cells.train, cells.validation)
    )
    kept = [cell for cell in foreign if cell.path not in names]
    return replace(cells, train=train, validation=validation), kept


def _pbc(data: Path) -> _Cells:
    title = "PBC, 0.7 / 0.2 / 0.1 by near-duplicate group"
    return _Cells(title, PBC_LICENCE, PBC_CLASSES, *pbc.split(pbc.load(data / "pbc"), seed=0))


def _public(name: str, data: Path) -> _Cells:
    found = read_public_cells(name, data, site_settings())
    labels = {cell.label for cell in (*found.train, *found.validation)}
    classes = in_order({str(label) for label in labels} & {*trainable_classes()})
    parts = found.train, found.validation, found.test
    return _Cells(found.title, found.licence, classes, *parts)


def _verified(data: Path, options: Mapping[str, Any], folder: Path) -> _Cells:
    """A laboratory's verified cells, and where they are too few to be cut PBC's beside them."""
    found = trainable("verified cells", data, site_settings())
    assert isinstance(found, CellIntake)
    if not found.beside:
        return _folders(data, options)
    train, validation, test = pbc.split(pbc.load(site_settings().data / "pbc"), seed=0)
    start = start_model("wbc", str(options.get("start", "imagenet")), folder)
    known = {*PBC_CLASSES}
    if start is not None and isinstance(start.module, CellClassifier):
        known |= {*start.module.classes}
    # A class that nobody knows cannot be learnt from the few cells of one laboratory.
    own = [cell for cell in found.part(0) if cell.label in known]
    public = few_of_each([cell for cell in train if cell.label and not cell.odd_background])
    words = f"{len(own)} cells of {data.name} beside {len(public)} of PBC"
    licence = f"{PBC_LICENCE} and the laboratory's own cells"
    return _Cells(words, licence, PBC_CLASSES, [*own, *public], validation, test)


def _folders(data: Path, options: Mapping[str, Any]) -> _Cells:
    found = trainable("folders", data, site_settings(), options.get("names"))
    assert isinstance(found, CellIntake)
    title = f"{data.name}, 0.7 / 0.2 / 0.1 by {found.grouped_by}"
    licence = "the laboratory's own cells"
    parts = [found.part(n) for n in range(3)]
    if (fold := fold_of(str(options.get("fold", "no")))) is not None:
        title = f"{data.name}, fold {fold[0]} of {fold[1]} by {found.grouped_by}"
        cut = fold_parts(found.labels, found.groups, *fold)
        parts = [[found.items[i] for i in indices] for indices in cut]
    return _Cells(title, licence, found.classes, *parts)
