"""Line charts as SVG, for the figures in documents."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK: Final = "#33373f"
_GRID: Final = "#dfe2e8"

_STYLE: Final[dict[Any, Any]] = {
    # The same figures give the same file: no random identifiers, and text as text, not as outlines.
    "svg.hashsalt": "line chart",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


@dataclass(frozen=True)
class Line:
    """One line of a chart; its dash pattern identifies it without colour.

    ``dash`` are lengths of ink and gap in points, such as ``"7 4"``; empty: a solid line. ``low``
    and ``high`` draw an interval at each point. A line of one point is a reference, drawn
    horizontally across the chart.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dash: str = ""
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def line_chart_svg(
    lines: Sequence[Line],
    title: str,
    x_title: str,
    y_title: str,
    *,
    log_x: bool = False,
    log_y: bool = False,
    x_ticks: Sequence[float] | None = None,
) -> str:
    """Draw the chart as an SVG document on a white ground; the same input gives the same text.

    Raises:
        ValueError: without a line of two points, or where a logarithmic axis meets a value that is
            not above 0.
    """
    xs = [x for line in lines for x, _ in line.points if len(line.points) > 1]
    ys = [y for line in lines for _, y in line.points]
    ys += [v for line in lines for v in (*(line.low or ()), *(line.high or ()))]
    if not xs or not ys:
        raise ValueError("a chart needs a line of at least two points")
    if (log_x and min(xs) <= 0) or (log_y and min(ys) <= 0):
        raise ValueError("a logarithmic axis needs values above 0")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 4.0), layout="constrained")
        axes = figure.add_subplot()
        for line in lines:
            _draw(axes, line)
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
        axes.set_xlabel(x_title)
        axes.set_ylabel(y_title)
        _scale(axes, (min(xs), max(xs)), min(ys), log_x, log_y, x_ticks)
        axes.grid(axis="y", color=_GRID)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(which="both", length=0)
        figure.legend(
            *axes.get_legend_handles_labels(),
            loc="outside right upper",
            frameon=False,
            handlelength=3,
        )
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Title": title})
    return file.getvalue()


def _draw(axes: "Axes", line: Line) -> None:
    lengths = [float(length) for length in line.dash.split()]
    style: Any = (0, lengths) if lengths else "solid"
    if len(line.points) == 1:
        axes.axhline(line.points[0][1], color=line.colour, linestyle=style, label=line.name)
        return
    xs, ys = zip(*line.points, strict=True)
    # Markers show where something was measured; on a curve of many epochs they would hide it.
    marker = "o" if len(xs) <= 12 else ""
    axes.plot(
        xs, ys, color=line.colour, linestyle=style, marker=marker, markersize=5, label=line.name
    )
    if line.low is not None and line.high is not None:
        axes.vlines(xs, line.low, line.high, color=line.colour, linewidth=1.0)


def _scale(
    axes: "Axes",
    x_range: tuple[float, float],
    y_low: float,
    log_x: bool,
    log_y: bool,
    x_ticks: Sequence[float] | None,
) -> None:
    """Set scales and ticks: plain numbers, and a linear y axis that starts at 0 or below."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.margins(x=0.02)
    if log_x:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if x_ticks is not None:
        axes.set_xticks([x for x in x_ticks if x_range[0] <= x <= x_range[1]])
    axes.xaxis.set_major_formatter(plain)
    if log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=min(0.0, y_low))
    axes.yaxis.set_major_formatter(plain)
