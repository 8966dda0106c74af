"""Shapes of red cells on the picture of a field: the switch, the filter, boxes by shape."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from core.records import Cell, SmearFinding
from core.records.red_cell import SHAPES
from core.slide.red_cells.terms import KEYS, NO_SHAPE, REASONS, title_of
from pages.parts.kinds import SHAPE_COLOURS

Outlines = Callable[[list[Cell]], tuple[list[float | None], list[float | None]]]

_SWITCH: Final = "field_by_shape"
_FILTER: Final = "field_shapes"


def switches(finding: SmearFinding) -> frozenset[str] | None:
    """Draw the switch and the filter; the shapes to show, None for boxes by kind.

    Nothing is drawn for a field without shapes.
    """
    found = {_shape(cell) for cell in finding.cells_of("rbc") if cell.shape is not None}
    if not found:
        return None
    options = [shape for shape in (*SHAPES, NO_SHAPE) if shape in found]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        on = st.toggle(
            "Colour by shape",
            key=_SWITCH,
            help="Red cells get the colour and the letter of the shape that the model named. "
            "Research use: a qualified person decides.",
        )
        if not on:
            return None
        chosen = st.multiselect(
            "Shapes shown",
            options,
            format_func=title_of,
            key=_FILTER,
            placeholder="All shapes; choose some to see these alone",
            label_visibility="collapsed",
            width="stretch",
        )
    return frozenset(chosen or options)


def add(drawing: go.Figure, cells: Sequence[Cell], shown: frozenset[str], box: Outlines) -> None:
    """Boxes of the red cells, a legend entry for each shape, and its letter in each odd cell."""
    by_shape: Mapping[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_shape[_shape(cell)].append(cell)
    for shape in (*SHAPES, NO_SHAPE):
        group = by_shape[shape] if shape in shown else []
        if not group:
            continue
        x, y = box(group)
        quiet = shape in ("normal", NO_SHAPE)
        colour = SHAPE_COLOURS[shape]
        common: dict[str, Any] = {"x": x, "y": y, "mode": "lines", "hoverinfo": "skip",
                                  "legendgroup": shape}  # fmt: skip
        width = 1.6 if quiet else 3.0
        casing = {"color": "rgba(255,255,255,0.65)", "width": width + 2.4}
        drawing.add_scatter(**common, line=casing, showlegend=False)
        dash = "dot" if shape == NO_SHAPE else "solid"
        drawing.add_scatter(
            **common,
            line={"color": colour, "width": width, "dash": dash},
            name=f"{title_of(shape)} {len(group)}",
            showlegend=True,
        )
        if not quiet:
            drawing.add_scatter(
                x=[cell.box_xyxy_px[0] for cell in group],
                y=[cell.box_xyxy_px[1] for cell in group],
                mode="text",
                text=[f"<b>{KEYS[shape]}</b>"] * len(group),
                textposition="bottom right",
                textfont={"color": colour, "size": 13, "shadow": "0 0 3px white, 0 0 3px white"},
                hoverinfo="skip",
                legendgroup=shape,
                showlegend=False,
            )


def hover_line(cell: Cell) -> str:
    """``Target cell 80 %``, or why it was not judged; empty without a shape."""
    given = cell.shape
    if given is None:
        return ""
    if given.not_judged:
        return f"Shape not judged: {REASONS[given.not_judged]}"
    return f"{title_of(given.label)} {100 * given.probability:.0f} %"


def _shape(cell: Cell) -> str:
    return cell.shape.label if cell.shape and not cell.shape.not_judged else NO_SHAPE
