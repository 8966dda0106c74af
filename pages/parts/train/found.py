"""What a run found at the epoch it kept: confusion, each class with its interval, calibration."""

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.evaluation.kept_epoch import classes_found
from core.models.cards import WhiteCellCard
from core.models.cards.read import read_model_card
from core.models.refusal import WeightsRefused
from core.statistics.intervals import Interval
from core.store.runs import Run
from core.taxonomy import title
from pages.parts.agreement.plots import shaded_table
from pages.parts.kinds import ink
from pages.parts.plotting import draw_plot


def draw(run: Run) -> None:
    """Nothing for a run without a model, of another kind, or from before tables were kept."""
    if run.recipe != "wbc" or not run.model_path:
        return
    file = Path(run.model_path).with_suffix(".json")
    if not file.is_file():
        return
    try:
        card = read_model_card(file)
    except WeightsRefused:
        return  # the page Models says what is wrong with it
    if not isinstance(card, WhiteCellCard) or not (rows := classes_found(card)):
        return
    checked = card.validation
    assert checked is not None and checked.confusion is not None
    st.caption(
        f"What the kept epoch's model answers on its {checked.cells:,} validation cells, on which "
        "that epoch was chosen: a little better than on new ones. Intervals are 95 %."
    )
    # Not tabs: Plotly cannot lay out a plot that has no room.
    table, curve = st.columns([3, 2], gap="medium")
    with table:
        places = [card.architecture.classes.index(row.label) for row in rows]
        counts = [[checked.confusion[a][b] for b in places] for a in places]
        names = [title(row.label) for row in rows]
        draw_plot(
            shaded_table(counts, names, "truth", "answer"),
            key="found_confusion",
            alt="The model's answers against the truth, cells of each class",
        )
    with curve:
        if checked.reliability:
            draw_plot(
                reliability_plot(checked.reliability),
                key="found_reliability",
                alt="Share of right answers against their probability",
            )
        st.caption(
            f"Expected calibration error {checked.expected_calibration_error:.3f}: how far the "
            "probability and the share of right answers lie apart. On the line they are equal."
        )
    st.dataframe(
        [
            {
                "Class": title(row.label),
                "Cells": row.cells,
                "Recall": _shown(row.recall, row.recall_interval),
                "Precision": _shown(row.precision, row.precision_interval),
                "F1": "none" if row.f1 is None else f"{row.f1:.2f}",
            }
            for row in rows
        ],
        hide_index=True,
        key="found_classes",
    )


def _shown(value: float | None, interval: Interval | None) -> str:
    if value is None or interval is None:
        return "none"
    return f"{value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def reliability_plot(bins: tuple[tuple[float, float, int], ...]) -> Any:
    """Share right against probability, a dot for each tenth, its size by the number of cells."""
    most = max(cells for _, _, cells in bins)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "#999", "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[confidence for confidence, _, _ in bins],
        y=[right for _, right, _ in bins],
        mode="markers+lines",
        marker={"size": [7 + 15 * (cells / most) ** 0.5 for _, _, cells in bins]},
        line={"color": "#0072b2"},
        text=[cells for _, _, cells in bins],
        hovertemplate="probability %{x:.2f}, right %{y:.2f}, %{text} cells<extra></extra>",
    )
    figure.update_layout(
        height=280,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        font={"color": ink()},
        xaxis={"title": "Probability of the likeliest class", "range": [0, 1.03]},
        yaxis={"title": "Share right", "range": [0, 1.03]},
    )
    return figure
