"""Two models on one test set as paired dots with their intervals, overall and class by class."""

from typing import Any

import plotly.graph_objects as go

from core.evaluation.intervals import clopper_pearson
from core.taxonomy import CRITICAL_CLASSES, title
from core.training.promotion import OnOneSet
from pages.parts.kinds import ink

_LOOKS = (("Live", "#5d616b", "circle-open", -0.14), ("Challenger", "#0072b2", "circle", 0.14))


def dots(one: OnOneSet) -> Any:
    """A row for all cells and one for each class, two dots each with exact 95 % intervals."""
    rows = [("All cells", (one.champion, one.challenger, one.accuracy.items))]
    for label, recall in one.recalls.items():
        word = " (critical)" if label in CRITICAL_CLASSES else ""
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
