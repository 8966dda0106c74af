"""The field with its cells: Plotly picture, boxes by kind, a click selects a cell.

Points of a Plotly chart cannot be reached by keyboard; the same cells can be chosen with the keys
in the lists of the tabs White cells and Why.
"""

import math
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.inference.batch import AnalysedField
from core.records import Cell, SmearFinding
from core.slide import judgement
from core.taxonomy import KINDS, CellKind, title
from pages.parts.kinds import STYLES, ink
from pages.parts.picture import in_page
from pages.parts.smear import field_shapes
from pages.parts.smear.session import SmearSession
from pages.parts.wording import percent, set_words

HEIGHT_PX = 536
_SHOWN_WIDTH_PX = 680
"""Usual width of the picture on the screen; only the reach of the mouse depends on it."""

_KEY = "field_view"


def draw(session: SmearSession) -> None:
    """The picture of the field on show."""
    shown, finding = session.field(), session.finding()
    by_shape = field_shapes.switches(finding)
    st.plotly_chart(
        figure(shown, finding, session.cell, by_shape),
        theme=None,
        key=_KEY,
        on_select=lambda: _picked(session),
        selection_mode="points",
        config={
            # The wheel scrolls the page: the tabs lie under the picture.
            "scrollZoom": False,
            "displayModeBar": True,
            "displaylogo": False,
            "modeBarButtons": [["zoomIn2d", "zoomOut2d", "zoom2d", "pan2d", "resetScale2d"]],
            "doubleClick": "reset",
        },
        alt=_alt(finding),
    )


def _picked(session: SmearSession) -> None:
    state: Any = st.session_state.get(_KEY) or {}
    points = (state.get("selection") or {}).get("points") or []
    data = points[0].get("customdata") if points else None
    index = data[0] if isinstance(data, list) else data
    # The chart reports an empty selection whenever it is drawn anew; the cell stays selected.
    if index is not None:
        session.cell = int(index)


def figure(
    shown: AnalysedField,
    finding: SmearFinding,
    selected: int | None,
    by_shape: frozenset[str] | None = None,
) -> go.Figure:
    """The picture, and for each kind its boxes and the points that answer the mouse.

    ``by_shape`` are the shapes of red cells to show in their colours; None: boxes by kind.
    """
    drawing = go.Figure()
    for kind in KINDS:
        numbered = [(i, cell) for i, cell in enumerate(finding.cells) if cell.kind == kind]
        if kind == "rbc" and by_shape is not None:
            field_shapes.add(drawing, [cell for _, cell in numbered], by_shape, _outlines)
        else:
            _add_boxes(drawing, kind, [cell for _, cell in numbered])
        _add_points(drawing, kind, numbered, finding.width)
    if selected is not None and selected < len(finding.cells):
        _add_selected(drawing, finding.cells[selected])
    drawing.add_layout_image(
        source=in_page(shown.view),
        xref="x",
        yref="y",
        x=0,
        y=0,
        sizex=finding.width,
        sizey=finding.height,
        sizing="stretch",
        layer="below",
    )
    above = 30 if by_shape is None else _room_above(drawing)
    quiet: dict[str, object] = {"visible": False, "constrain": "domain"}
    drawing.update_layout(
        height=HEIGHT_PX - 30 + above,
        margin={"l": 0, "r": 0, "t": above, "b": 0},
        dragmode="pan",
        hovermode="closest",
        hoverdistance=24,
        # Zoom and switched-off kinds outlive a rerun, but not a change of the field.
        uirevision=shown.key[0],
        xaxis={
            "range": [0, finding.width],
            "minallowed": 0,
            "maxallowed": finding.width,
            "constraintoward": "left",
            **quiet,
        },
        yaxis={
            "range": [finding.height, 0],
            "minallowed": 0,
            "maxallowed": finding.height,
            "scaleanchor": "x",
            "constraintoward": "top",
            **quiet,
        },
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.005,
            "yanchor": "bottom",
            "font": {"size": 14, "color": ink()},
            "itemwidth": 36,
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": ink(), "activecolor": "#8f6fd0"},
        hoverlabel={"bgcolor": "#1d1f24", "font": {"color": "#ffffff", "size": 14}},
        font={"family": '"Source Sans", sans-serif'},
    )
    return drawing


def _room_above(drawing: go.Figure) -> int:
    """Pixels for a legend of many entries, under the buttons and not beside them."""
    names = [str(trace.name) for trace in drawing.data if trace.showlegend]
    rows = math.ceil(sum(8 * len(name) + 60 for name in names) / _SHOWN_WIDTH_PX)
    return 30 + 26 * max(1, rows)


def _add_boxes(drawing: go.Figure, kind: CellKind, cells: list[Cell]) -> None:
    x, y = _outlines(cells)
    style = STYLES[kind]
    # A light casing keeps a thin coloured line visible on stained cells and on a projector.
    casing = {"color": "rgba(255,255,255,0.65)", "width": style.width_px + 2.4}
    common: dict[str, object] = {
        "x": x,
        "y": y,
        "mode": "lines",
        "hoverinfo": "skip",
        "legendgroup": kind,
    }
    drawing.add_scatter(**common, line=casing, showlegend=False)
    drawing.add_scatter(
        **common,
        line={"color": style.colour, "width": style.width_px, "dash": style.dash},
        name=f"{style.title} {len(cells)}",
        showlegend=True,
    )


def _add_points(
    drawing: go.Figure, kind: CellKind, numbered: list[tuple[int, Cell]], width_px: int
) -> None:
    on_screen = _SHOWN_WIDTH_PX / width_px
    drawing.add_scatter(
        x=[(cell.box_xyxy_px[0] + cell.box_xyxy_px[2]) / 2 for _, cell in numbered],
        y=[(cell.box_xyxy_px[1] + cell.box_xyxy_px[3]) / 2 for _, cell in numbered],
        mode="markers",
        marker={
            "color": "rgba(0,0,0,0)",
            "size": [
                max(10.0, 0.7 * on_screen * min(c.width_px, c.height_px)) for _, c in numbered
            ],
        },
        customdata=[[index] for index, _ in numbered],
        text=[_hover(cell) for _, cell in numbered],
        hovertemplate="%{text}<extra></extra>",
        legendgroup=kind,
        showlegend=False,
    )


def _add_selected(drawing: go.Figure, cell: Cell) -> None:
    x, y = _outlines([cell], grow=4)
    for colour, width in (("#ffffff", 7.0), ("#5b3a8c", 3.5)):
        drawing.add_scatter(
            x=x,
            y=y,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line={"color": colour, "width": width},
        )


def _outlines(cells: list[Cell], grow: float = 0) -> tuple[list[float | None], list[float | None]]:
    """All boxes as one broken line: one trace is drawn much faster than one shape per cell."""
    x: list[float | None] = []
    y: list[float | None] = []
    for cell in cells:
        x0, y0, x1, y1 = cell.box_xyxy_px
        x0, y0, x1, y1 = x0 - grow, y0 - grow, x1 + grow, y1 + grow
        x += [x0, x1, x1, x0, x0, None]
        y += [y0, y0, y1, y1, y0, None]
    return x, y


def _hover(cell: Cell) -> str:
    names = {"rbc": "Red cell", "wbc": "White cell", "platelet": "Platelet"}
    lines = [f"<b>{names[cell.kind]}</b>, score {percent(cell.score)}"]
    if shape := field_shapes.hover_line(cell):
        lines.append(shape)
    if cell.wbc is not None:
        lines.append(f"{title(cell.wbc.label)} {percent(cell.wbc.probability)}")
        if cell.wbc.stage:
            lines.append(title(cell.wbc.stage))
        if len(cell.wbc.could_be) > 1:
            lines.append(set_words(cell.wbc.could_be))
        words = {"critical": "critical", "check": "check: the class is not sure"}
        lines += [words[mark] for mark in judgement.call_marks(cell.wbc)]
    return "<br>".join(lines)


def _alt(finding: SmearFinding) -> str:
    counted = ", ".join(
        f"{len(finding.cells_of(kind))} {STYLES[kind].title.lower()}" for kind in KINDS
    )
    return f"Field {finding.file} with a box round every cell that was found: {counted}."
