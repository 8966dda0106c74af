"""What to do with a palm; then the answer: the uncertainty on a line, the doubts in words."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.inference.palm.screening import (
    PalmReading,
    at_another_prevalence,
    can_be_judged,
    is_research_result,
)
from core.models.cards import PalmCard
from core.models.cards.figures import AurocRow
from core.records import Flag, PalmCall
from core.slide import palm_lights, palm_words
from pages.parts import acceptance_mark
from pages.parts.kinds import ink
from pages.parts.wording import percent, plain

SWITCH: Final = "palm_research"
_WIDTH, _HEIGHT, _TOP = 560, 92, 34


def draw(reading: PalmReading, card: PalmCard, prevalence: float) -> None:
    """What to do, whether the photo is good enough, and the answer, or the switch before it."""
    call = reading.call
    _lights(call)
    if not can_be_judged(call.flags):
        # A probability beside such a picture would be believed.
        st.markdown(f"# {palm_lights.retake(call.flags) or palm_words.CANNOT_BE_JUDGED}")
        st.markdown(palm_words.CANNOT_BE_JUDGED)
        st.markdown(palm_words.BLOOD_TEST)
        _flags(call, [flag for flag in call.flags if not can_be_judged([flag])])
        return
    if not call.research_result:
        st.markdown(f"## {title(call)}")
        st.markdown(palm_words.BLOOD_TEST)
        _answer(call, card, prevalence)
        caution(card)
        _flags(call, call.flags)
        return
    st.markdown(f"## {palm_words.BLOOD_TEST}")
    st.markdown(palm_words.GOOD_PHOTO)
    _flags(call, call.flags)
    caution(card)
    if st.toggle(palm_words.RESEARCH, key=SWITCH):
        st.markdown(f"**{title(call)}**")
        _answer(call, card, prevalence)


_SIGNS: Final = {"good": "green-badge[✓", "doubtful": "orange-badge[!", "bad": "red-badge[✗"}
"""Told apart by their sign, not by the colour alone."""


def _lights(call: PalmCall) -> None:
    """The photo's quality at one look, before anything is said of the palm."""
    three = palm_lights.lights(call.flags)
    with st.container(key="palm_lights"):
        for column, light in zip(st.columns(3), three, strict=True):
            column.markdown(f"### :{_SIGNS[light.shine]} {light.name}]")
            column.caption(f"{light.words[:1].upper()}{light.words[1:]}" or "Good")


def is_shown(call: PalmCall) -> bool:
    """Is the model's answer on the screen: it is no research result, or it was asked for."""
    return not call.research_result or bool(st.session_state.get(SWITCH))


def title(call: PalmCall) -> str:
    """The decision in words, sentence case."""
    words = palm_words.DECISIONS[call.decision]
    return words[0].upper() + words[1:]


def _answer(call: PalmCall, card: PalmCard, prevalence: float) -> None:
    # The session asks for the evidence at a prevalence of one half; the slider moves it here.
    svg, words = _line(call.anemia_probability, call.low, call.high, card)
    st.image(svg, width=_WIDTH, alt=words)
    here = at_another_prevalence(call, prevalence)
    st.markdown(
        f"Where {percent(prevalence)} of the people have anemia, about "
        f"**{percent(here.anemia_probability)}** ({100 * here.low:.0f} to {percent(here.high)}) of "
        "those with such a palm have it."
    )


def _flags(call: PalmCall, flags: Sequence[Flag]) -> None:
    for flag in flags:
        st.markdown(f":orange-badge[check] {plain(flag.message)}")
    acceptance_mark.of_palm(call.model)


def caution(card: PalmCard) -> None:
    """How little the score is worth, in its own measured figures."""
    figures = card.evaluation
    try:
        checked, locked = figures["cross_validated"]["auroc"], figures["locked"]["auroc"]
    except KeyError:
        return
    weak = "Weak evidence."
    if is_research_result(card):
        weak = "Weak evidence, in unseen sessions not shown to be better than chance."
    st.warning(
        f"{weak} Telling pairs apart (0.50 is chance, 1.00 perfect): "
        f"{_auroc(checked)} in cross-validation, {_auroc(locked)} on {locked['n']} photos of "
        f"{locked['blocks']} sessions kept aside until the end.",
        icon=":material/science:",
    )


def _auroc(row: AurocRow) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _line(value: float, low: float, high: float, card: PalmCard) -> tuple[str, str]:
    """The three zones, the interval as a band and the value as a mark, as SVG, and words for it."""
    clear, suspect = card.clear_below, card.suspect_from

    def x(share: float) -> float:
        return 6 + (_WIDTH - 12) * share

    zones = (
        (0.0, clear, palm_words.SHORT["not_suspected"], "#009e73", 0.16),
        (clear, suspect, palm_words.SHORT["refer"], "#8a8f99", 0.18),
        (suspect, 1.0, palm_words.SHORT["anemia_suspected"], "#d55e00", 0.20),
    )
    parts = [
        f'<rect x="{x(a):.1f}" y="{_TOP}" width="{x(b) - x(a):.1f}" height="22" fill="{colour}" '
        f'fill-opacity="{strength}"/>'
        f'<text x="{(x(a) + x(b)) / 2:.1f}" y="{_TOP + 42}" text-anchor="middle" '
        f'font-family="sans-serif" font-size="13" fill="{ink()}">{name}</text>'
        for a, b, name, colour, strength in zones
    ]
    band = (
        f'<rect x="{x(low):.1f}" y="{_TOP + 6}" width="{max(2.0, x(high) - x(low)):.1f}" '
        f'height="10" rx="3" fill="#0072b2" fill-opacity="0.55"/>'
        f'<line x1="{x(value):.1f}" y1="{_TOP - 7}" x2="{x(value):.1f}" y2="{_TOP + 29}" '
        f'stroke="#0072b2" stroke-width="4"/>'
        f'<text x="{min(max(x(value), 70), _WIDTH - 70):.1f}" y="{_TOP - 13}" '
        f'text-anchor="middle" font-family="sans-serif" font-size="13" fill="{ink()}">this palm, '
        f"95 % interval</text>"
    )
    words = f"Evidence {value:.0%}, interval {low:.0%} to {high:.0%}; refer from {clear:.0%}, "
    words += f"suspected from {suspect:.0%}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}">{"".join(parts)}{band}</svg>'
    )
    return svg, words
