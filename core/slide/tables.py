"""Findings as tables to take away."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from core.records import SmearFinding, WbcCall
from core.records.red_cell import RedCellShape
from core.settings import DEMO_NOTE, settings
from core.slide import judgement
from core.slide.foreign_laboratory import laboratory_of
from core.slide.red_cells.summary import red_cells_json
from core.taxonomy import KINDS

DISCLAIMER: Final = "Research use only: a qualified person decides."


def disclaimer() -> str:
    """What every file that leaves says of its use; that of a demo says first that it is one."""
    return f"{DEMO_NOTE} {DISCLAIMER}" if settings().is_demo else DISCLAIMER


AcceptanceOf = Callable[[SmearFinding], str]
"""``accepted``, ``not_accepted_here``, ``failed`` or ``unknown``: has this laboratory accepted the
models of a finding. ``core.review.acceptance.status`` decides it; this package knows no database.
"""

_ACCEPTANCE: Final = "lab_acceptance"


def findings_csv(findings: Iterable[SmearFinding], acceptance: AcceptanceOf | None = None) -> str:
    """One row per field: does it count and why not, counts with intervals, rule, flags, models.

    ``critical`` is the number of critical cells; ``wbc_model`` what called the white cells. The
    column ``lab_acceptance`` is there where ``acceptance`` is given.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    counts = [f"{kind}{end}" for kind in KINDS for end in ("", "_low", "_high")]
    writer.writerow(
        [
            "file", "included", "left_out", "width_px", "height_px", *counts, "counting_rule",
            "critical", "flags", "model", "wbc_model", *([_ACCEPTANCE] if acceptance else []),
            "note",
        ]
    )  # fmt: skip
    for finding in findings:
        reason = judgement.left_out(finding)
        values = (value for kind in KINDS for value in finding.counts.of(kind).as_json().values())
        writer.writerow(
            [
                inert(finding.file),
                judgement.is_included(finding),
                "" if reason is None else reason.code,
                finding.width,
                finding.height,
                *(round(value) for value in values),
                finding.counting_rule,
                len(judgement.critical_cells(finding)),
                " ".join(flag.code for flag in finding.flags),
                finding.model,
                _wbc_model(finding),
                *([acceptance(finding)] if acceptance else []),
                disclaimer(),
            ]
        )
    return out.getvalue()


LABORATORY: Final = "laboratory"
"""Column beside every class: empty, or that the model is not acquainted with the laboratory."""

_CELL: Final = ("file", "included", "cell", "kind", "x0_px", "y0_px", "x1_px", "y1_px", "score")
CALL: Final = (
    "class", "probability", "could_be", "reported_as", "critical", "abstained", "flags", "model",
    "stage",
)  # fmt: skip
"""What is written of a call, under the names of the command line's JSON."""


def call_row(call: WbcCall | None) -> list[object]:
    """A call under the columns :data:`CALL`; all empty without one."""
    if call is None:
        return [""] * len(CALL)
    return [
        call.label,
        f"{call.probability:.4f}",
        " ".join(call.could_be),
        call.reported_as or call.label,
        judgement.call_is_critical(call),
        judgement.call_is_doubtful(call),
        " ".join(flag.code for flag in call.flags),
        call.model,
        call.stage,
    ]


SHAPE: Final = (
    "shape", "shape_probability", "shape_not_judged", "diameter_px", "area_px", "roundness",
    "pallor", "chromicity", "shape_model",
)  # fmt: skip
"""What is written of a red cell's shape; the columns are there where any cell has one."""


def shape_row(shape: RedCellShape | None) -> list[object]:
    """A shape under the columns :data:`SHAPE`; all empty without one."""
    if shape is None:
        return [""] * len(SHAPE)
    sizes = shape.measures
    return [
        shape.label,
        f"{shape.probability:.4f}" if shape.label else "",
        shape.not_judged,
        *([""] * 5 if sizes is None else sizes.as_json().values()),
        shape.model,
    ]


def cells_csv(findings: Iterable[SmearFinding], acceptance: AcceptanceOf | None = None) -> str:
    """One row per located cell: kind, box, score and, for white cells, all that the screen says.

    The columns of :data:`SHAPE` come last, where shapes of red cells were asked for.

    The fields are taken as one laboratory's. The column ``lab_acceptance`` is there where
    ``acceptance`` is given.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    fields = list(findings)
    shapes = any(cell.shape for finding in fields for cell in finding.cells)
    marks = [_ACCEPTANCE] if acceptance else []
    writer.writerow([*_CELL, *CALL, LABORATORY, *marks, "note", *(SHAPE if shapes else ())])
    mark = laboratory_of(fields).class_mark
    for finding in fields:
        status = [acceptance(finding)] if acceptance else []
        for number, cell in enumerate(finding.cells, start=1):
            writer.writerow(
                [
                    inert(finding.file),
                    judgement.is_included(finding),
                    number,
                    cell.kind,
                    *(f"{side:.1f}" for side in cell.box_xyxy_px),
                    f"{cell.score:.4f}",
                    *call_row(cell.wbc),
                    mark if cell.wbc else "",
                    *status,
                    disclaimer(),
                    *(shape_row(cell.shape) if shapes else ()),
                ]
            )
    return out.getvalue()


def findings_json(findings: Iterable[SmearFinding], acceptance: AcceptanceOf | None = None) -> str:
    """The command line's objects in one document, with the disclaimer and what was left out."""
    fields = list(findings)
    out = [asdict(one) for one in judgement.all_left_out(fields)]
    document = {
        "note": disclaimer(),
        "left_out": out,
        "laboratory": laboratory_of(fields).as_json(),
        **red_cells_json(fields),
        "fields": [
            {
                **finding.as_json(),
                **red_cells_json([finding]),
                **({_ACCEPTANCE: acceptance(finding)} if acceptance else {}),
            }
            for finding in fields
        ],
    }
    return json.dumps(document, indent=2)


def file_name(what: str, ending: str) -> str:
    """``hemadesk-cells-2026-11-28.csv``: of files that belong to no case, the day (UTC)."""
    mark = "DEMO-" if settings().is_demo else ""
    return f"{mark}hemadesk-{what}-{datetime.now(UTC).date().isoformat()}.{ending}"


def _wbc_model(finding: SmearFinding) -> str:
    return next((cell.wbc.model for cell in finding.cells if cell.wbc), "")


def inert(name: str) -> str:
    """A file name that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return "'" + name if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
