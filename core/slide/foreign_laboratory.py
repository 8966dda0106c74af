"""Is a laboratory familiar or foreign to the white-cell model, judged over all its white cells.

A single cell tells little: in a foreign laboratory half of the cells look familiar, and the limits
for familiar cells are too narrow for them. So the pictures of one case, one set on the screen, or
one command are taken as one laboratory's, and where too many of their white cells are unlike those
learnt from, sets and abstention of all of them follow the limits for unfamiliar cells.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import scipy

from core.records import SmearFinding, WbcCall

Word = Literal["familiar", "foreign", "not judged"]
Judged = TypeVar("Judged", WbcCall, SmearFinding)

AT_HOME: Final = 0.06
"""Share of unfamiliar cells in the laboratory learnt from: measured on PBC's test part (6.1 %)."""

NOT_ACQUAINTED: Final = "not acquainted with this laboratory"
"""What the classes of a foreign laboratory carry until the model was adapted to it."""

_LEAST_SHARE: Final = 0.10
_SIGNIFICANCE: Final = 0.01
_FEWEST: Final = 20
"""With fewer white cells a laboratory is never called familiar: a foreign one could look so."""


@dataclass(frozen=True)
class Laboratory:
    """``unfamiliar`` of ``cells`` white cells are unlike those the model learnt from."""

    word: Word
    cells: int
    unfamiliar: int

    @property
    def is_foreign(self) -> bool:
        """Must sets and abstention of every cell follow the limits for unfamiliar cells."""
        return self.word == "foreign"

    def as_judged(self, one: Judged) -> Judged:
        """The same call or finding, by the limits that hold in this laboratory."""
        return one.in_foreign_laboratory() if self.is_foreign else one

    @property
    def class_mark(self) -> str:
        """What every class from this laboratory carries, on screens, in cases and in exports.

        Empty where the model knows the laboratory, or too few cells tell.
        """
        return NOT_ACQUAINTED if self.is_foreign else ""

    def sentence(self) -> str:
        """What screens, reports and the terminal say; empty without a white cell."""
        if not self.cells:
            return ""
        share = f"{self.unfamiliar} of {self.cells} white cells look"
        if self.cells == 1:
            share = f"{'the' if self.unfamiliar else 'no'} white cell looks"
        if self.word == "foreign":
            return (
                f"Foreign laboratory: {share} unlike those that the model learnt from. It is "
                f"{self.class_mark}, so it is sure of fewer cells."
            )
        if self.word == "familiar":
            return f"Familiar laboratory: {share} unlike those that the model learnt from."
        return f"Laboratory not judged: {share} unfamiliar, too few cells to tell."

    def as_json(self) -> dict[str, object]:
        return {
            "word": self.word,
            "cells": self.cells,
            "unfamiliar": self.unfamiliar,
            "classes": self.class_mark,
        }


def judge_laboratory(calls: Iterable[WbcCall]) -> Laboratory:
    """Judge the laboratory that these white cells come from.

    Foreign: at least a tenth of the cells are unfamiliar, and significantly more than at home
    (one-sided exact binomial test, 1 %). Cells that the model was adapted to are no evidence.
    """
    # Counted as they come: an archive has more of them than memory should hold.
    cells = unfamiliar = 0
    for call in calls:
        cells += 1
        unfamiliar += call.unfamiliar and not call.acquainted
    word: Word = "familiar" if cells >= _FEWEST else "not judged"
    if unfamiliar >= _LEAST_SHARE * cells and unfamiliar:
        test = scipy.stats.binomtest(unfamiliar, cells, AT_HOME, alternative="greater")
        if test.pvalue < _SIGNIFICANCE:
            word = "foreign"
    return Laboratory(word, cells, unfamiliar)


def laboratory_of(findings: Iterable[SmearFinding]) -> Laboratory:
    """Judge the laboratory of these fields by those that count."""
    return judge_laboratory(
        cell.wbc
        for finding in findings
        if finding.included
        for cell in finding.cells
        if cell.wbc is not None
    )
