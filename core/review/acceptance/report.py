"""The signed PDF of a lab acceptance: limits and verdicts first, then everything they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.review.acceptance.limits import (
    Verdict,
    figure_title,
    is_percent,
    measurement_title,
    unit_of,
)
from core.review.acceptance.measure import Figure, Measured, Pairs
from core.review.acceptance.records import Acceptance
from core.review.exchange.paper import ACCENT, CRITICAL, GREY, RULE, Paper
from core.settings import Settings
from core.statistics.agreement import agreement
from core.taxonomy import title

_GOOD = (0, 120, 90)


def acceptance_report(acceptance: Acceptance, settings: Settings) -> bytes:
    """The report of a signed acceptance as a PDF."""
    paper = Paper(
        "Lab acceptance",
        f"Acceptance {acceptance.id}",
        settings,
        draft=False,
        made_at=acceptance.signed_at,
    )
    _head(paper, acceptance)
    _limits(paper, acceptance.verdicts)
    _measurements(paper, acceptance.measured)
    _confusion(paper, acceptance.measured)
    _rest(paper, acceptance)
    _signature(paper, acceptance)
    return paper.done()


def _head(paper: Paper, acceptance: Acceptance) -> None:
    measured = acceptance.measured
    paper.facts(
        (
            ("Title", acceptance.title),
            ("Signed", f"{acceptance.signed_at.astimezone(UTC):%d %b %Y %H:%M} UTC"),
            ("White-cell model", acceptance.wbc_model),
            ("Locator", acceptance.locator_model),
            ("Pictures analysed", f"{measured.fields} fields of {measured.slides} slides"),
            ("White cells found", str(measured.white_cells)),
        )
    )
    met = sum(verdict.met is True for verdict in acceptance.verdicts)
    words = f"{met} of {len(acceptance.verdicts)} chosen limits are met"
    if acceptance.accepted:
        paper.say(f"Accepted: {words}.", size=12, bold=True, colour=_GOOD)
    else:
        paper.say(f"Not accepted: {words}.", size=12, bold=True, colour=CRITICAL)
    if acceptance.note:
        paper.say(acceptance.note)


def _limits(paper: Paper, verdicts: tuple[Verdict, ...]) -> None:
    paper.heading("Limits chosen by this laboratory")
    rows = [
        [
            figure_title(v.limit.figure),
            bound_words(v.limit.figure, v.limit.direction, v.limit.bound),
            found_words(v),
            str(v.n) if v.n else "",
            v.words,
        ]
        for v in verdicts
    ]
    paper.grid(
        ("Figure", "Limit", "Found (95 % interval)", "n", "Verdict"),
        rows,
        (28, 23, 30, 5, 14),
        numbers=(3,),
        emphasised=[n for n, v in enumerate(verdicts) if not v.met],
    )
    paper.ln(1)
    paper.small(
        "A limit is met when the figure itself meets it; it is met beyond chance when the whole "
        "interval does. Intervals take cells and fields as independent; those of one slide are "
        "alike, so with few slides they are too narrow."
    )


def bound_words(figure: str, direction: str, bound: float) -> str:
    """``at least 90 %``, ``within 2 cells per field``."""
    return f"{direction} {number_words(figure, bound)}"


def number_words(figure: str, value: float) -> str:
    """A figure's number with its unit."""
    if is_percent(figure):
        return f"{100 * value:.1f} %"
    unit = unit_of(figure)
    fine = figure.startswith(("slope_", "kappa", "calibration"))
    return (f"{value:.3f}" if fine else _short(value)) + (f" {unit}" if unit else "")


def found_words(verdict: Verdict) -> str:
    """``93.1 % (90.2 to 95.4)``; ``not determined`` where nothing was measured."""
    if verdict.value is None:
        return "not determined"
    words = number_words(verdict.limit.figure, verdict.value)
    if verdict.low is None or verdict.high is None:
        return words
    factor = 100 if is_percent(verdict.limit.figure) else 1
    low, high = factor * verdict.low, factor * verdict.high
    if factor == 100:
        return f"{words} ({low:.1f} to {high:.1f})"
    return f"{words} ({_short(low)} to {_short(high)})"


def _measurements(paper: Paper, measured: Measured) -> None:
    if not measured.numbers:
        return
    paper.heading("Bias against the laboratory's own results")
    rows = []
    for name, pairs in measured.numbers.items():
        figures = measured.figures
        error, naive = figures.get(f"error_{name}"), measured.baselines.get(f"error_{name}")
        rows.append(
            [
                f"{measurement_title(name)}, {pairs['unit'].removesuffix(' of leukocytes')}",
                str(len(pairs["samples"])),
                _plain(error),
                "" if naive is None else _short(naive),
                _plain(figures.get(f"bias_{name}")),
                f"{_value(figures, f'lower_limit_{name}')} to "
                f"{_value(figures, f'upper_limit_{name}')}",
                _plain(figures.get(f"slope_{name}")),
            ]
        )
    paper.grid(
        ("Measurement", "n", "Mean error", "Naive", "Bias", "95 % limits", "Slope"),
        rows,
        (18, 4, 18, 7, 20, 15, 18),
        numbers=(1, 2, 3, 4, 5, 6),
    )
    paper.ln(1)
    paper.small(
        "Bias and 95 % limits of agreement: program minus laboratory (Bland-Altman). Naive: error "
        "of always answering this set's median. Slope: Passing-Bablok regression."
    )
    for name, pairs in measured.numbers.items():
        if len(pairs["samples"]) >= 3:
            _plots(paper, name, pairs, measured)


def _plain(figure: Figure | None) -> str:
    if not figure or figure["value"] is None:
        return "not determined"
    if figure["low"] is None or figure["high"] is None:
        return _short(figure["value"])
    return f"{_short(figure['value'])} ({_short(figure['low'])} to {_short(figure['high'])})"


def _short(value: float) -> str:
    """Two decimals below 10, one above: no more is known."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _number(figures: Mapping[str, Figure], name: str) -> float | None:
    return figures[name]["value"] if name in figures else None


def _value(figures: Mapping[str, Figure], name: str) -> str:
    value = _number(figures, name)
    return "?" if value is None else _short(value)


def _plots(paper: Paper, name: str, pairs: Pairs, measured: Measured) -> None:
    """Bland-Altman at the left, program against laboratory at the right."""
    height, gap = 44.0, 14.0
    if paper.will_page_break(height + 16):
        paper.add_page()
    paper.ln(2)
    paper.say(measurement_title(name), size=8.5, bold=True)
    top, width = paper.get_y() + 1, (paper.epw - gap) / 2
    x, y = np.array(pairs["reference"], float), np.array(pairs["other"], float)
    figures = measured.figures
    lines = [
        (value, which == "bias")
        for which in ("lower_limit", "bias", "upper_limit")
        if (value := _number(figures, f"{which}_{name}")) is not None
    ]
    _scatter(paper, (paper.l_margin, top, width, height), (x + y) / 2, y - x,
             ("mean of both", "program minus laboratory"), level=lines)  # fmt: skip
    slope, intercept = _number(figures, f"slope_{name}"), _number(figures, f"intercept_{name}")
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


def _confusion(paper: Paper, measured: Measured) -> None:
    if not measured.labels:
        return
    found = agreement([a for a, _ in measured.labels], [b for _, b in measured.labels])
    paper.heading("White cells of known class")
    share, naive = found.accuracy, measured.baselines.get("accuracy")
    paper.say(
        f"{share.hits} of {share.of} called as by the laboratory; always answering the most "
        f"frequent class would reach {100 * (naive or 0):.0f} %. "
        f"{measured.not_found} cells of known class were not found."
    )
    rows = []
    for row in found.by_class:
        rows.append(
            [
                title(row.label),
                str(row.sensitivity.of),
                _of(row.sensitivity.value, row.sensitivity.interval),
                _of(row.positive_predictive.value, row.positive_predictive.interval),
                _taken_for(found.table, found.classes, row.label),
            ]
        )
    paper.ln(1)
    paper.grid(
        ("Class by the laboratory", "n", "Sensitivity, %", "Predictive value, %", "Else called"),
        rows,
        (24, 7, 20, 20, 29),
        numbers=(1, 2, 3),
    )


def _of(value: float | None, interval: Any) -> str:
    if value is None:
        return "not determined"
    return f"{100 * value:.0f} ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _taken_for(table: Any, classes: tuple[str, ...], label: str) -> str:
    row = table[classes.index(label)]
    others = sorted(((int(n), name) for n, name in zip(row, classes, strict=True)), reverse=True)
    return ", ".join(f"{n} {title(name).lower()}" for n, name in others if n and name != label)


def _rest(paper: Paper, acceptance: Acceptance) -> None:
    measured = acceptance.measured
    left = [*measured.refused]
    if measured.unmatched:
        left.append(f"Results without a picture: {', '.join(measured.unmatched[:20])}.")
    if left:
        paper.heading("Left out")
        for words in left[:30]:
            paper.small(words)


def _signature(paper: Paper, acceptance: Acceptance) -> None:
    paper.heading("Signature")
    at: datetime = acceptance.signed_at.astimezone(UTC)
    paper.say(f"{acceptance.signed_name}, {at:%d %b %Y %H:%M:%S} UTC.", bold=True)
    for words in (
        f"Program version {acceptance.code_version}. It holds for these two models only: after "
        "another is made live the acceptance is to be repeated.",
        f"Signed content, SHA-256 {acceptance.record_sha256}",
        f"Ledger entry {acceptance.entry}, {acceptance.entry_hash}",
    ):
        paper.say(words, size=7.5, colour=GREY)
