"""From the fields of one slide to rates and estimates per microlitre.

Estimates from a smear: no analyser count, and nothing here says anything about haemoglobin.
Intervals are those of counting alone; an uneven smear adds to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.records import Estimate, SmearFinding
from core.slide import judgement
from core.statistics.poisson import poisson_interval, ratio_interval
from core.taxonomy import KINDS, CellKind, is_leukocyte


@dataclass(frozen=True)
class KindRate:
    """Cells of one kind over ``fields`` fields; ``per_field`` with its exact 95 % interval."""

    kind: CellKind
    fields: int
    cells: int
    per_field: Estimate


def rates(findings: Sequence[SmearFinding], confidence: float = 0.95) -> tuple[KindRate, ...]:
    """One rate for each kind, in the order of ``KINDS``; empty without a field that counts.

    Fields that are left out (:mod:`core.slide.judgement`) are in no number.
    White-cell boxes that were called platelets, smudges or nucleated red cells are not counted as
    white cells; a box called a platelet counts as one.
    """
    counting = judgement.included(findings)
    if not counting:
        return ()
    rows = []
    for kind in KINDS:
        cells = sum(_cells(finding, kind) for finding in counting)
        rows.append(KindRate(kind, len(counting), cells, rate(cells, len(counting), confidence)))
    return tuple(rows)


def rate(cells: int, fields: int, confidence: float = 0.95) -> Estimate:
    """Cells per field with its exact Poisson interval.

    Raises:
        ValueError: without fields, or for a negative count.
    """
    if fields < 1:
        raise ValueError(f"a rate needs at least one field, got {fields}")
    interval = poisson_interval(cells, confidence)
    return Estimate(cells / fields, interval.low / fields, interval.high / fields)


def nucleated_red_cells(findings: Sequence[SmearFinding]) -> int:
    """Located white cells of the fields that count that were called erythroblasts."""
    return sum(
        cell.wbc is not None and cell.wbc.label == "erythroblast"
        for finding in judgement.included(findings)
        for cell in finding.cells_of("wbc")
    )


def by_factor(per_field: Estimate, factor_per_ul: float) -> Estimate:
    """Cells per microlitre: mean per field times the site's factor for its microscope and smear.

    Raises:
        ValueError: if the factor is not above 0.
    """
    if not factor_per_ul > 0:
        raise ValueError(f"the site's factor must be above 0, got {factor_per_ul:g}")
    low, high = per_field.low * factor_per_ul, per_field.high * factor_per_ul
    return Estimate(per_field.value * factor_per_ul, low, high)


def by_red_cell_ratio(
    cells: int, red_cells: int, analyser_rbc_per_ul: float, confidence: float = 0.95
) -> Estimate | None:
    """Cells per microlitre: their ratio to the red cells times the analyser's red-cell count.

    Args:
        cells: platelets (or white cells) in the fields.
        red_cells: red cells in the same fields.
        analyser_rbc_per_ul: for example 4.8 million.
        confidence: of the exact interval of the ratio.

    Returns:
        None where no red cell was seen.

    Raises:
        ValueError: if the analyser's count is not above 0.
    """
    if not analyser_rbc_per_ul > 0:
        raise ValueError(f"the analyser's RBC count must be above 0, got {analyser_rbc_per_ul:g}")
    if not red_cells:
        return None
    interval = ratio_interval(cells, red_cells, confidence)
    low, high = interval.low * analyser_rbc_per_ul, interval.high * analyser_rbc_per_ul
    return Estimate(cells / red_cells * analyser_rbc_per_ul, low, high)


def per_100_wbc(nucleated: int, leukocytes: int, confidence: float = 0.95) -> Estimate | None:
    """Nucleated red cells per 100 white cells; None where no white cell was counted."""
    if not leukocytes:
        return None
    interval = ratio_interval(nucleated, leukocytes, confidence)
    return Estimate(100 * nucleated / leukocytes, 100 * interval.low, 100 * interval.high)


def corrected_wbc(wbc_per_ul: float, nrbc_per_100_wbc: float) -> float:
    """An analyser's WBC count less the nucleated red cells it took for white cells.

    Source: the usual correction, ``WBC x 100 / (100 + NRBC)``.
    """
    if wbc_per_ul < 0 or nrbc_per_100_wbc < 0:
        raise ValueError("counts are 0 or more")
    return wbc_per_ul * 100 / (100 + nrbc_per_100_wbc)


def corrected_range(wbc_per_ul: float, nrbc_per_100_wbc: Estimate) -> Estimate:
    """The same with the interval that the counting of the nucleated red cells gives it."""
    value, low, high = (
        corrected_wbc(wbc_per_ul, nrbc)
        for nrbc in (nrbc_per_100_wbc.value, nrbc_per_100_wbc.high, nrbc_per_100_wbc.low)
    )
    return Estimate(value, low, high)


def _cells(finding: SmearFinding, kind: CellKind) -> int:
    counted = round(finding.counts.of(kind).value)
    if finding.method != "locator":
        return counted
    calls = [cell.wbc.label for cell in finding.cells_of("wbc") if cell.wbc]
    if kind == "wbc":
        return max(0, counted - sum(not is_leukocyte(label) for label in calls))
    return counted + (calls.count("platelet") if kind == "platelet" else 0)
