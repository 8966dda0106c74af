"""Tab Differential: share of each white-cell class over all fields, with exact intervals."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.slide import judgement
from core.slide.differential import Differential, DifferentialRow, differential
from core.taxonomy import title
from pages.parts import meaning
from pages.parts.kinds import ink, look_of
from pages.parts.smear.session import SmearSession
from pages.parts.wording import percent, plain, several

_USUAL_CELLS = 200
_NAMES = {
    "neutrophil": "Neutrophils, all",
    "segmented_neutrophil": "of these segmented",
    "band_neutrophil": "of these bands",
}


def draw(session: SmearSession) -> None:
    """Table and stacked bar."""
    findings = session.findings()
    counted = differential(findings)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_basis(counted, len(judgement.included(findings))), width="content")
        meaning.draw("differential")
    out = judgement.left_out_sentence(len(findings), judgement.all_left_out(findings))
    if out:
        st.markdown(f":gray-badge[left out] {plain(out)}")
    laboratory = session.laboratory()
    if laboratory.cells:
        colour = "orange" if laboratory.is_foreign else "gray"
        st.markdown(f":{colour}-badge[laboratory] {laboratory.sentence()}")
    if laboratory.is_foreign:
        st.page_link("pages/acquaintance.py", label="Get acquainted", icon=":material/handshake:")
    if counted.leukocytes:
        st.plotly_chart(
            _bar(counted),
            theme=None,
            key="differential_bar",
            config={"displayModeBar": False, "staticPlot": True},
            alt="Differential: " + ", ".join(_spoken(row) for row in _parts(counted) if row.cells),
        )
        st.table(_table(counted), border="horizontal", hide_index=True, alt="Differential count")
        st.caption(
            "Intervals: exact 95 % (Clopper and Pearson). Bands are a part of the neutrophils."
        )
    if counted.not_counted:
        others = ", ".join(
            f"{n} {title(label).lower()}" for label, n in counted.not_counted.items()
        )
        st.markdown(f"Found among the white cells, but not counted: {others}.")


def _basis(counted: Differential, fields: int) -> str:
    cells = several(counted.leukocytes, "white cell")
    if not counted.leukocytes:
        return f"Not determined: no white cell to count in {several(fields, 'field')}."
    text = f"Rests on **{cells}** in {several(fields, 'field')}."
    if counted.unsure:
        unsure = several(counted.unsure, "class is", "classes are")
        text += f" :orange-badge[check] {unsure} not sure."
    if counted.leukocytes < _USUAL_CELLS:
        more = _USUAL_CELLS - counted.leukocytes
        text += f" {more} more for the usual {_USUAL_CELLS}; until then the intervals are wide."
    return text


def _parts(counted: Differential) -> list[DifferentialRow]:
    """Rows that add up to the whole: without the total of the neutrophils."""
    return [row for row in counted.rows if row.label != "neutrophil"]


def _spoken(row: DifferentialRow) -> str:
    low, high = round(100 * row.interval.low), round(100 * row.interval.high)
    return f"{title(row.label)} {percent(row.share)} ({low} to {high})"


def _table(counted: Differential) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Class": [_NAMES.get(row.label, title(row.label)) for row in counted.rows],
            "Cells": [row.cells for row in counted.rows],
            "Share": [percent(row.share) for row in counted.rows],
            "95 % interval": [
                f"{100 * row.interval.low:.1f} to {100 * row.interval.high:.1f} %"
                for row in counted.rows
            ],
        }
    )


def _letter_colour(ground: str) -> str:
    """White on the dark colours, black on the light ones: at least 4.5 to 1 on each."""
    return "#ffffff" if ground in {"#0072b2", "#cc3311"} else "#000000"


def _bar(counted: Differential) -> go.Figure:
    drawing = go.Figure()
    for row in _parts(counted):
        if row.cells:
            colour, pattern, letter = look_of(row.label)
            drawing.add_bar(
                x=[row.share],
                y=[""],
                orientation="h",
                name=f"{letter} {title(row.label)}",
                text=[letter],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": _letter_colour(colour), "size": 15},
                marker={
                    "color": colour,
                    "line": {"color": "#ffffff", "width": 1},
                    "pattern": {
                        "shape": pattern,
                        "fgcolor": "#ffffff",
                        "size": 6,
                        "solidity": 0.25,
                    },
                },
            )
    hidden = {"visible": False, "fixedrange": True}
    drawing.update_layout(
        barmode="stack",
        height=96,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"range": [0, 1], **hidden},
        yaxis=hidden,
        legend={
            "orientation": "h",
            "y": -0.05,
            "yanchor": "top",
            "traceorder": "normal",
            "font": {"size": 14, "color": ink()},
        },
        showlegend=True,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": '"Source Sans", sans-serif'},
    )
    return drawing
