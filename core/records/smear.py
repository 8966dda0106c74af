"""What the program found in one field of a smear.

Boxes are ``(x0, y0, x1, y1)`` in pixels of the upright field, origin at the top left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from core.records.picture import Box, Estimate, Flag
from core.records.red_cell import RedCellShape
from core.site_classes import is_class_name
from core.taxonomy import (
    CRITICAL_FLAG,
    KINDS,
    LEFT_OUT_FLAGS,
    WBC_CLASSES,
    WITHOUT_CLASS_FLAGS,
    CellKind,
    is_critical,
)

Method = Literal["locator", "regression"]
CountingRule = Literal["all_visible", "chamber"]


@dataclass(frozen=True)
class SetsElsewhere:
    """What the limits of another laboratory give for a cell; fields as those of ``WbcCall``."""

    probability: float
    probabilities: Mapping[str, float]
    prediction_set: tuple[str, ...]
    wide_set: tuple[str, ...]
    reported_as: str
    abstained: bool


@dataclass(frozen=True)
class WbcCall:
    """The classification of one white cell.

    ``probabilities`` maps every class the model knows to [0, 1] and sums to 1.
    ``prediction_set`` is the conformal set of 90 % nominal coverage, most probable first; it is
    empty where no class is as probable as in nine of ten known cells. ``wide_set`` is the one for
    people, of 98 %, never empty where it was fitted. ``reported_as`` is the label, or its parent
    where only its siblings cannot be excluded. ``attributes`` are name -> value (WBCAtt), in words
    ``description``, and ``contradictions`` say where they do not go with the class. ``not_a_cell``
    in [0, 1] is None where novelty was not fitted; ``unfamiliar`` says that the stain or the cell
    is unlike the laboratory learnt from, and ``acquainted`` that the model was adapted to cells
    like it. ``elsewhere`` holds what is said instead where the laboratory as a whole is foreign
    (:mod:`core.slide.foreign_laboratory`); None where the cell was judged by those limits at once.
    ``stage_probabilities`` of an immature granulocyte map each stage (promyelocyte, myelocyte,
    metamyelocyte) to [0, 1]; ``stage`` is the one that is named, empty where none is sure enough.
    """

    label: str
    probability: float
    probabilities: Mapping[str, float]
    prediction_set: tuple[str, ...]
    abstained: bool
    model: str
    flags: tuple[Flag, ...] = ()
    wide_set: tuple[str, ...] = ()
    reported_as: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    contradictions: tuple[str, ...] = ()
    not_a_cell: float | None = None
    unfamiliar: bool = False
    acquainted: bool = False
    elsewhere: SetsElsewhere | None = None
    stage: str = ""
    stage_probabilities: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A site's own class is one that the model which answered knows; its table may have changed.
        own = self.label in self.probabilities and is_class_name(self.label)
        if self.label not in WBC_CLASSES and not own:
            raise ValueError(f"unknown white-cell class {self.label!r}")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability outside [0, 1]: {self.probability}")

    @property
    def could_be(self) -> tuple[str, ...]:
        """The set for people: the wide one, or the conformal one of a model without limits."""
        return self.wide_set or self.prediction_set

    @property
    def critical(self) -> bool:
        """Whether this call is critical by the rule: it is flagged, or its class is critical.

        The rule is set for sensitivity, so a call can be critical though its likeliest class is
        not. Screens and reports ask :mod:`core.slide.judgement`.
        """
        flagged = any(flag.code == CRITICAL_FLAG for flag in self.flags)
        return flagged or is_critical(self.label)

    def in_foreign_laboratory(self) -> "WbcCall":
        """The same call by the limits that hold in a laboratory the model does not know.

        What was not a cell, or not found, stays without a class.
        """
        if self.elsewhere is None:
            return self
        novel = any(flag.code in WITHOUT_CLASS_FLAGS for flag in self.flags)
        return replace(
            self,
            probability=self.elsewhere.probability,
            probabilities=self.elsewhere.probabilities,
            prediction_set=self.elsewhere.prediction_set,
            wide_set=self.elsewhere.wide_set,
            reported_as=self.elsewhere.reported_as,
            abstained=self.elsewhere.abstained or novel,
            elsewhere=None,
            stage="",
        )

    def as_json(self) -> dict[str, object]:
        """The keys that other programs rely on, and no others."""
        return {
            "class": self.label,
            "probability": round(self.probability, 4),
            "set": list(self.prediction_set),
            "could_be": list(self.could_be),
            "reported_as": self.reported_as or self.label,
            "critical": self.critical,
            "probabilities": {k: round(v, 4) for k, v in self.probabilities.items()},
            "abstained": self.abstained,
            "flags": [flag.as_json() for flag in self.flags],
            "model": self.model,
            "stage": self._stage_json(),
        }

    def _stage_json(self) -> dict[str, object] | None:
        """None for a cell that has no stage; ``class`` is null where none is sure enough."""
        if not self.stage_probabilities:
            return None
        shares = {name: round(share, 4) for name, share in self.stage_probabilities.items()}
        return {"class": self.stage or None, "probabilities": shares}

    def in_full(self) -> dict[str, object]:
        """Everything that was found of the cell: what an exported case holds."""
        return {
            **self.as_json(),
            # The former name of could_be in exported cases; other programs read it.
            "set_wide": list(self.could_be),
            "attributes": dict(self.attributes),
            "description": self.description,
            "contradictions": list(self.contradictions),
            "not_a_cell": None if self.not_a_cell is None else round(self.not_a_cell, 4),
            "unfamiliar": self.unfamiliar,
        }


@dataclass(frozen=True)
class Cell:
    """One located cell; ``wbc`` is set for white cells that were classified.

    ``shape`` is set for red cells whose shape was asked for.
    """

    kind: CellKind
    box_xyxy_px: Box
    score: float
    wbc: WbcCall | None = None
    shape: RedCellShape | None = None

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box_xyxy_px
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"box without area: {self.box_xyxy_px}")
        if self.kind not in KINDS:
            raise ValueError(f"unknown cell kind {self.kind!r}")

    @property
    def width_px(self) -> float:
        return self.box_xyxy_px[2] - self.box_xyxy_px[0]

    @property
    def height_px(self) -> float:
        return self.box_xyxy_px[3] - self.box_xyxy_px[1]

    def as_json(self) -> dict[str, object]:
        row: dict[str, object] = {
            "kind": self.kind,
            "box_xyxy": [round(v, 1) for v in self.box_xyxy_px],
            "score": round(self.score, 4),
        }
        if self.wbc is not None:
            row["wbc"] = self.wbc.as_json()
        if self.shape is not None:
            row["shape"] = self.shape.as_json()
        return row


@dataclass(frozen=True)
class CellCounts:
    """Counts of one field, each with its interval."""

    rbc: Estimate
    wbc: Estimate
    platelet: Estimate

    def of(self, kind: CellKind) -> Estimate:
        return {"rbc": self.rbc, "wbc": self.wbc, "platelet": self.platelet}[kind]

    def as_json(self) -> dict[str, dict[str, float]]:
        return {kind: self.of(kind).as_json() for kind in KINDS}


@dataclass(frozen=True)
class LocatorReference:
    """The locator that found a finding's cells, and what counting them again needs of its card.

    ``interval_scale`` maps each kind to the half width of its 90 % interval over
    ``sqrt(count + 1)``. It is kept with the finding, since another locator may be live by the time
    somebody asks for another counting rule.
    """

    model: str
    interval_scale: Mapping[CellKind, float]


@dataclass(frozen=True)
class SmearFinding:
    """Everything the program found in one field.

    ``counts`` are by ``method`` and ``model``. ``regressed`` are the counts of the other way, by
    ``regression_model``; None in a finding that was kept before there were two. ``locator`` is None
    in a finding that was kept before its locator was noted.
    ``included_by_person`` is what a person decided about this field: it counts (True), it is left
    out (False), or nobody decided (None) and its flags do.
    """

    file: str
    width: int
    height: int
    method: Method
    model: str
    counting_rule: CountingRule
    counts: CellCounts
    cells: tuple[Cell, ...]
    flags: tuple[Flag, ...] = ()
    rbc_diameter_px: float | None = None
    regressed: CellCounts | None = None
    regression_model: str = ""
    locator: LocatorReference | None = None
    included_by_person: bool | None = None

    @property
    def included(self) -> bool:
        """Whether this field counts in totals, differential and blood count.

        Screens and reports ask :mod:`core.slide.judgement`, which also says why not.
        """
        if self.included_by_person is not None:
            return self.included_by_person
        return not any(flag.code in LEFT_OUT_FLAGS for flag in self.flags)

    def in_foreign_laboratory(self) -> "SmearFinding":
        """The same finding by the limits that hold in a laboratory the model does not know."""
        cells = tuple(
            replace(cell, wbc=cell.wbc.in_foreign_laboratory()) if cell.wbc else cell
            for cell in self.cells
        )
        return replace(self, cells=cells)

    def cells_of(self, kind: CellKind) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.kind == kind)

    def as_json(self) -> dict[str, object]:
        return {
            "file": self.file,
            "width": self.width,
            "height": self.height,
            "method": self.method,
            "model": self.model,
            "included": self.included,
            "counts": self.counts.as_json(),
            "cells": [cell.as_json() for cell in self.cells],
            "flags": [flag.as_json() for flag in self.flags],
        }
