"""Counts of several fields together, and which field a person should look at first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from core.records import SmearFinding
from core.slide import judgement
from core.taxonomy import KINDS, CellKind

_WORST = (
    "not_a_smear",
    "methods_disagree",
    "too_few_cells",
    "out_of_focus",
    "too_dark",
    "too_bright",
)
"""Flags in the order a person should see them, after the critical ones; any other comes last."""


@dataclass(frozen=True)
class KindTotal:
    """Cells of one kind over all fields: their number, and mean, lowest and highest per field."""

    kind: CellKind
    cells: int
    mean: float
    lowest: int
    highest: int


def totals(findings: Iterable[SmearFinding]) -> tuple[KindTotal, ...]:
    """One total for each kind, in the order of the taxonomy; empty without a field that counts.

    Fields that are left out (:mod:`core.slide.judgement`) are in no number.

    No interval is given for the sum: the fields' errors share a stain and a camera, so they do not
    cancel as independent ones would.
    """
    counting = judgement.included(findings)
    if not counting:
        return ()
    rows = []
    for kind in KINDS:
        counts = [round(finding.counts.of(kind).value) for finding in counting]
        rows.append(KindTotal(kind, sum(counts), fmean(counts), min(counts), max(counts)))
    return tuple(rows)


def worst_first(findings: Sequence[SmearFinding]) -> list[int]:
    """Places of ``findings``, the one that most needs a person first.

    Critical cells, then flags about the whole picture, then white cells without a sure class, then
    the widest interval for its count; equal ones stay in input order.
    """

    def need(place: int) -> tuple[bool, int, int, int, float]:
        finding = findings[place]
        codes = [flag.code for flag in finding.flags]
        grave = min((_WORST.index(code) for code in codes if code in _WORST), default=len(_WORST))
        unsure = sum(judgement.call_is_doubtful(cell.wbc) for cell in finding.cells)
        rbc = finding.counts.rbc
        width = (rbc.high - rbc.low) / (rbc.value + 1)
        return "critical" not in judgement.field_marks(finding), grave, -len(codes), -unsure, -width

    return sorted(range(len(findings)), key=need)
