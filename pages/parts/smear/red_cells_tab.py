"""Tab Red cells: shares of the shapes, what they propose, the odd ones, and what was measured."""

from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.review.reading.grade_terms import GRADES
from core.slide import judgement
from core.slide.red_cells.grades import MINIMUM_CELLS, ProposedGrade
from core.slide.red_cells.measures import Distribution
from core.slide.red_cells.shares import ShapeShare
from core.slide.red_cells.summary import RedCells, red_cells_of, um_per_px_of
from core.slide.red_cells.terms import REASONS, SCHISTOCYTES, TERM_OF, title_of
from pages.parts import wording
from pages.parts.kinds import STYLES, ink
from pages.parts.plotting import draw_plot
from pages.parts.site import calibrations
from pages.parts.smear import odd_red_cells
from pages.parts.smear.session import SmearSession

_NAMES: Final = {
    "diameter": "Diameter",
    "area": "Area",
    "roundness": "Roundness (1 is a circle)",
    "pallor": "Central pallor, share of the area",
    "chromicity": "Chromicity (1 is as the others)",
}


def is_there(session: SmearSession) -> bool:
    """Has any field of the set shapes of its red cells."""
    return any(
        cell.shape is not None for key in session.order for cell in session.field(key).finding.cells
    )


def draw(session: SmearSession) -> None:
    """Table and distributions over the fields that count, and the gallery."""
    findings = session.findings()
    found = red_cells_of(findings, _scale(session))
    out = judgement.left_out_sentence(len(findings), judgement.all_left_out(findings))
    if out:
        st.markdown(f":gray-badge[left out] {wording.plain(out)}")
    if found is None:
        st.info("Not determined: no field with judged red cells counts.")
        return
    st.markdown(basis(found))
    left, right = st.columns([1.35, 1], gap="medium")
    with left:
        st.table(table(found), border="horizontal", hide_index=True, alt="Shares of the shapes")
    with right:
        _measures(found.measures)
    st.caption(
        "Grades after ICSH 2015, proposed by the program: research use, a qualified person "
        "decides. Intervals are 95 %, of counting alone; the model's own errors come on top and "
        "stand in its card."
    )
    odd_red_cells.draw(session)


def _scale(session: SmearSession) -> float | None:
    """As entered on the tab Blood count, else by the site's calibrations."""
    entered = session.entries.get("um_per_px")
    if isinstance(entered, int | float) and entered:
        return float(entered)
    return um_per_px_of(judgement.included(session.findings()), calibrations.known())


def basis(found: RedCells) -> str:
    """How many were judged, how many not and why; whether that is enough."""
    shares = found.shares
    words = f"**{wording.several(shares.judged, 'red cell')} judged**"
    left = [f"{n:,} {REASONS.get(reason, reason)}" for reason, n in shares.not_judged.items()]
    words += f"; not judged: {', '.join(left)}." if left else "."
    if shares.corrected:
        words += f" A reader corrected {wording.several(shares.corrected, 'cell')}."
    if not found.is_enough:
        words += (
            f" :orange-badge[too few] Grades are proposed from {MINIMUM_CELLS:,} judged cells on."
        )
    else:
        per_1000 = found.grades[SCHISTOCYTES].per_1000
        words += f" Schistocytes {per_1000:.1f} in 1,000 (the ICSH limit is 10)."
    return words


def table(found: RedCells) -> pd.DataFrame:
    """A row for each shape."""
    return pd.DataFrame([_row(row, found) for row in found.shares.rows])


def _row(row: ShapeShare, found: RedCells) -> dict[str, str]:
    term = TERM_OF.get(row.shape)
    return {
        "Shape": title_of(row.shape),
        "Cells": f"{row.cells:,}",
        "Share (95 %)": share_words(row),
        "Proposed grade": grade_words(found.grades[term]) if term else "",
    }


def share_words(row: ShapeShare) -> str:
    """``6.0 % (4.6 to 7.6)``."""
    low, high = 100 * row.interval.low, 100 * row.interval.high
    return f"{100 * row.share:.1f} % ({low:.1f} to {high:.1f})"


def grade_words(one: ProposedGrade) -> str:
    """``2 moderate``; with its reach where the interval lies in more than one grade."""
    if one.grade is None:
        return "too few cells"
    reach = "" if one.is_sure else f" ({one.lowest} to {one.highest})"
    return f"{one.grade} {GRADES[one.grade]}{reach}"


def _measures(measures: tuple[Distribution, ...]) -> None:
    if not measures:
        st.markdown("Sizes: not determined, no outline was found.")
        return
    name = st.selectbox(
        "Measured on the judged cells",
        [one.name for one in measures],
        format_func=_NAMES.__getitem__,
        key="red_cell_measure",
    )
    one = next(one for one in measures if one.name == name)
    unit = f", {one.unit}" if one.unit else ""
    low, median, high = one.quantiles[0], one.quantiles[2], one.quantiles[4]
    drawing = go.Figure(
        go.Histogram(x=one.values, nbinsx=32, marker={"color": STYLES["rbc"].colour})
    )
    drawing.update_layout(
        height=220,
        margin={"l": 48, "r": 4, "t": 4, "b": 40},
        xaxis={
            "title": {"text": f"{_NAMES[one.name]}{unit}"},
            "fixedrange": True,
            "color": ink(),
        },
        yaxis={"title": {"text": "Cells"}, "fixedrange": True, "color": ink()},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": '"Source Sans", sans-serif'},
        bargap=0.05,
    )
    draw_plot(drawing, key="red_cell_measures", alt=f"{_NAMES[one.name]} of the judged red cells")
    digits = 1 if one.unit else 2
    words = (
        f"Median {median:.{digits}f}{' ' + one.unit if one.unit else ''}, nine in ten from "
        f"{low:.{digits}f} to {high:.{digits}f}; {wording.several(len(one.values), 'cell')}."
    )
    if one.unit.startswith("px"):
        words += " In pixels: no scale is entered for these pictures."
    st.caption(words)
