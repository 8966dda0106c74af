"""The signed PDF of a lab acceptance: limits and verdicts first, then everything they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.imaging.view import pixels_of
from core.records import RgbImage
from core.review.acceptance.limits import (
    Verdict,
    figure_title,
    is_percent,
    measurement_title,
    unit_of,
)
from core.review.acceptance.measured import DiscordantCell, DiscordantField, Figure, Measured
from core.review.acceptance.records import Acceptance
from core.review.acceptance.report_plots import draw_plots, number_of
from core.review.exchange.paper import CRITICAL, GREY, Paper
from core.review.record.errors import PictureLost
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
    _discordant_cells(paper, acceptance)
    _discordant_fields(paper, acceptance)
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
    paper.small(
        "Bias and 95 % limits of agreement: program minus laboratory (Bland-Altman). Naive: error "
        "of always answering this set's median. Slope: Passing-Bablok regression."
    )
    for name, pairs in measured.numbers.items():
        if len(pairs["samples"]) >= 3:
            draw_plots(paper, name, pairs, measured.figures)


def _plain(figure: Figure | None) -> str:
    if not figure or figure["value"] is None:
        return "not determined"
    if figure["low"] is None or figure["high"] is None:
        return _short(figure["value"])
    return f"{_short(figure['value'])} ({_short(figure['low'])} to {_short(figure['high'])})"


def _short(value: float) -> str:
    """Two decimals below 10, one above: no more is known."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _value(figures: Mapping[str, Figure], name: str) -> str:
    value = number_of(figures, name)
    return "?" if value is None else _short(value)


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


def _discordant_cells(paper: Paper, acceptance: Acceptance) -> None:
    shown = acceptance.measured.discordant_cells
    if not shown:
        return
    paper.heading("White cells called differently")
    paper.small(discordant_cells_sentence(acceptance.measured))
    words = [discordant_cell_words(one) for one in shown]
    crops = [_picture(acceptance, one.picture) for one in shown]
    there = [(crop, text) for crop, text in zip(crops, words, strict=True) if crop is not None]
    paper.cells(there, 6, words_mm=12.0)
    _say_lost(paper, len(shown) - len(there))


def _discordant_fields(paper: Paper, acceptance: Acceptance) -> None:
    shown = acceptance.measured.discordant_fields
    if not shown:
        return
    paper.heading("Fields whose counts differ most")
    paper.small(
        "With the boxes of the program: red cells blue, white cells red, platelets green. Fields "
        "are ordered by the difference over the square root of the laboratory's count plus one."
    )
    fields = [(_picture(acceptance, one.picture), discordant_field_words(one)) for one in shown]
    there = [(field, text) for field, text in fields if field is not None]
    paper.cells(there, 2, words_mm=10.0)
    _say_lost(paper, len(shown) - len(there))


def discordant_cells_sentence(measured: Measured) -> str:
    """How many cells were called differently, and how many of them are shown."""
    number, shown = measured.discordant, len(measured.discordant_cells)
    words = (
        f"{number} of {len(measured.labels)} cells of known class; critical classes first, then "
        "those the program was surest of."
    )
    return words if shown == number else f"{words} {shown} are shown."


def discordant_cell_words(cell: DiscordantCell) -> str:
    """Both labels of a cell, and where it is, a line each."""
    return (
        f"Laboratory: {title(cell.laboratory).lower()}\n"
        f"Program: {title(cell.program).lower()} {100 * cell.probability:.0f} %\n{cell.file}"
    )


def discordant_field_words(field: DiscordantField) -> str:
    """Both counts of every kind the laboratory counted, and the field's name."""
    counts = "; ".join(
        f"{title(kind).lower()}: laboratory {one:g}, program {other:.0f}"
        for kind, (one, other) in field.counts.items()
    )
    return f"{field.file}\n{counts}"


def _picture(acceptance: Acceptance, name: str) -> RgbImage | None:
    try:
        return pixels_of(acceptance.png(name))
    except PictureLost:
        return None  # the rest of a signed report must stay readable


def _say_lost(paper: Paper, number: int) -> None:
    if number:
        paper.say(
            f"{number} of the kept pictures {'is' if number == 1 else 'are'} gone or changed and "
            "cannot be shown.",
            bold=True,
            colour=CRITICAL,
        )


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
