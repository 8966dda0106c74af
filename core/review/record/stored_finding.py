"""A finding as JSON that loses nothing, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, NotRequired, TypedDict

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
from core.records.red_cell import RedCellMeasures, RedCellShape
from core.taxonomy import KINDS, CellKind


class _EstimateJson(TypedDict):
    value: float
    low: float
    high: float


class _LocatorJson(TypedDict):
    model: str
    interval_scale: dict[CellKind, float]


class _CellJson(TypedDict):
    kind: CellKind
    box: list[float]
    score: float
    # A call as any version wrote it: its keys are those of WbcCall then.
    wbc: NotRequired[dict[str, Any]]
    # A shape as any version wrote it, likewise.
    shape: NotRequired[dict[str, Any]]


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
        stored = json.loads(text)
        return SmearFinding(
            file=stored["file"],
            width=stored["width"],
            height=stored["height"],
            method=stored["method"],
            model=stored["model"],
            counting_rule=stored["counting_rule"],
            counts=_counts(stored["counts"]),
            cells=tuple(_cell(row) for row in stored["cells"]),
            flags=tuple(Flag(**flag) for flag in stored["flags"]),
            rbc_diameter_px=stored["rbc_diameter_px"],
            # Findings stored before there were two ways to count do not have them.
            regressed=_counts(stored["regressed"]) if stored.get("regressed") else None,
            regression_model=stored.get("regression_model", ""),
            locator=_locator(stored["locator"]) if stored.get("locator") else None,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a stored finding cannot be read: {error}") from error


def _cell_json(cell: Cell) -> _CellJson:
    row: _CellJson = {"kind": cell.kind, "box": list(cell.box_xyxy_px), "score": cell.score}
    if cell.wbc is not None:
        row["wbc"] = asdict(cell.wbc)
    if cell.shape is not None:
        row["shape"] = asdict(cell.shape)
    return row


def _locator_json(locator: LocatorReference | None) -> _LocatorJson | None:
    if locator is None:
        return None
    return {"model": locator.model, "interval_scale": dict(locator.interval_scale)}


def _locator(row: _LocatorJson) -> LocatorReference:
    return LocatorReference(row["model"], {k: float(row["interval_scale"][k]) for k in KINDS})


def _counts(stored: Mapping[CellKind, _EstimateJson]) -> CellCounts:
    return CellCounts(**{kind: Estimate(**stored[kind]) for kind in KINDS})


def _cell(row: _CellJson) -> Cell:
    x0, y0, x1, y1 = row["box"]
    call, shape = row.get("wbc"), row.get("shape")
    return Cell(
        row["kind"],
        (x0, y0, x1, y1),
        row["score"],
        _call(call) if call else None,
        _shape(shape) if shape else None,
    )


def _shape(stored: Mapping[str, Any]) -> RedCellShape:
    values = _known(RedCellShape, stored)
    if sizes := stored.get("measures"):
        values["measures"] = RedCellMeasures(**_known(RedCellMeasures, sizes))
    return RedCellShape(**values)


def _known(record: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What this version knows of a stored record: keys of a later one are ignored."""
    names = {field.name for field in fields(record)}
    return {name: value for name, value in stored.items() if name in names}


def _call(stored: Mapping[str, Any]) -> WbcCall:
    # Keys of a later version are ignored; those that an earlier one lacks take their default.
    values = _known(WbcCall, stored)
    values.pop("flags", None)
    # Any: a stored call may be of any version; WbcCall(...) gets what it knows.
    plain: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in values.items()
    }
    if elsewhere := stored.get("elsewhere"):
        plain["elsewhere"] = SetsElsewhere(
            probability=float(elsewhere["probability"]),
            probabilities=dict(elsewhere["probabilities"]),
            prediction_set=tuple(elsewhere["prediction_set"]),
            wide_set=tuple(elsewhere["wide_set"]),
            reported_as=str(elsewhere["reported_as"]),
            abstained=bool(elsewhere["abstained"]),
        )
    return WbcCall(**plain, flags=tuple(Flag(**flag) for flag in stored["flags"]))
