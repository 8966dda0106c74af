"""A line chart as SVG, for figures in documents: no plotting library is needed to draw one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 216, 40, 52
_INK: Final = "#33373f"
_GRID: Final = "#dfe2e8"


@dataclass(frozen=True)
class Line:
    """One line of a chart: points, a colour, and a dash as its second sign.

    ``low`` and ``high`` draw an interval at each point. A line of one point goes right across:
    a reference.
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
    """The chart as an SVG document on a white ground.

    Raises:
        ValueError: without a point, or where a logarithmic axis meets a value that is not above 0.
    """
    xs = [x for line in lines for x, _ in line.points if len(line.points) > 1]
    ys = [y for line in lines for _, y in line.points]
    ys += [v for line in lines for v in (*(line.low or ()), *(line.high or ()))]
    if not xs or not ys:
        raise ValueError("a chart needs a line of at least two points")
    if (log_x and min(xs) <= 0) or (log_y and min(ys) <= 0):
        raise ValueError("a logarithmic axis needs values above 0")
    y_ticks = _ticks(min(ys), max(ys), log_y)
    x_range = (min(xs), max(xs))
    wanted_x = x_ticks if x_ticks is not None else _ticks(*x_range, log_x)
    shown_x = [x for x in wanted_x if x_range[0] <= x <= x_range[1]]
    y_range = (min(ys), max(ys)) if log_y else (min(0.0, *ys), max(max(ys), y_ticks[-1]))

    def place(x: float, y: float) -> tuple[float, float]:
        across = _share(x, x_range, log_x) * (_WIDTH - _LEFT - _RIGHT)
        up = _share(y, y_range, log_y) * (_HEIGHT - _TOP - _BOTTOM)
        return _LEFT + across, _HEIGHT - _BOTTOM - up

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="13" fill="{_INK}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    for value in y_ticks:
        _, y = place(x_range[0], value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in shown_x:
        x, _ = place(value, y_ticks[0])
        y = _HEIGHT - _BOTTOM + 18
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{value:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(x_title)}</text>'
    )
    parts.append(
        f'<text transform="translate(18 {(_HEIGHT - _BOTTOM + _TOP) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_title)}</text>'
    )
    for row, line in enumerate(lines):
        parts += _drawn(line, place, x_range)
        y = _TOP + 10 + 24 * row
        x = _WIDTH - _RIGHT + 16
        parts.append(
            f'<path d="M{x} {y}h28" stroke="{line.colour}" stroke-width="2.5" '
            f'stroke-dasharray="{line.dash}"/>'
        )
        parts.append(f'<text x="{x + 36}" y="{y + 4}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


Place = Callable[[float, float], tuple[float, float]]
"""Values -> a point of the drawing."""


def _drawn(line: Line, place: Place, x_range: tuple[float, float]) -> list[str]:
    points = list(line.points)
    if len(points) == 1:
        points = [(x_range[0], points[0][1]), (x_range[1], points[0][1])]
    placed = [place(x, y) for x, y in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    parts = [
        f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="2.5" '
        f'stroke-dasharray="{line.dash}"/>'
    ]
    for (x, _), low, high in zip(line.points, line.low or (), line.high or (), strict=False):
        (across, bottom), (_, top) = place(x, low), place(x, high)
        parts.append(
            f'<path d="M{across:.1f} {bottom:.1f}V{top:.1f}" stroke="{line.colour}" '
            f'stroke-width="1.2"/>'
        )
    if 1 < len(line.points) <= 12:
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{line.colour}"/>' for x, y in placed
        ]
    return parts


def _share(value: float, between: tuple[float, float], log: bool) -> float:
    low, high = between
    if log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low) if high > low else 0.5


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        steps = [m * 10.0**e for e in range(-4, 6) for m in (1, 2, 5)]
        return [v for v in steps if low <= v <= high] or [low, high]
    low = min(0.0, low)
    raw = (high - low) / 5 or 1.0
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw)
    return [round(float(v), 6) for v in np.arange(low, high + step * 0.999, step)]
