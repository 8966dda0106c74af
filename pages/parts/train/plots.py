"""Curves of runs, a colour each, train and validation by dash; and the bars of a split."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.store.runs import Epoch, Run
from core.taxonomy import title
from core.training.presets import RecipeInfo
from core.training.runs.forecast import best_epoch
from core.training.runs.steps import Step, smoothed, thinned
from pages.parts.kinds import ink

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe & Ito; runs beyond the sixth begin again, with other signs."""

_SIGNS = ("circle", "square", "diamond", "cross", "x", "triangle-up")
_FEW = 30
"""Up to so many epochs each gets a sign; of more, a line has a few, or it would be no curve."""

_MOST_SMALL = 60
"""Points of a line in a small multiple, which is some 150 pixels wide."""
Curves = Sequence[tuple[Run, Sequence[Epoch]]]


def split_bars(counts: Mapping[str, Sequence[int]]) -> Any:
    """Pictures of each kind in training, validation and test, stacked."""
    figure = go.Figure()
    looks = (("Training", "#0072b2", ""), ("Validation", "#e69f00", "/"), ("Test", "#999999", "x"))
    for part, (name, colour, pattern) in enumerate(looks):
        figure.add_bar(
            y=[title(label) for label in counts],
            x=[sizes[part] for sizes in counts.values()],
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{y}: %{x}<extra>" + name + "</extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=80 + 24 * len(counts),
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        yaxis={"autorange": "reversed"},
    )
    return figure


def losses(curves: Curves) -> Any:
    """Training and validation loss of every run in one plot."""
    return _losses([(run.label, run.name, rows) for run, rows in curves])


def losses_of(name: str, rows: Sequence[Epoch]) -> Any:
    """Training and validation loss of one training that is no run."""
    return _losses([(name, name, rows)])


def _losses(curves: Sequence[tuple[str, str, Sequence[Epoch]]]) -> Any:
    """``curves`` have a label, a name of their own, and the epochs."""
    traces = []
    for number, (label, key, rows) in enumerate(curves):
        numbers = [row.number + 1 for row in rows]
        train = [row.train_loss for row in rows]
        validation = [row.metrics.get("loss") for row in rows]
        for name, values, dash in (("train", train, "solid"), ("validation", validation, "dash")):
            # Of several runs the legend names each once; a click hides both its lines.
            alone = len(curves) == 1
            traces.append(
                go.Scatter(
                    x=numbers,
                    y=values,
                    name=name.capitalize() if alone else label,
                    legendgroup=name if alone else key,
                    showlegend=alone or name == "train",
                    hovertemplate=f"%{{y:.4g}} {name}<extra>{_safe(label)}</extra>",
                    # Of one run the two differ by colour too, of several by dash alone.
                    **_look(number + (alone and name == "validation"), dash, len(rows)),
                )
            )
    figure = go.Figure(traces)
    if len(curves) == 1 and (best := best_epoch(curves[0][2])) is not None:
        loss = best.metrics.get("loss")
        figure.add_trace(_star(best.number + 1, best.train_loss if loss is None else loss))
    said = [value for trace in traces for value in trace.y if value is not None]
    # Where the first epochs dwarf the others, their differences show on a scale of powers only.
    powers = bool(said) and min(said) > 0 and max(said) > 20 * min(said)
    figure.update_yaxes(type="log" if powers else "linear", dtick=1 if powers else None)
    dashes = "" if len(curves) == 1 else " (validation dashed)"
    return _finish(figure, f"Loss{dashes}", 300, len(curves), "log" if powers else "linear")


def metric(curves: Curves, info: RecipeInfo) -> Any:
    """The recipe's metric of every run; lines for what the start and a naive answer reach.

    The axis fits the curves and the start: a naive answer far below is said and not drawn.
    """
    figure = go.Figure(
        [
            go.Scatter(
                x=[row.number + 1 for row in rows],
                y=[row.metrics.get(info.metric) for row in rows],
                name=run.label,
                # The colours are those of the plot above, whose legend says whose they are.
                showlegend=False,
                **_look(number, "solid", len(rows)),
            )
            for number, (run, rows) in enumerate(curves)
        ]
    )
    values = [value for trace in figure.data for value in trace.y if value is not None]
    run, rows = curves[0]
    facts = run.facts or {}
    start = facts.get("start", {}).get(info.metric)
    if start is not None:
        values.append(start)
        _line(figure, start, f"start: {facts.get('started_from', '')} {start:.3g}", "dash", "top")
    if len(curves) == 1 and (best := best_epoch(rows)) is not None:
        figure.add_trace(_star(best.number + 1, best.metrics.get(info.metric)))
    baseline = facts.get("baseline")
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = max(0.15 * (high - low), 0.01 * abs(high), 1e-6)
    if baseline is not None:
        text = f"naive: {facts.get('baseline_title', '')} {baseline:.3g}"
        # Within half the curves' height it may widen the axis.
        near = max(high - low, room)
        if low - near / 2 <= baseline <= high + near / 2:
            low, high = min(low, baseline), max(high, baseline)
            _line(figure, baseline, text, "dot", "bottom")
        else:
            where = "below" if baseline < low else "above"
            figure.add_annotation(
                text=f"{_safe(text)}, {where} this plot",
                x=1,
                y=0 if where == "below" else 1,
                xref="paper",
                yref="paper",
                xanchor="right",
                yanchor="bottom" if where == "below" else "top",
                showarrow=False,
                font={"color": ink()},
            )
    top = min(high + room, 1.005) if info.higher_is_better and high <= 1 else high + room
    figure.update_yaxes(range=[low - room, top])
    return _finish(figure, info.metric_title, 260)


def _line(figure: Any, y: float, text: str, dash: str, side: str) -> None:
    figure.add_hline(
        y=y,
        line={"dash": dash, "color": ink(), "width": 2},
        annotation={"text": _safe(text), "font": {"color": ink()}},
        annotation_position=f"{side} right",
    )


def _star(epoch: int, value: float | None) -> Any:
    """The mark of the epoch whose model is kept."""
    return go.Scatter(
        x=[epoch],
        y=[value],
        mode="markers",
        name="Best epoch, kept",
        marker={"symbol": "star", "size": 13, "color": "#e69f00", "line": {"width": 1}},
        hovertemplate=f"best, epoch {epoch}: %{{y:.4g}}<extra></extra>",
    )


def steps(found: Sequence[Step], rows: Sequence[Epoch], weight: float, powers: bool) -> Any:
    """Loss of every step, thin, and smoothed; validation loss at the end of each epoch."""
    shown = thinned(found)
    x = [step.epochs for step in shown]
    losses = [step.loss for step in shown]
    figure = go.Figure()
    if weight:
        figure.add_scatter(
            x=x, y=losses, name="Each step", mode="lines", line={"width": 1, "color": "#9ecae1"}
        )
    line = {"width": 2, "color": COLOURS[0]}
    name = "Smoothed" if weight else "Each step"
    figure.add_scatter(x=x, y=smoothed(losses, weight), name=name, mode="lines", line=line)
    figure.add_scatter(
        x=[row.number + 1 for row in rows],
        y=[row.metrics.get("loss") for row in rows],
        name="Validation",
        mode="lines+markers",
        line={"dash": "dash", "color": COLOURS[1]},
        marker={"symbol": "diamond", "size": 7},
    )
    figure.update_yaxes(type="log" if powers else "linear")
    return _finish(figure, "Loss by step", 280, revision="log" if powers else "linear")


def gradients(found: Sequence[Step]) -> Any:
    """Norm of the gradient before it is clipped, by step; its axis has powers, and so no zero."""
    shown = [step for step in thinned(found) if 0 < step.gradient_norm < math.inf]
    figure = go.Figure(
        go.Scatter(
            x=[step.epochs for step in shown],
            y=[step.gradient_norm for step in shown],
            mode="lines",
            line={"width": 1, "color": COLOURS[0]},
            showlegend=False,
        )
    )
    figure.update_yaxes(type="log")
    return _finish(figure, "Gradient norm", 260)


def rates(curves: Curves) -> Any:
    """Learning rate at the end of each epoch."""
    figure = go.Figure(
        [
            go.Scatter(
                x=[row.number + 1 for row in rows],
                y=[row.learning_rate for row in rows],
                name=run.label,
                showlegend=False,
                **_look(number, "solid", len(rows)),
            )
            for number, (run, rows) in enumerate(curves)
        ]
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
    traces = []
    for number, (run, every) in enumerate(curves):
        rows = _thinned(every)
        look = _look(number, "solid", len(rows), small=True)
        for place, name in enumerate(names):
            # Named axes: asking for row and column of each of a hundred lines takes long.
            axis = "" if place == 0 else str(place + 1)
            traces.append(
                go.Scatter(
                    x=[row.number + 1 for row in rows],
                    y=[row.metrics.get(name) for row in rows],
                    name=run.label,
                    showlegend=False,
                    xaxis=f"x{axis}",
                    yaxis=f"y{axis}",
                    **look,
                )
            )
    figure.add_traces(traces)
    figure.update_yaxes(range=[-0.05, 1.05])
    figure.update_annotations(font={"size": 12})
    figure.update_layout(height=40 + 130 * down, margin={"l": 0, "r": 0, "t": 24, "b": 0})
    return figure


def _look(number: int, dash: str, points: int, small: bool = False) -> dict[str, object]:
    colour = COLOURS[number % len(COLOURS)]
    again = number // len(COLOURS)
    # A single epoch is no line; many signs are no curve. A colour's second run needs its signs.
    signs = points <= (1 if small else _FEW) or (again > 0 and not small)
    marker = {"symbol": _SIGNS[again % len(_SIGNS)], "size": 6}
    if points > _FEW:
        marker["maxdisplayed"] = 10
    width = 2 if again == 0 else 1
    line = {"color": colour, "dash": dash, "width": width, "simplify": True}
    return {"mode": "lines+markers" if signs else "lines", "line": line, "marker": marker}


def _thinned(rows: Sequence[Epoch]) -> list[Epoch]:
    """Every so-manyth epoch and the last, as many as a small plot can show."""
    step = -(-len(rows) // _MOST_SMALL)
    return [row for place, row in enumerate(rows) if (len(rows) - 1 - place) % max(1, step) == 0]


def _safe(words: str) -> str:
    """Somebody's words within Plotly's own markup."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "% {")


def _whole_epochs(figure: Any) -> dict[str, object]:
    """There is no half epoch: Plotly writes ticks between them where there are few."""
    most = max((max(trace.x) for trace in figure.data if trace.x), default=0)
    return {"dtick": 1} if most <= 10 else {}


def _finish(figure: Any, name: str, height: int, legend: int = 1, revision: str = "kept") -> Any:
    # A row of the legend holds about four runs; without more height it would take the plot's.
    height += 20 * (-(-legend // 4) - 1)
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        # Keeps zoom and hidden curves while new points arrive.
        uirevision=revision,
        xaxis={"title": "Epoch", "rangemode": "tozero", **_whole_epochs(figure)},
        yaxis={"title": name},
    )
    return figure
