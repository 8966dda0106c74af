"""The shape of one red cell, and what was measured on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

SHAPES: Final = (
    "normal",
    "macrocyte",
    "microcyte",
    "spherocyte",
    "target_cell",
    "stomatocyte",
    "ovalocyte",
    "elliptocyte",
    "teardrop",
    "burr_cell",
    "schistocyte",
    "hypochromic",
)
"""Shapes that are told apart, in the order of screens and tables."""

NotJudged = Literal["", "overlapped", "cut_by_border", "unclear"]
"""Why a cell has no shape: it lies on another one, leaves the field, or no shape is sure enough."""


@dataclass(frozen=True)
class RedCellMeasures:
    """Measured on the pixels of one cell, without a network.

    ``area_px`` is the area of the cell and ``diameter_px`` that of a circle of this area, both in
    pixels of the upright field. ``roundness`` is 4 pi area / perimeter², at most 1 (a circle).
    ``pallor`` is the share of the area that is paler than half-way from rim to ground, in [0, 1].
    ``chromicity`` is the mean optical density of the cell against that of the field's red cells
    (1 is as the others).
    """

    area_px: float
    diameter_px: float
    roundness: float
    pallor: float
    chromicity: float

    def as_json(self) -> dict[str, float]:
        return {
            "area_px": round(self.area_px, 1),
            "diameter_px": round(self.diameter_px, 2),
            "roundness": round(self.roundness, 3),
            "pallor": round(self.pallor, 3),
            "chromicity": round(self.chromicity, 3),
        }


@dataclass(frozen=True)
class RedCellShape:
    """The shape of one red cell by the model ``model``.

    ``label`` is the likeliest of :data:`SHAPES` and ``probabilities`` map each to [0, 1]; both are
    empty where the cell was not put before the network. ``not_judged`` says why the cell does not
    count in the shares; empty for a cell that does. ``measures`` is None where the outline of the
    cell was not found.
    """

    label: str
    probability: float
    model: str
    probabilities: Mapping[str, float] = field(default_factory=dict)
    not_judged: NotJudged = ""
    measures: RedCellMeasures | None = None

    def __post_init__(self) -> None:
        if self.label and self.label not in SHAPES:
            raise ValueError(f"unknown shape of a red cell {self.label!r}")
        if not (self.label or self.not_judged):
            raise ValueError("a red cell without a shape needs the reason why it was not judged")

    def as_json(self) -> dict[str, object]:
        return {
            "class": self.label or None,
            "probability": round(self.probability, 4),
            "judged": not self.not_judged,
            "not_judged": self.not_judged or None,
            "measures": None if self.measures is None else self.measures.as_json(),
            "model": self.model,
        }
