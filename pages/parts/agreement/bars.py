"""Small bars beside the counts, as SVG."""

from collections.abc import Sequence

from core.records import Estimate
from core.taxonomy import CellKind
from pages.parts.kinds import STYLES, ink
from pages.parts.wording import SHORT, interval, number

BAR_PX = 240
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _MIDDLE = BAR_PX, 44, 30, 8, 16


def count_bar(kind: CellKind, estimate: Estimate, others: Sequence[Estimate]) -> tuple[str, str]:
    """SVG of a count with its interval on a line from 0, and words for it.

    ``others`` are the same count in the other fields of the set, drawn as grey ticks.
    """
    style = STYLES[kind]
    end = _round_up(max(estimate.high, 4.0, *(other.value for other in others)))

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / end

    dash = ' stroke-dasharray="4 3"' if style.dash != "solid" else ""
    sign = (
        f'<rect x="2" y="{_MIDDLE - 7}" width="14" height="14" fill="none" stroke="{style.colour}" '
        f'stroke-width="{style.width_px}"{dash}/>'
    )
    line = _line(x(0), _MIDDLE, x(end), _MIDDLE, ink(), 1.5)
    ticks = "".join(
        _line(x(other.value), _MIDDLE - 4, x(other.value), _MIDDLE + 4, ink(), 1.2)
        for other in others
    )
    band = (
        f'<rect x="{x(estimate.low) - 2:.1f}" y="{_MIDDLE - 6}" rx="2" '
        f'width="{x(estimate.high) - x(estimate.low) + 4:.1f}" height="12" '
        f'fill="{style.colour}" fill-opacity="0.38"/>'
    )
    here = _line(x(estimate.value), _MIDDLE - 10, x(estimate.value), _MIDDLE + 10, style.colour, 4)
    ends = _label(x(0), "0", "start") + _label(x(end), f"{end:g}", "end")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}">{sign}{line}{ticks}{band}{here}{ends}</svg>'
    )
    among = f"; grey ticks: {len(others)} other fields" if others else ""
    words = (
        f"{SHORT[kind]} {number(estimate)}, interval {interval(estimate)}, from 0 to {end:g}{among}"
    )
    return svg, words


def _round_up(value: float) -> float:
    step = 10.0 if value > 20 else 5.0
    while value / step > 10:
        step *= 2
    return step * -(-value // step)


def _line(x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x0:.1f}" y1="{y0}" x2="{x1:.1f}" y2="{y1}" '
        f'stroke="{colour}" stroke-width="{width}"/>'
    )


def _label(x: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{_HEIGHT - 4}" font-family="sans-serif" font-size="12" '
        f'fill="{ink()}" text-anchor="{anchor}">{text}</text>'
    )
