"""Tab Blood count: from the fields of one slide to rates and estimates per microlitre."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.records import Estimate, SmearFinding
from core.settings import settings
from core.slide import judgement
from core.slide.blood_count import KindRate, rates
from core.slide.calibration import Calibration
from core.slide.differential import differential
from core.slide.estimates import TOO_FEW, Entered, EstimateRow, Judged, estimates, judged
from core.slide.red_cell_size import red_cell_sizes
from core.slide.reference_ranges import (
    ANALYTES,
    RANGES_FILE,
    SEXES,
    ReferenceRange,
    ranges_of,
    read_ranges,
    write_ranges,
)
from core.statistics.cells_needed import cells_still_needed, decide
from core.statistics.poisson import fields_still_needed
from core.taxonomy import title
from pages.parts import meaning, pressed, signed_in, wording
from pages.parts.site import calibrations
from pages.parts.smear import red_cell_size_plot
from pages.parts.smear.session import SmearSession

_NO_CALIBRATION: Final = "not calibrated"


def draw(session: SmearSession) -> None:
    """Rates, estimates with marks, sizes of the red cells."""
    findings = session.findings()
    counting = judgement.included(findings)
    st.caption(
        "Estimates from this smear, all fields taken as one slide. Not an analyser's count; "
        "intervals are those of counting alone, and an uneven smear adds to them."
    )
    meaning.draw("blood_count")
    out = judgement.left_out_sentence(len(findings), judgement.all_left_out(findings))
    if out:
        st.markdown(f":gray-badge[left out] {wording.plain(out)}")
    if not counting:
        st.info("Not determined: no field counts.")
        return
    left, right = st.columns([1.1, 2], gap="medium")
    with left:
        entries = _Entries(session)
        known = _calibrations()
        _entries(entries, known)
        entered, calibration = _as_entered(session, known)
        um_per_px = entries.number(
            st, "um_per_px", "Micrometres per pixel", 10.0, 0.001, "%.4f",
            "From a stage micrometer. Without it the median red cell is taken as 7.5 µm.",
        )  # fmt: skip
        precision = st.slider("Precision wanted, percent", 5, 50, 10, 5, key="bc_precision")
    with right:
        _rates_table(counting, precision)
        _estimates(counting, entered, calibration)
    _limit(findings)
    red_cell_size_plot.draw(red_cell_sizes(findings, um_per_px))
    with st.expander("Calibrations of this site", icon=":material/straighten:"):
        calibrations.draw(signed_in.person())
    if settings().demo != "public":  # strangers change nothing
        _edit_ranges()


def estimates_now(session: SmearSession) -> list[EstimateRow]:
    """The estimates by what was entered so far, as a file that leaves holds them."""
    entered, calibration = _as_entered(session, _calibrations())
    counting = judgement.included(session.findings())
    return list(estimates(counting, entered, calibration, settings().minimum_cells))


def _calibrations() -> dict[str, Calibration]:
    return {entry.name: entry for entry in calibrations.known()}


def _as_entered(
    session: SmearSession, known: dict[str, Calibration]
) -> tuple[Entered, Calibration | None]:
    """What was entered so far, whether its widgets are on the page or not."""
    kept = session.entries
    sex = next((one for one in SEXES if one == kept.get("sex")), SEXES[0])
    red = _number(kept.get("rbc"))
    entered = Entered(
        sex, _number(kept.get("age")), red * 1e6 if red else None, _number(kept.get("wbc"))
    )
    return entered, known.get(str(kept.get("calibration")))


def _number(value: str | float | None) -> float | None:
    return float(value) if value else None


class _Entries:
    """Entries that outlive their widgets: leaving the page or the tab takes the widgets away.

    A widget begins with what was entered before, and keeps that beginning as long as it is on the
    page: a beginning that follows the entry would make another widget of it.
    """

    def __init__(self, session: SmearSession) -> None:
        self._kept = session.entries

    def _begin(self, name: str) -> Any:
        start = f"{name}_start"
        if f"bc_{name}" not in st.session_state:
            self._kept[start] = self._kept.get(name)
        return self._kept.get(start)

    def number(
        self, where: Any, name: str, label: str, most: float, step: float, form: str, help_: str
    ) -> float | None:
        """A number above 0; None where nobody entered one. 0 takes an entry out again."""
        begin = self._begin(name)
        value = where.number_input(
            label, 0.0, most, begin, step, key=f"bc_{name}", format=form,
            help=f"{help_} 0 takes an entry out again.",
            placeholder="not entered",
        )  # fmt: skip
        self._kept[name] = value
        return float(value) if value else None

    def choice(self, where: Any, name: str, label: str, options: Sequence[str], **more: Any) -> Any:
        """One of the options, the first where nobody chose."""
        begin = self._begin(name)
        place = list(options).index(begin) if begin in options else 0
        self._kept[name] = where.selectbox(label, options, place, key=f"bc_{name}", **more)
        return self._kept[name]


def _entries(entries: _Entries, known: Iterable[str]) -> None:
    """What is known of the patient, of the analyser and of the microscope.

    ``known`` are the names of the calibrations.
    """
    a, b = st.columns(2)
    entries.choice(a, "sex", "Sex", SEXES, format_func=str.capitalize)
    entries.number(
        b, "age", "Age, years", 130.0, 1.0, "%g", "Without it nothing is marked low or high."
    )
    entries.number(
        a, "rbc", "Analyser's RBC, 10⁶/µL", 12.0, 0.1, "%g",
        "If entered, platelets are estimated by their ratio to the red cells.",
    )  # fmt: skip
    entries.number(
        b, "wbc", "Analyser's WBC, per µL", 1_000_000.0, 100.0, "%g",
        "If entered, it is corrected for nucleated red cells, which some analysers count as white "
        "cells. Leave it empty where yours subtracts them already.",
    )  # fmt: skip
    entries.choice(
        st, "calibration", "Objective and camera", (_NO_CALIBRATION, *known),
        help="Calibrations are entered below; without one nothing is estimated by factor.",
    )  # fmt: skip


def _rates_table(findings: Sequence[SmearFinding], percent: int) -> None:
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


def _estimates(
    counting: Sequence[SmearFinding], entered: Entered, calibration: Calibration | None
) -> None:
    ranges = _ranges()
    shown, notes = [], []
    for row in estimates(counting, entered, calibration, settings().minimum_cells):
        against = judged(row, ranges, entered)
        shown.append(
            {
                "Estimate": row.name,
                "Value (95 %)": _estimate_words(row.estimate),
                "Usual": _range_words(against.usual),
                "Mark": _mark_words(row, against),
            }
        )
        if row.note:
            notes.append(f"{row.name}: {row.note}.")
    st.table(pd.DataFrame(shown), border="horizontal", hide_index=True, alt="Estimates with marks")
    if calibration is None:
        notes.append(
            "Nothing is estimated by factor: no calibration for this objective and camera is "
            "chosen."
        )
    if entered.analyser_rbc_per_ul is None:
        notes.append(
            "With the analyser's RBC, platelets are estimated by their ratio to the red cells."
        )
    if entered.age_years is None:
        notes.append("Without an age nothing is marked low or high.")
    st.caption("  \n".join(wording.plain(note) for note in notes))


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


def _mark_words(row: EstimateRow, against: Judged) -> str:
    if row.estimate is None:
        return ""
    if row.too_few:
        return f"{TOO_FEW}: {row.too_few}"
    if against.mark is None:
        return ""
    colour = "red" if against.mark.startswith("critical") else "orange"
    badge = f":{colour}-badge[{against.mark}]" if against.mark else "within"
    return badge if against.sure else f"{badge}, not sure: the interval crosses a limit"


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
            else f"About {wording.several(more, 'more white cell')} would, if the share stays as "
            "it is."
        )
    )


def _ranges() -> tuple[ReferenceRange, ...]:
    try:
        return read_ranges(settings().var / RANGES_FILE)
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
        st.button("Keep these ranges", key="bc_keep", on_click=pressed.keep, args=("bc_keep",))
        if pressed.take("bc_keep"):
            rows = [
                {k: None if pd.isna(v) else v for k, v in row.items()}
                for row in table.to_dict("records")
            ]
            try:
                write_ranges(settings().var / RANGES_FILE, ranges_of(rows))
            except ValueError as error:
                st.error(f"Nothing was kept: {error}.")
            else:
                st.rerun()
