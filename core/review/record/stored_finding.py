"""A finding as JSON that loses nothing, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from core.records import (
    Cell,
    CellCounts,
    Estimate,
    Flag,
    LocatorReference,
    SetsElsewhere,
    SmearFinding,
    WbcCall,
)
from core.taxonomy import KINDS


def as_text(finding: SmearFinding) -> str:
    """JSON of the whole finding; numbers are not rounded."""
    return json.dumps(
        {
            "file": finding.file,
            "width": finding.width,
            "height": finding.height,
            "method": finding.method,
            "model": finding.model,
            "counting_rule": finding.counting_rule,
            "rbc_diameter_px": finding.rbc_diameter_px,
            "counts": finding.counts.as_json(),
            "cells": [_cell_json(cell) for cell in finding.cells],
            "flags": [flag.as_json() for flag in finding.flags],
            "regressed": finding.regressed.as_json() if finding.regressed else None,
            "regression_model": finding.regression_model,
            "locator": _locator_json(finding.locator),
        },
        sort_keys=True,
    )


@lru_cache(maxsize=512)
def from_text(text: str) -> SmearFinding:
    """The finding that :func:`as_text` wrote.

    Raises:
        ValueError: if the text is none.
    """
    try:
        said = json.loads(text)
        return SmearFinding(
            file=said["file"],
            width=said["width"],
            height=said["height"],
            method=said["method"],
            model=said["model"],
            counting_rule=said["counting_rule"],
            counts=_counts(said["counts"]),
            cells=tuple(_cell(row) for row in said["cells"]),
            flags=tuple(Flag(**flag) for flag in said["flags"]),
            rbc_diameter_px=said["rbc_diameter_px"],
            # Findings kept before there were two ways to count do not have them.
            regressed=_counts(said["regressed"]) if said.get("regressed") else None,
            regression_model=said.get("regression_model", ""),
            locator=_locator(said["locator"]) if said.get("locator") else None,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a stored finding cannot be read: {error}") from error


def _cell_json(cell: Cell) -> dict[str, object]:
    row: dict[str, object] = {"kind": cell.kind, "box": list(cell.box_xyxy_px), "score": cell.score}
    if cell.wbc is not None:
        row["wbc"] = asdict(cell.wbc)
    return row


def _locator_json(locator: LocatorReference | None) -> dict[str, object] | None:
    if locator is None:
        return None
    return {"model": locator.model, "interval_scale": dict(locator.interval_scale)}


def _locator(row: Mapping[str, Any]) -> LocatorReference:
    return LocatorReference(row["model"], {k: float(row["interval_scale"][k]) for k in KINDS})


def _counts(said: Mapping[str, Any]) -> CellCounts:
    return CellCounts(**{kind: Estimate(**said[kind]) for kind in KINDS})


def _cell(row: Mapping[str, Any]) -> Cell:
    x0, y0, x1, y1 = row["box"]
    call = row.get("wbc")
    return Cell(row["kind"], (x0, y0, x1, y1), row["score"], _call(call) if call else None)


def _call(said: Mapping[str, Any]) -> WbcCall:
    # What a later version kept besides is left out, what an earlier one did not keep is default.
    known = {field.name for field in fields(WbcCall)} - {"flags"}
    values = {name: value for name, value in said.items() if name in known}
    # Any: a stored call may be of any version; WbcCall(...) gets what it knows.
    plain: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in values.items()
    }
    if elsewhere := said.get("elsewhere"):
        plain["elsewhere"] = SetsElsewhere(
            probability=float(elsewhere["probability"]),
            probabilities=dict(elsewhere["probabilities"]),
            prediction_set=tuple(elsewhere["prediction_set"]),
            wide_set=tuple(elsewhere["wide_set"]),
            reported_as=str(elsewhere["reported_as"]),
            abstained=bool(elsewhere["abstained"]),
        )
    return WbcCall(**plain, flags=tuple(Flag(**flag) for flag in said["flags"]))
