"""Tab Blood count: from the fields of one slide to rates and estimates per microlitre."""

import math
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core.records import Estimate, SmearFinding
from core.settings import settings
from core.slide.blood_count import (
    KindRate,
    by_factor,
    by_red_cell_ratio,
    corrected_range,
    nucleated_red_cells,
    per_100_wbc,
    rates,
)
from core.slide.differential import differential
from core.slide.red_cell_size import red_cell_sizes
from core.slide.reference_ranges import (
    ANALYTES,
    SEXES,
    Analyte,
    ReferenceRange,
    is_sure,
    mark,
    range_for,
    ranges_of,
    read_ranges,
    write_ranges,
)
from core.statistics.cells_needed import cells_still_needed, decide
from core.statistics.poisson import fields_still_needed
from core.taxonomy import title
from pages.parts import wording
from pages.parts.smear import red_cell_size_plot
from pages.parts.smear.session import SmearSession


def draw(session: SmearSession) -> None:
    """Rates, estimates with marks, sizes of the red cells."""
    findings = session.findings()
    st.caption(
        "Estimates from this smear, all fields taken as one slide. Not an analyser's count; "
        "intervals are those of counting alone, and an uneven smear adds to them."
    )
    left, right = st.columns([1.1, 2], gap="medium")
    with left:
        entered = _entries()
    with right:
        _rates_table(findings, entered["precision"])
        _estimates(findings, entered)
    _limit(findings)
    red_cell_size_plot.draw(red_cell_sizes(findings, entered["um_per_px"] or None))
    _edit_ranges()


def _entries() -> dict[str, Any]:
    """What the site and the person enter."""
    st.markdown("**Entered by you**")
    a, b = st.columns(2)
    entered: dict[str, Any] = {
        "sex": a.selectbox("Sex", SEXES, key="bc_sex", format_func=str.capitalize),
        "age": b.number_input("Age, years", 0.0, 130.0, 40.0, 1.0, key="bc_age", format="%g"),
        "platelet_factor": a.number_input(
            "Platelet factor",
            0,
            200_000,
            settings().platelet_factor_per_ul,
            500,
            key="bc_platelet_factor",
            help="Platelets per µL for one per field. Each site finds its own by comparison with "
            "its analyser; published ones go from 9,400 to 20,000. "
            "HEMADESK_PLATELET_FACTOR_PER_UL keeps it.",
        ),
        "wbc_factor": b.number_input(
            "WBC factor",
            0,
            50_000,
            settings().wbc_factor_per_ul,
            100,
            key="bc_wbc_factor",
            help="White cells per µL for one per field, found like the platelet factor.",
        ),
        "rbc": a.number_input(
            "Analyser's RBC, 10⁶/µL",
            0.0,
            12.0,
            0.0,
            0.1,
            key="bc_rbc",
            help="If entered, platelets are also estimated by their ratio to the red cells.",
        ),
        "wbc": b.number_input(
            "Analyser's WBC, per µL",
            0,
            1_000_000,
            0,
            100,
            key="bc_wbc",
            help="If entered, it is corrected for nucleated red cells, which some analysers count "
            "as white cells. Leave it at 0 where yours subtracts them already.",
        ),
        "um_per_px": a.number_input(
            "Micrometres per pixel",
            0.0,
            10.0,
            0.0,
            0.001,
            key="bc_um_per_px",
            format="%.4f",
            help="From a stage micrometer. 0: the median red cell is taken as 7.5 µm.",
        ),
        "precision": st.slider("Precision wanted, percent", 5, 50, 10, 5, key="bc_precision"),
    }
    return entered


def _rates_table(findings: list[SmearFinding], percent: int) -> None:
    rows = []
    for row in rates(findings):
        more = fields_still_needed(row.cells, row.fields, percent / 100)
        rows.append(
            {
                "": wording.SHORT[row.kind],
                "Counted": f"{row.cells:,}",
                "Per field (95 %)": _mean_words(row),
                f"Fields still needed for ±{percent} %": "not determined"
                if more is None
                else f"{more:,}",
            }
        )
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True, alt="Cells per field")


def _mean_words(row: KindRate) -> str:
    e = row.per_field
    return f"{e.value:.1f} ({e.low:.1f} to {e.high:.1f})"


def _estimates(findings: list[SmearFinding], entered: dict[str, Any]) -> None:
    red, white, platelets = rates(findings)
    counted = differential(findings)
    of_white, of_platelets = entered["wbc_factor"], entered["platelet_factor"]
    rows: list[tuple[str, Analyte, Estimate | None]] = [
        (
            "White cells per µL, by factor",
            "wbc_per_ul",
            by_factor(white.per_field, of_white) if of_white else None,
        ),
        (
            "Platelets per µL, by factor",
            "platelets_per_ul",
            by_factor(platelets.per_field, of_platelets) if of_platelets else None,
        ),
    ]
    if entered["rbc"]:
        ratio = by_red_cell_ratio(platelets.cells, red.cells, entered["rbc"] * 1e6)
        rows.append(("Platelets per µL, by ratio to RBC", "platelets_per_ul", ratio))
    nucleated = per_100_wbc(nucleated_red_cells(findings), counted.leukocytes)
    rows.append(("Nucleated red cells per 100 WBC", "nrbc_per_100_wbc", nucleated))
    if entered["wbc"]:
        less = None if nucleated is None else corrected_range(entered["wbc"], nucleated)
        rows.append(("Analyser's WBC per µL, corrected for them", "wbc_per_ul", less))
    for part in counted.rows:
        analyte = next((name for name in ANALYTES if name == part.label), None)
        if analyte is not None and counted.leukocytes:
            low, high = 100 * part.interval.low, 100 * part.interval.high
            rows.append((f"{title(part.label)}, %", analyte, Estimate(100 * part.share, low, high)))
    ranges = _ranges()
    shown = []
    for name, analyte, estimate in rows:
        usual = range_for(ranges, analyte, entered["sex"], entered["age"])
        shown.append(
            {
                "Estimate": name,
                "Value (95 %)": _estimate_words(estimate),
                "Usual": _range_words(usual),
                "Mark": _mark_words(estimate, usual),
            }
        )
    st.table(pd.DataFrame(shown), border="horizontal", hide_index=True, alt="Estimates with marks")


def _estimate_words(estimate: Estimate | None) -> str:
    if estimate is None:
        return "not determined"
    high = "no upper end" if math.isinf(estimate.high) else wording.rounded(estimate.high)
    return f"{wording.rounded(estimate.value)} ({wording.rounded(estimate.low)} to {high})"


def _range_words(usual: ReferenceRange | None) -> str:
    """``4,000 to 11,000``: a limit is shown as the site entered it, never as a power of ten."""
    if usual is None:
        return "no range"
    low, high = (f"{v:,.0f}" if v >= 100 else f"{v:g}" for v in (usual.low, usual.high))
    return f"{low} to {high}"


def _mark_words(estimate: Estimate | None, usual: ReferenceRange | None) -> str:
    if estimate is None or usual is None:
        return ""
    said = mark(estimate.value, usual)
    colour = "red" if said.startswith("critical") else "orange"
    badge = f":{colour}-badge[{said}]" if said else "within"
    return badge if is_sure(estimate, usual) else f"{badge}, not sure: the interval crosses a limit"


def _limit(findings: list[SmearFinding]) -> None:
    """Against a limit somebody asks about: decided, or how many cells more."""
    counted = differential(findings)
    classes = [row.label for row in counted.rows]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Is the share of", classes, key="bc_limit_class", format_func=title, width=240
        )
        limit = st.number_input("above, percent", 0.1, 99.9, 5.0, 0.5, key="bc_limit", width=150)
    row = next(row for row in counted.rows if row.label == label)
    said = decide(row.cells, counted.leukocytes, limit / 100)
    basis = f"{row.cells} of {wording.several(counted.leukocytes, 'white cell')}"
    if said != "undecided":
        st.markdown(f"**{said.capitalize()} {limit:g} %**, at 95 %: {basis}.")
        return
    more = cells_still_needed(row.cells, counted.leukocytes, limit / 100)
    st.markdown(
        f"**Not decided**: {basis}. "
        + (
            "No reasonable number of cells would decide it."
            if more is None
            else f"About {more:,} more white cells would, if the share stays as it is."
        )
    )


def _ranges() -> tuple[ReferenceRange, ...]:
    try:
        return read_ranges(settings().var / "reference_ranges.json")
    except ValueError as error:
        st.error(f"The reference ranges cannot be read: {error}. No marks are given.")
        return ()


def _edit_ranges() -> None:
    with st.expander("Reference ranges of this site", icon=":material/tune:"):
        st.caption(
            "A usual set for adults to begin with: every laboratory must enter its own. Per µL, "
            "percent of white cells, or per 100 WBC; ages in years, up to but not including the "
            "second."
        )
        table = st.data_editor(
            pd.DataFrame([asdict(row) for row in _ranges()]),
            num_rows="dynamic",
            hide_index=True,
            key="bc_ranges",
            column_config={
                "analyte": st.column_config.SelectboxColumn("Analyte", options=list(ANALYTES)),
                "sex": st.column_config.SelectboxColumn("Sex", options=list(SEXES)),
                "age_from": "Age from",
                "age_to": "Age to",
                "low": "Low",
                "high": "High",
                "critical_low": "Critical below",
                "critical_high": "Critical above",
            },
        )
        if st.button("Keep these ranges", key="bc_keep"):
            rows = [
                {k: None if pd.isna(v) else v for k, v in row.items()}
                for row in table.to_dict("records")
            ]
            try:
                write_ranges(settings().var / "reference_ranges.json", ranges_of(rows))
                st.rerun()
            except ValueError as error:
                st.error(f"Nothing was kept: {error}.")
