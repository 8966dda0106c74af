"""What 5, 10, 20 or 50 local cells a class bring in a laboratory that the model never saw.

For each number and draw the cells are drawn anew; every cell of which no picture was drawn is the
test. A draw for which adapting would be refused counts as unchanged. Finished draws are stored, so
a stopped measurement resumes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import pbc
from core.files import read_json_as, write_json
from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.features import Answers, answers_of
from core.inference.white_cell.local_head import generic_features
from core.inference.white_cell.uncertainty import Uncertainty, uncertainty_of
from core.models.cards import WhiteCellCard
from core.models.foundation import installed_foundation
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.taxonomy import parent_of
from core.training.white_cells.adaptation.curve_figures import Curve, CurveDraw, curve_of
from core.training.white_cells.adaptation.laboratory_cells import same_cells
from core.training.white_cells.adaptation.laboratory_head import (
    head_of,
    is_local,
    labels_with_head,
    local_cells,
)
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.adaptation.local_head import LocalHead
from core.training.white_cells.cell_examples import centre_crop
from core.training.white_cells.external_lab import refuse_if_learnt
from core.training.white_cells.foreign_cells import frames_of
from core.training.white_cells.laboratories import (
    COMMON_CLASSES,
    all_cells,
    balanced_accuracy,
)

NUMBERS: Final = (5, 10, 20, 50)
DRAWS: Final = 5
_HOME_CELLS: Final = 600
"""Of the original laboratory's test part, at random: every one of a model would take minutes."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class _Cells:
    """Located cells: ``predicted`` is the model's class of each before adapting."""

    truth: list[str]
    crops: list[RgbImage]
    answers: Answers
    predicted: list[str]


def measure_curve(
    model: LoadedModel,
    locator: LoadedModel,
    data: Path,
    laboratory: str,
    file: Path,
    *,
    numbers: Sequence[int] = NUMBERS,
    draws: int = DRAWS,
    report: Report = lambda line: None,
) -> Curve:
    """Accuracy by number of local cells a class; ``file`` gets the JSON, and resumes from it.

    Args:
        model: has not learnt from the laboratory.
        locator: cuts out the cells.
        data: folder of the public sets.
        laboratory: one of ``LABORATORIES``. Its five common classes are judged by parent class.
        file: finished draws of the same model in it are not repeated.
        numbers: cells a class, at most; never more than half of the different cells of a class.
        draws: of each number.
        report: gets a line for each draw.

    Raises:
        FileNotFoundError: if a set is missing.
        AdaptRefused: if the model has no fitted uncertainty.
        ValueError: if the model has learnt from the laboratory.
    """
    refuse_if_learnt(model, laboratory)
    uncertainty = uncertainty_of(model)
    if uncertainty is None:
        raise AdaptRefused("run python -m core fit-uncertainty first")
    rows = _stored_rows(file, model)
    wanted = [(number, draw) for number in numbers for draw in range(draws)]
    missing = [one for one in wanted if one not in {(r["per_class"], r["draw"]) for r in rows}]
    if missing:
        report(f"{laboratory}: features of its cells and of the original laboratory's")
        cells, home = _laboratory_cells(model, locator, data, laboratory), _home_cells(model, data)
        generic = generic_features(cells.crops, installed_foundation())
        same = same_cells(cells.crops)
        for number, draw in missing:
            row = _draw(cells, generic, same, home, model, uncertainty, number, draw)
            rows.append(row)
            write_json(file, curve_of(rows, model, laboratory), indent=2)
            report(
                f"{laboratory}: {number} a class, draw {draw + 1} of {draws}: "
                f"{row['before']:.3f} -> {row['after']:.3f}, original kept {row['kept']:.3f}"
            )
    return curve_of(rows, model, laboratory)


def _stored_rows(file: Path, model: LoadedModel) -> list[CurveDraw]:
    stored = read_json_as(file, Curve)
    return stored["rows"] if stored and stored["model"] == model.identity else []


def _laboratory_cells(
    model: LoadedModel, locator: LoadedModel, data: Path, laboratory: str
) -> _Cells:
    cells = all_cells(data, laboratory)
    frames, located = frames_of(f"{laboratory}-all", cells, locator)
    used = [
        i for i, cell in enumerate(cells) if located[i] and parent_of(cell.label) in COMMON_CLASSES
    ]
    crops = [centre_crop(frames[i]) for i in used]
    predicted = [parent_of(call.label) for call in call_crops(crops, model)]
    return _Cells(
        [parent_of(cells[i].label) for i in used], crops, answers_of(crops, model), predicted
    )


def _home_cells(model: LoadedModel, data: Path) -> _Cells:
    test = [c for c in pbc.split(pbc.load(data / "pbc"))[2] if c.label and not c.odd_background]
    chosen = np.random.default_rng(0).permutation(len(test))[:_HOME_CELLS]
    test = [test[int(i)] for i in sorted(chosen)]
    crops = [centre_crop(read_rgb(cell.path)) for cell in test]
    predicted = [call.label for call in call_crops(crops, model)]
    return _Cells([str(cell.label) for cell in test], crops, answers_of(crops, model), predicted)


def _draw(
    cells: _Cells,
    generic: npt.NDArray[np.float32],
    same: npt.NDArray[np.int64],
    home: _Cells,
    model: LoadedModel,
    uncertainty: Uncertainty,
    number: int,
    draw: int,
) -> CurveDraw:
    learnt, test = _parts(cells.truth, same, number, draw)
    truth = [cells.truth[i] for i in test]
    began = time.monotonic()
    part = Answers(cells.answers.logits[learnt], cells.answers.features[learnt])
    labels = [cells.truth[i] for i in learnt]
    refused, after, home_after = "", cells.predicted, home.predicted
    try:
        read = local_cells(part, generic[learnt], labels, same[learnt], uncertainty)
        head = head_of(read, model, uncertainty, draw)
    except AdaptRefused as refusal:
        refused = str(refusal)
    else:
        local = is_local(cells.answers, head, uncertainty)
        after = [parent_of(name) for name in _with_head(cells, generic[local], local, head, model)]
        local = is_local(home.answers, head, uncertainty)
        local_crops = [home.crops[int(i)] for i in np.flatnonzero(local)]
        home_generic = generic_features(local_crops, installed_foundation())
        home_after = _with_head(home, home_generic, local, head, model)
    right = _accuracy(home.truth, home.predicted)
    return {
        "per_class": number,
        "draw": draw,
        "learnt": len(learnt),
        "test": len(test),
        "before": balanced_accuracy(truth, [cells.predicted[i] for i in test]),
        "after": balanced_accuracy(truth, [after[i] for i in test]),
        "accuracy_before": _accuracy(truth, [cells.predicted[i] for i in test]),
        "accuracy_after": _accuracy(truth, [after[i] for i in test]),
        "kept": _accuracy(home.truth, home_after) / right if right else 1.0,
        "seconds": round(time.monotonic() - began, 1),
        "refused": refused,
    }


def _parts(
    truth: Sequence[str], same: npt.NDArray[np.int64], number: int, draw: int
) -> tuple[list[int], list[int]]:
    """Cells to learn from and to test on: no cell has pictures in both."""
    rng = np.random.default_rng(draw)
    learnt: list[int] = []
    used: set[int] = set()
    for name in sorted(set(truth)):
        of_class = np.array([i for i, label in enumerate(truth) if label == name])
        different = len({int(same[i]) for i in of_class})
        wanted = min(number, different // 2)
        for i in rng.permutation(of_class):
            if wanted and int(same[i]) not in used:
                learnt.append(int(i))
                used.add(int(same[i]))
                wanted -= 1
    return learnt, [i for i in range(len(truth)) if int(same[i]) not in used]


def _with_head(
    cells: _Cells,
    generic: npt.NDArray[np.float32],
    local: npt.NDArray[np.bool_],
    head: LocalHead,
    model: LoadedModel,
) -> list[str]:
    classes = model.card_as(WhiteCellCard).classes
    return labels_with_head(cells.answers, generic, local, head, classes, cells.predicted)


def _accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    return float(np.mean([t == p for t, p in zip(truth, predicted, strict=True)]))
