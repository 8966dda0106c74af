"""Findings as tables to take away."""

import csv
import io
import json
from collections.abc import Iterable

from core.records import SmearFinding
from core.taxonomy import KINDS

DISCLAIMER = "Research use only: a qualified person decides."


def findings_csv(findings: Iterable[SmearFinding]) -> str:
    """One row per field: counts with intervals, rule, flags, model."""
    out = io.StringIO()
    columns = [f"{kind}{end}" for kind in KINDS for end in ("", "_low", "_high")]
    writer = csv.writer(out)
    writer.writerow(
        ["file", "width_px", "height_px", *columns, "counting_rule", "flags", "model", "note"]
    )
    for finding in findings:
        counts = [
            round(value) for kind in KINDS for value in finding.counts.of(kind).as_json().values()
        ]
        flags = " ".join(flag.code for flag in finding.flags)
        size = [finding.width, finding.height]
        writer.writerow(
            [
                inert(finding.file),
                *size,
                *counts,
                finding.counting_rule,
                flags,
                finding.model,
                DISCLAIMER,
            ]
        )
    return out.getvalue()


def cells_csv(findings: Iterable[SmearFinding]) -> str:
    """One row per located cell: kind, box, score and, for white cells, the call."""
    out = io.StringIO()
    writer = csv.writer(out)
    box = ["x0_px", "y0_px", "x1_px", "y1_px"]
    writer.writerow(
        ["file", "cell", "kind", *box, "score", "class", "probability", "set", "abstained", "note"]
    )
    for finding in findings:
        for number, cell in enumerate(finding.cells, start=1):
            call = cell.wbc
            said = (
                [
                    call.label,
                    f"{call.probability:.4f}",
                    " ".join(call.prediction_set),
                    call.abstained,
                ]
                if call
                else [""] * 4
            )
            corners = [f"{v:.1f}" for v in cell.box_xyxy_px]
            writer.writerow(
                [
                    inert(finding.file),
                    number,
                    cell.kind,
                    *corners,
                    f"{cell.score:.4f}",
                    *said,
                    DISCLAIMER,
                ]
            )
    return out.getvalue()


def findings_json(findings: Iterable[SmearFinding]) -> str:
    """The command line's objects in one document, with the disclaimer."""
    return json.dumps(
        {"note": DISCLAIMER, "fields": [finding.as_json() for finding in findings]}, indent=2
    )


def inert(name: str) -> str:
    """A file name that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return "'" + name if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
