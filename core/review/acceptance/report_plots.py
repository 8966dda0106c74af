"""The two plots of a measurement in the PDF of a lab acceptance."""

from collections.abc import Mapping

import numpy as np

from core.review.acceptance.limits import measurement_title
from core.review.acceptance.measured import Figure, Pairs
from core.review.exchange.paper import ACCENT, GREY, RULE, Paper


def number_of(figures: Mapping[str, Figure], name: str) -> float | None:
    """The value of a figure; None where there is none."""
    return figures[name]["value"] if name in figures else None


def draw_plots(paper: Paper, name: str, pairs: Pairs, figures: Mapping[str, Figure]) -> None:
    """One measurement: Bland-Altman at the left, program against laboratory at the right.

    Args:
        paper: where to draw, below what stands there.
        name: of the measurement.
        pairs: its values.
        figures: all figures by name: bias, limits of agreement and slope are drawn as lines.
    """
    height, gap = 44.0, 14.0
    if paper.will_page_break(height + 16):
        paper.add_page()
    paper.ln(2)
    paper.say(measurement_title(name), size=8.5, bold=True)
    top, width = paper.get_y() + 1, (paper.epw - gap) / 2
    x, y = np.array(pairs["reference"], float), np.array(pairs["other"], float)
    lines = [
        (value, which == "bias")
        for which in ("lower_limit", "bias", "upper_limit")
        if (value := number_of(figures, f"{which}_{name}")) is not None
    ]
    _scatter(paper, (paper.l_margin, top, width, height), (x + y) / 2, y - x,
             ("mean of both", "program minus laboratory"), level=lines)  # fmt: skip
    slope, intercept = number_of(figures, f"slope_{name}"), number_of(figures, f"intercept_{name}")
    line = None if slope is None or intercept is None else (slope, intercept)
    _scatter(paper, (paper.l_margin + width + gap, top, width, height), x, y,
             ("laboratory", "program"), line=line, identity=True)  # fmt: skip
    paper.set_xy(paper.l_margin, top + height + 8)


def _scatter(
    paper: Paper,
    frame: tuple[float, float, float, float],
    x: np.ndarray,
    y: np.ndarray,
    names: tuple[str, str],
    *,
    level: list[tuple[float, bool]] | None = None,
    line: tuple[float, float] | None = None,
    identity: bool = False,
) -> None:
    left, top, width, height = frame
    levels = [value for value, _ in level or []]
    low_x, high_x = _span(x if not identity else np.concatenate([x, y]))
    low_y, high_y = (low_x, high_x) if identity else _span(np.concatenate([y, levels, [0.0]]))

    def at(px: float, py: float) -> tuple[float, float]:
        return (
            left + width * (px - low_x) / (high_x - low_x),
            top + height * (1 - (py - low_y) / (high_y - low_y)),
        )

    paper.set_draw_color(*RULE)
    paper.set_line_width(0.2)
    paper.rect(left, top, width, height)
    with paper.local_context(), paper.rect_clip(left, top, width, height):
        if identity:
            paper.set_draw_color(*GREY)
            paper.line(*at(low_x, low_x), *at(high_x, high_x))
        if line is not None:
            slope, intercept = line
            paper.set_draw_color(*ACCENT)
            paper.set_line_width(0.4)
            paper.line(
                *at(low_x, intercept + slope * low_x), *at(high_x, intercept + slope * high_x)
            )
        for value, solid in level or []:
            paper.set_draw_color(*ACCENT)
            paper.set_line_width(0.3)
            paper.set_dash_pattern(*(() if solid else (1.2, 1.0)))
            paper.line(*at(low_x, value), *at(high_x, value))
        paper.set_dash_pattern()
        paper.set_fill_color(17, 19, 24)
        for px, py in zip(x, y, strict=True):
            cx, cy = at(float(px), float(py))
            paper.ellipse(cx - 0.6, cy - 0.6, 1.2, 1.2, style="F")
    paper.font(6.5, colour=GREY)
    for words, (px, py), align in (
        (f"{low_x:.4g}", (left, top + height + 0.5), "L"),
        (f"{high_x:.4g}", (left + width - 14, top + height + 0.5), "R"),
        (names[0], (left + width / 2 - 25, top + height + 0.5), "C"),
    ):
        paper.set_xy(px, py)
        paper.cell(50 if align == "C" else 14, 3, words, align=align)
    paper.text(left + 1, top + 3, f"{high_y:.4g}  {names[1]}")
    paper.text(left + 1, top + height - 1, f"{low_y:.4g}")
    for value, _ in level or []:
        _, py = at(low_x, value)
        paper.text(left + width - 9, py - 0.6, f"{value:.2f}")


def _span(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    extra = 0.16 * (high - low) or 1.0
    return low - extra, high + extra
