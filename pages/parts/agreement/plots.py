"""Plots of agreement: who called what, class by class, Bland-Altman, Passing-Bablok."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.statistics.agreement import Agreement
from core.statistics.bland_altman import BlandAltman
from core.statistics.passing_bablok import PassingBablok
from core.taxonomy import title
from pages.parts.kinds import ink

_ACCENT = "#0072b2"
_SECOND = "#d55e00"
_MARGIN = {"l": 0, "r": 8, "t": 8, "b": 0}


def confusion(found: Agreement, reference: str, other: str) -> Any:
    """Cells by class of both sides; shade by the share of the row, the number in the square."""
    names = [title(label) for label in found.classes]
    return shaded_table(found.table, names, reference, other)


def shaded_table(
    counts: npt.NDArray[np.int64] | Sequence[Sequence[int]],
    names: Sequence[str],
    reference: str,
    other: str,
) -> Any:
    """A table of counts as a heat map: ``reference`` in rows, ``other`` in columns."""
    table = np.asarray(counts)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            text=table,
            texttemplate="%{text}",
            zmin=0,
            zmax=1,
            colorscale=[[0, "rgba(0,114,178,0.04)"], [1, _ACCENT]],
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate=(
                f"{_safe(reference)}: %{{y}}<br>{_safe(other)}: %{{x}}"
                "<br>%{text} cells, %{z:.0%} of the row<extra></extra>"
            ),
        )
    )
    figure.update_layout(
        height=110 + 34 * len(names),
        margin={**_MARGIN, "t": 60},
        xaxis={"title": {"text": _safe(other)}, "side": "top", "tickangle": -30},
        yaxis={"title": {"text": _safe(reference)}, "autorange": "reversed"},
    )
    return figure


def by_class(found: Agreement) -> Any:
    """Sensitivity and positive predictive value of each class with exact intervals."""
    rows = [row for row in found.by_class if row.sensitivity.of or row.positive_predictive.of]
    figure = go.Figure()
    for shift, name, colour, symbol, shares in (
        (-0.14, "Sensitivity", _ACCENT, "circle", [row.sensitivity for row in rows]),
        (0.14, "Predictive value", _SECOND, "diamond", [r.positive_predictive for r in rows]),
    ):
        known = [place for place, share in enumerate(shares) if share.value is not None]
        values = [shares[place].value or 0.0 for place in known]
        spans = [shares[place].interval for place in known]
        figure.add_scatter(
            x=values,
            y=[place + shift for place in known],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, s.high - v) for s, v in zip(spans, values, strict=True)],
                "arrayminus": [max(0.0, v - s.low) for s, v in zip(spans, values, strict=True)],
                "thickness": 1.5,
            },
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 9},
            customdata=[shares[place].of for place in known],
            hovertemplate="%{x:.1%} of %{customdata} cells<extra>" + name + "</extra>",
        )
    figure.update_layout(
        height=110 + 34 * len(rows),
        margin=_MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"range": [-0.03, 1.03], "tickformat": ".0%"},
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [f"{title(row.label)}, {row.sensitivity.of}" for row in rows],
            "autorange": "reversed",
            "showgrid": False,
        },
    )
    return figure


def bland_altman(found: BlandAltman, samples: Sequence[str], unit: str) -> Any:
    """Differences over means; bias solid, limits of agreement dashed, their intervals as bands."""
    figure = go.Figure()
    for value, span, words, dash in (
        (found.upper, found.upper_interval, "upper limit", "dash"),
        (found.bias, found.bias_interval, "bias", "solid"),
        (found.lower, found.lower_interval, "lower limit", "dash"),
    ):
        figure.add_hrect(span.low, span.high, fillcolor=_ACCENT, opacity=0.10, line_width=0)
        figure.add_hline(
            value,
            line={"color": _ACCENT, "dash": dash, "width": 1.6},
            annotation={"text": f"{words} {value:.2f}", "font": {"color": ink(), "size": 11}},
            annotation_position="top right",
        )
    figure.add_hline(0, line={"color": ink(), "dash": "dot", "width": 1})
    figure.add_scatter(
        x=found.means,
        y=found.differences,
        mode="markers",
        marker={"color": ink(), "size": 7, "opacity": 0.75},
        text=[_safe(sample) for sample in samples],
        hovertemplate="%{text}<br>mean %{x:.1f}, difference %{y:.2f}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        height=320,
        margin=_MARGIN,
        xaxis={"title": {"text": f"Mean of both, {unit}"}},
        yaxis={"title": {"text": "Difference"}},
    )
    return figure


def passing_bablok(
    reference: Sequence[float],
    other: Sequence[float],
    found: PassingBablok | None,
    samples: Sequence[str],
    names: tuple[str, str],
) -> Any:
    """Other over reference with the regression line, its band, and the line of identity."""
    low = min(*reference, *other)
    high = max(*reference, *other)
    extra = 0.05 * (high - low) or 1.0
    ends = np.linspace(low - extra, high + extra, 40)
    figure = go.Figure()
    slope = found.slope_interval if found is not None else None
    if found is not None and slope is not None and np.isfinite([slope.low, slope.high]).all():
        # Each bound of the slope goes with the other bound of the intercept.
        steep = found.intercept_interval.low + slope.high * ends
        flat = found.intercept_interval.high + slope.low * ends
        figure.add_scatter(
            x=[*ends, *ends[::-1]],
            y=[*np.maximum(steep, flat), *np.minimum(steep, flat)[::-1]],
            fill="toself",
            fillcolor="rgba(0,114,178,0.12)",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": ink(), "dash": "dot", "width": 1},
        name="Equal", hoverinfo="skip",
    )  # fmt: skip
    if found is not None:
        figure.add_scatter(
            x=ends,
            y=found.intercept + found.slope * ends,
            mode="lines",
            line={"color": _ACCENT, "width": 2},
            name=f"{found.intercept:.2f} + {found.slope:.3f} x",
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=reference,
        y=other,
        mode="markers",
        marker={"color": ink(), "size": 7, "opacity": 0.75},
        text=[_safe(sample) for sample in samples],
        hovertemplate="%{text}<br>%{x:.1f} and %{y:.1f}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        height=320,
        margin=_MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": {"text": _safe(names[0])}},
        yaxis={"title": {"text": _safe(names[1])}},
    )
    return figure


def _safe(text: str) -> str:
    """Somebody else's words in a plot, where a few tags would be obeyed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
