"""Count error by number of labelled fields, for two counters, with and without synthetic fields.

The backbone is ImageNet's and frozen, so the features are computed once; each cell of the table is
one training of a head. Every finished cell is saved in ``learning_curve.json``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.intake.fields import CountedField
from core.evaluation.locator_suite import error_rows
from core.files import read_json_as, write_json
from core.inference.smear import analyse
from core.models import registry
from core.records import Field
from core.statistics.counts import constant_predictor
from core.studies.count_tables import CURVE_COUNTERS
from core.studies.learning_curve_fields import CurveFields, curve_fields, drawn_fields
from core.studies.learning_curve_heads import LOOPS, Counts, HeadTrainer, Plan
from core.studies.learning_curve_result import Cell, LearningCurve, Setting, StoredCurve
from core.taxonomy import KINDS
from core.training.counts.data import CountingSplit

__all__ = ["FILE", "Plan", "learning_curve", "measured_curve"]

FILE: Final = "learning_curve.json"
Report = Callable[[str], None]
Key = tuple[str, int, int]
"""Counter, labelled fields, drawn fields."""


@dataclass(frozen=True)
class Training:
    """A finished training: the step that was best on validation, and its counts of test fields.

    ``counts`` is ``(fields, 3)``, ``validation_error`` in cells a field.
    """

    counter: str
    labelled: int
    drawn: int
    step: int
    validation_error: float
    counts: Counts


def learning_curve(
    data: Path, folder: Path, plan: Plan, report: Report = lambda line: None
) -> LearningCurve:
    """Measure the curve on the public sets; see ``measured_curve``.

    Raises:
        FileNotFoundError: if ``data`` lacks ``cbc`` or ``txl``.
        ValueError: if there are no camera fields, or ``folder`` holds another curve.
        URLError: if ImageNet's weights are not here and cannot be fetched.
    """
    with TemporaryDirectory(prefix="hemadesk-curve-") as scratch:
        report("looking for the camera fields and for copies of test fields")
        fields = curve_fields(data, Path(scratch))
        return measured_curve(fields, folder, plan, report)


def measured_curve(
    fields: CurveFields,
    folder: Path,
    plan: Plan,
    report: Report = lambda line: None,
    pretrained: bool = True,
) -> LearningCurve:
    """Train every cell that is not in ``folder`` yet and measure it on the test fields.

    Args:
        fields: to learn from, choose on and measure on.
        folder: for ``learning_curve.json``, which is written after every training.
        plan: which trainings; sizes above the number of fields use all of them.
        report: called with a line for each step of the work.
        pretrained: ImageNet's features; without it random ones, for tests.

    Returns:
        Every cell of the plan; stored cells of other sizes stay in the file only.

    Raises:
        ValueError: if ``folder`` holds a curve of other fields or settings.
    """
    most = len(fields.train)
    sizes = sorted({min(size, most) for size in plan.sizes})
    if max(plan.sizes) > most:
        report(f"there are {most} labelled fields, not {max(plan.sizes)}: all are used")
    setting = _setting(plan, fields, pretrained)
    truth = np.stack([field.counts() for field in fields.test])
    constant = constant_predictor(np.stack([field.counts() for field in fields.train]))
    finished = _finished(folder / FILE, setting)
    result: StoredCurve = {
        "setting": setting,
        "fields": {
            "training": most,
            "validation": len(fields.validation),
            "test": len(fields.test),
            "left_out_as_copies": fields.left_out,
        },
        "cells": finished,
        "constant": error_rows(np.tile(constant, (len(truth), 1)), truth, constant),
        # Measured again in every call: another locator may be live by now.
        "locator": error_rows(_located(fields.test), truth, constant),
    }
    wanted = [(c, s, d) for c in LOOPS for s in sizes for d in sorted({0, plan.drawn})]
    missing = [key for key in wanted if key not in map(_key, finished)]
    report(f"{len(wanted) - len(missing)} of {len(wanted)} trainings are there already")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, result)
    for training in _trained(fields, missing, sizes[-1], plan, pretrained, report):
        finished.append(_cell(training, truth, constant))
        write_json(folder / FILE, result)
        report(_line(finished[-1], len(finished)))
    cells = {_key(cell): cell for cell in finished}
    ordered = [cells[key] for key in wanted]
    return {**result, "cells": ordered, "sizes": sizes, "drawn": plan.drawn}


def _cell(training: Training, truth: npt.NDArray[Any], constant: Counts) -> Cell:
    """The row of one training, measured on the test fields."""
    return {
        "counter": training.counter,
        "labelled": training.labelled,
        "drawn": training.drawn,
        "step": training.step,
        "validation_error": training.validation_error,
        "errors": error_rows(training.counts, truth, constant),
        "field_errors": np.abs(training.counts - truth).mean(axis=1).tolist(),
    }


def _trained(
    fields: CurveFields,
    missing: Sequence[Key],
    most: int,
    plan: Plan,
    pretrained: bool,
    report: Report,
) -> Iterator[Training]:
    """Run the missing trainings one after the other."""
    if not missing:
        return
    with TemporaryDirectory(prefix="hemadesk-drawn-") as scratch:
        more = drawn_fields(plan.drawn, plan.seed, Path(scratch))
        # Nested: a larger size holds the fields of every smaller one.
        order = np.random.default_rng(plan.seed).permutation(len(fields.train))
        labelled = [fields.train[int(i)] for i in order[:most]]
        split = CountingSplit([*labelled, *more], fields.validation, fields.left_out)
        for counter in LOOPS:
            left = [key for key in missing if key[0] == counter]
            if not left:
                continue
            report(f"{CURVE_COUNTERS[counter]}: features of {len(split.train)} fields")
            trainer = HeadTrainer(counter, split, fields.test, plan, pretrained)
            for _, size, drawn in left:
                model, step, score = trainer.trained([*range(size), *range(most, most + drawn)])
                counts = trainer.counts_of(model)
                yield Training(counter, size, drawn, step, score, counts)


def _located(fields: Sequence[CountedField]) -> Counts:
    """Counts of the live locator, which learnt from boxes, ``(fields, 3)``."""
    models = registry.smear_models()
    found = [analyse(Field(f.path.name, read_rgb(f.path), ""), models).counts for f in fields]
    return np.array([[counts.of(kind).value for kind in KINDS] for counts in found])


def _setting(plan: Plan, fields: CurveFields, pretrained: bool) -> Setting:
    used = ("batch_size", "learning_rate", "weight_decay", "warmup_steps", "averaging", "schedule")
    return {
        "seed": plan.seed,
        "steps": plan.steps,
        "check_every": plan.check_every,
        "backbone": "mobilenet_v2, " + ("ImageNet" if pretrained else "random"),
        "heads": {
            name: {key: value for key, value in asdict(loop).items() if key in used}
            for name, loop in LOOPS.items()
        },
        "fields_sha256": fields.sha256(),
    }


def _finished(file: Path, setting: Setting) -> list[Cell]:
    """The cells that an earlier call finished.

    Raises:
        ValueError: if the file is something else, or of another curve.
    """
    try:
        stored = read_json_as(file, StoredCurve)
    except ValueError as error:
        raise ValueError(f"{file} is not a learning curve of this program; move it away") from error
    if stored is None:
        return []
    if stored["setting"] != setting:
        raise ValueError(
            f"{file} holds a curve of another seed, other fields or other settings; "
            "name another folder with --out, or move it away"
        )
    return stored["cells"]


def _key(cell: Cell) -> Key:
    return cell["counter"], cell["labelled"], cell["drawn"]


def _line(cell: Cell, done: int) -> str:
    mean = cell["errors"]["mean"]
    return (
        f"{done}: {CURVE_COUNTERS[cell['counter']]}, {cell['labelled']} labelled and "
        f"{cell['drawn']} drawn fields: mean error {mean['mean_absolute_error']:.2f} "
        f"({mean['low']:.2f} to {mean['high']:.2f}), step {cell['step']}"
    )
