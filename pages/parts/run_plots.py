"""Curves of runs, a colour each, train and validation by dash; and the bars of a split."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.store.runs import Epoch, Run
from core.taxonomy import title
from core.training.presets import RecipeInfo
from pages.parts.kinds import ink

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe & Ito; runs beyond the sixth begin again, with other signs."""

_SIGNS = ("circle", "square", "diamond", "cross", "x", "triangle-up")
Curves = Sequence[tuple[Run, Sequence[Epoch]]]


def split_bars(counts: Mapping[str, Sequence[int]]) -> Any:
    """Cells of each class in training, validation and test, stacked."""
    figure = go.Figure()
    looks = (("Training", "#0072b2", ""), ("Validation", "#e69f00", "/"), ("Test", "#999999", "x"))
    for part, (name, colour, pattern) in enumerate(looks):
        figure.add_bar(
            y=[title(label) for label in counts],
            x=[sizes[part] for sizes in counts.values()],
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{y}: %{x} cells<extra>" + name + "</extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=80 + 24 * len(counts),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        legend={"orientation": "h", "y": -0.1, "yanchor": "top", "traceorder": "normal"},
        yaxis={"autorange": "reversed"},
    )
    return figure


def losses(curves: Curves) -> Any:
    """Training and validation loss of every run in one plot."""
    figure = go.Figure()
    for number, (run, rows) in enumerate(curves):
        numbers = [row.number + 1 for row in rows]
        train = [row.train_loss for row in rows]
        validation = [row.metrics.get("loss") for row in rows]
        for name, values, dash in (("train", train, "solid"), ("validation", validation, "dash")):
            figure.add_scatter(
                x=numbers,
                y=values,
                name=f"{run.label} · {name}" if len(curves) > 1 else name.capitalize(),
                **_look(number, dash, len(rows)),
            )
    return _finish(figure, "Loss", 300)


def metric(curves: Curves, info: RecipeInfo) -> Any:
    """The recipe's metric of every run, and what a naive answer reaches as a dotted line."""
    figure = go.Figure()
    for number, (run, rows) in enumerate(curves):
        figure.add_scatter(
            x=[row.number + 1 for row in rows],
            y=[row.metrics.get(info.metric) for row in rows],
            name=run.label if len(curves) > 1 else info.metric_title,
            **_look(number, "solid", len(rows)),
        )
        baseline = (run.facts or {}).get("baseline")
        if baseline is not None and number == 0:
            figure.add_hline(
                y=baseline,
                line={"dash": "dot", "color": ink(), "width": 2},
                annotation={
                    "text": f"naive: {(run.facts or {}).get('baseline_title', '')} {baseline:.3g}",
                    "font": {"color": ink()},
                },
                annotation_position="bottom right",
            )
    return _finish(figure, info.metric_title, 260)


def rates(curves: Curves) -> Any:
    """Learning rate at the end of each epoch."""
    figure = go.Figure()
    for number, (run, rows) in enumerate(curves):
        figure.add_scatter(
            x=[row.number + 1 for row in rows],
            y=[row.learning_rate for row in rows],
            name=run.label,
            showlegend=False,
            **_look(number, "solid", len(rows)),
        )
    figure = _finish(figure, "Learning rate", 260)
    # A rate is read as 1e-4, not as 100 millionths.
    figure.update_yaxes(exponentformat="e", rangemode="tozero")
    return figure


def recalls(curves: Curves) -> Any | None:
    """Recall of each class as small multiples; None for a recipe without classes."""
    names = sorted({k for _, rows in curves for row in rows for k in row.metrics if "recall_" in k})
    if not names:
        return None
    across = 5
    down = -(-len(names) // across)
    titles = [title(name.removeprefix("recall_")) for name in names]
    figure = make_subplots(
        rows=down, cols=across, subplot_titles=titles, shared_xaxes=True, shared_yaxes=True
    )
    for number, (run, rows) in enumerate(curves):
        for place, name in enumerate(names):
            figure.add_scatter(
                x=[row.number + 1 for row in rows],
                y=[row.metrics.get(name) for row in rows],
                name=run.label,
                showlegend=False,
                row=place // across + 1,
                col=place % across + 1,
                **_look(number, "solid", len(rows)),
            )
    figure.update_yaxes(range=[-0.05, 1.05])
    figure.update_annotations(font={"size": 12})
    figure.update_layout(height=40 + 130 * down, margin={"l": 0, "r": 0, "t": 24, "b": 0})
    return figure


def _look(number: int, dash: str, points: int) -> dict[str, Any]:
    colour = COLOURS[number % len(COLOURS)]
    # A single epoch is no line; many signs are no curve.
    mode = "lines+markers" if points <= 30 else "lines"
    marker = {"symbol": _SIGNS[number // len(COLOURS) % len(_SIGNS)], "size": 6}
    return {"mode": mode, "line": {"color": colour, "dash": dash, "width": 2}, "marker": marker}


def _whole_epochs(figure: Any) -> dict[str, Any]:
    """There is no half epoch: Plotly writes ticks between them where there are few."""
    most = max((max(trace.x) for trace in figure.data if trace.x), default=0)
    return {"dtick": 1} if most <= 10 else {}


def _finish(figure: Any, name: str, height: int) -> Any:
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        # Keeps zoom and hidden curves while new points arrive.
        uirevision="kept",
        xaxis={"title": "Epoch", "rangemode": "tozero", **_whole_epochs(figure)},
        yaxis={"title": name},
    )
    return figure
