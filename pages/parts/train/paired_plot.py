"""Two models on one test set as paired dots with their intervals, overall and class by class."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from core.statistics.intervals import clopper_pearson
from core.statistics.paired import PairedErrors
from core.taxonomy import is_critical, title
from core.training.promote.evidence import OnOneSet
from pages.parts.kinds import ink

_LOOKS = (("Live", "#5d616b", "circle-open", -0.14), ("Challenger", "#0072b2", "circle", 0.14))


def dots(one: OnOneSet) -> Any:
    """A row for all cells and one for each class, two dots each with exact 95 % intervals."""
    rows = [("All cells", (one.champion, one.challenger, one.accuracy.items))]
    for label, recall in one.recalls.items():
        word = " (critical)" if is_critical(label) else ""
        rows.append((f"{title(label)}{word}, {recall[2]}", recall))
    figure = go.Figure()
    for place, (name, colour, symbol, shift) in enumerate(_LOOKS):
        shares = [float(values[place]) for _, values in rows]
        spans = [
            clopper_pearson(round(s * v[2]), v[2]) for s, (_, v) in zip(shares, rows, strict=True)
        ]
        figure.add_scatter(
            x=shares,
            y=[number + shift for number in range(len(rows))],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, i.high - s) for i, s in zip(spans, shares, strict=True)],
                "arrayminus": [max(0.0, s - i.low) for i, s in zip(spans, shares, strict=True)],
                "thickness": 1.5,
            },
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 2}},
            name=name,
            hovertemplate="%{x:.1%}<extra>" + name + "</extra>",
        )
    figure.update_layout(
        height=80 + 34 * len(rows),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"range": [-0.02, 1.02], "tickformat": ".0%", "title": "Right"},
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [name for name, _ in rows],
            "autorange": "reversed",
            "gridcolor": ink(),
            "showgrid": False,
        },
    )
    return figure


def error_changes(rows: Mapping[str, PairedErrors]) -> Any:
    """Change of the count error, challenger less live model: left of the line is better."""
    names = list(rows)
    change = [row.difference for row in rows.values()]
    figure = go.Figure()
    figure.add_vline(x=0, line={"color": ink(), "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=change,
        y=[f"{name}, {row.champion:.2f} to {row.challenger:.2f}" for name, row in rows.items()],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row.high - row.difference for row in rows.values()],
            "arrayminus": [row.difference - row.low for row in rows.values()],
            "thickness": 1.5,
        },
        mode="markers",
        marker={"color": "#0072b2", "size": 10},
        hovertemplate="%{x:+.2f} cells a field<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        height=70 + 34 * len(names),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        xaxis={"title": "Change of the error, cells a field (less is better)"},
        yaxis={"autorange": "reversed", "showgrid": False},
    )
    return figure
