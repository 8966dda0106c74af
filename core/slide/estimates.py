"""Estimates of a slide against what is usual: which are given, and which get a mark.

A mark is given only where enough cells stand behind the value: on a handful of cells every slide
would look abnormal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.records import Estimate, SmearFinding
from core.slide import judgement
from core.slide.blood_count import (
    by_factor,
    by_red_cell_ratio,
    corrected_range,
    nucleated_red_cells,
    per_100_wbc,
    rates,
)
from core.slide.calibration import Calibration
from core.slide.differential import differential
from core.slide.reference_ranges import (
    ANALYTES,
    Analyte,
    Mark,
    ReferenceRange,
    Sex,
    is_sure,
    mark,
    range_for,
)
from core.taxonomy import title

RED_CELLS: Final = 500
"""Below so many red cells on a slide its platelets and white cells are not judged."""

FIELDS_FOR_A_FACTOR: Final = 10
"""Ten oil-immersion fields are what platelet estimates usually rest on."""

TOO_FEW: Final = "too few to judge"


@dataclass(frozen=True)
class Entered:
    """What a person entered for a slide; None is what nobody entered."""

    sex: Sex = "any"
    age_years: float | None = None
    analyser_rbc_per_ul: float | None = None
    analyser_wbc_per_ul: float | None = None


@dataclass(frozen=True)
class EstimateRow:
    """One estimate. ``too_few`` says what it would need before it is judged; empty where judged.

    ``estimate`` is None where it cannot be made; ``note`` says why, or where its factor is from.
    """

    name: str
    analyte: Analyte
    estimate: Estimate | None
    too_few: str = ""
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """What a row is against what is usual.

    ``mark`` is None where nothing is judged: no estimate, no range, or too few cells. ``sure`` is
    False where the interval crosses a limit.
    """

    usual: ReferenceRange | None
    mark: Mark | None
    sure: bool


def estimates(
    findings: Sequence[SmearFinding],
    entered: Entered,
    calibration: Calibration | None,
    minimum_cells: int,
) -> list[EstimateRow]:
    """Rows in the order in which they can be relied on: ratios, then factors, then shares.

    Args:
        findings: fields of one slide; those that are left out are in no number.
        entered: of the patient and the analyser.
        calibration: the site's for the objective and camera of these pictures; without one nothing
            is estimated by factor.
        minimum_cells: white cells below which a share is not judged.
    """
    counting = judgement.included(findings)
    if not counting:
        return []
    red, white, platelets = rates(counting)
    counted = differential(counting)
    rows = []
    # Few platelets are a finding; few red cells are a slide on which nothing can be said of them.
    few = ""
    if red.cells < RED_CELLS:
        few = f"{red.cells:,} of {RED_CELLS:,} red cells"
    if entered.analyser_rbc_per_ul:
        ratio = by_red_cell_ratio(platelets.cells, red.cells, entered.analyser_rbc_per_ul)
        rows.append(
            EstimateRow("Platelets per µL, by ratio to RBC", "platelets_per_ul", ratio, few)
        )
    if calibration is not None:
        unfit = calibration.does_not_fit(counting)
        for name, analyte, kind, factor in (
            ("Platelets", "platelets_per_ul", platelets, calibration.platelet_factor),
            ("White cells", "wbc_per_ul", white, calibration.wbc_factor),
        ):
            if factor is None:
                continue
            made = None if unfit else by_factor(kind.per_field, factor)
            few_here = few
            if len(counting) < FIELDS_FOR_A_FACTOR:
                few_here = f"{len(counting)} of {FIELDS_FOR_A_FACTOR} fields"
            note = unfit or f"factor {factor:,.0f}: {calibration.name}, entered by " + (
                f"{calibration.entered_by}, {calibration.entered_at}"
            )
            rows.append(EstimateRow(f"{name} per µL, by factor", analyte, made, few_here, note))  # type: ignore[arg-type]
    few = ""
    if counted.leukocytes < minimum_cells:
        few = f"{counted.leukocytes} of {minimum_cells} white cells"
    nucleated = per_100_wbc(nucleated_red_cells(counting), counted.leukocytes)
    rows.append(EstimateRow("Nucleated red cells per 100 WBC", "nrbc_per_100_wbc", nucleated, few))
    if entered.analyser_wbc_per_ul:
        less = (
            None if nucleated is None else corrected_range(entered.analyser_wbc_per_ul, nucleated)
        )
        rows.append(
            EstimateRow("Analyser's WBC per µL, corrected for them", "wbc_per_ul", less, few)
        )
    for part in counted.rows:
        share = next((name for name in ANALYTES if name == part.label), None)
        if share is not None and counted.leukocytes:
            low, high = 100 * part.interval.low, 100 * part.interval.high
            value = Estimate(100 * part.share, low, high)
            rows.append(EstimateRow(f"{title(part.label)}, %", share, value, few))
    return rows


def judged(row: EstimateRow, ranges: Sequence[ReferenceRange], entered: Entered) -> Judged:
    """A row against the range for this person; nothing is judged for an age nobody entered."""
    usual = None
    if entered.age_years is not None:
        usual = range_for(ranges, row.analyte, entered.sex, entered.age_years)
    if row.estimate is None or usual is None or row.too_few:
        return Judged(usual, None, False)
    return Judged(usual, mark(row.estimate.value, usual), is_sure(row.estimate, usual))
