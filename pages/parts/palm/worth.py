"""What an answer is worth where anemia is rare or common: of 1,000 people like this."""

from typing import Final

import streamlit as st

from core.models.cards import PalmCard
from core.slide.palm_words import SHORT
from core.slide.palm_worth import BY_EYE_ODDS_RATIO, Worth, worth
from pages.parts import meaning
from pages.parts.wording import percent, plain

_USUAL: Final = 30
_KEPT, _BEGIN = "palm_prevalence_kept", "palm_prevalence_begin"


def prevalence() -> float:
    """The prevalence the person has set, as a share; kept while its slider is not on the screen."""
    return float(st.session_state.get(_KEPT, _USUAL)) / 100


def _keep() -> None:
    st.session_state[_KEPT] = st.session_state["palm_prevalence"]


def draw(card: PalmCard) -> None:
    """Slider, table and sentences."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        # A beginning that follows the choice would make another slider, which forgets the next one.
        if "palm_prevalence" not in st.session_state:
            st.session_state[_BEGIN] = st.session_state.get(_KEPT, _USUAL)
        st.slider(
            "How many of 100 people like this have anemia",
            1,
            90,
            st.session_state[_BEGIN],
            key="palm_prevalence",
            on_change=_keep,
            help="WHO, 2019: 30 of 100 women of 15 to 49 years, 40 of 100 small children.",
        )
        try:
            figures = card.evaluation["held_out"]
            found = worth(figures["decisions"], prevalence())
            aside = card.evaluation["locked"]["at_sensitivity_90"]["diagnostic_odds_ratio"]
        except (KeyError, ValueError):
            st.info("This model's card does not say how good it is, so nothing can be worked out.")
            return
        _values(found)
    with right:
        _table(found)
        missed, least, most = (
            round(part.cleared_anemic) for part in (found.expected, found.best, found.worst)
        )
        st.markdown(
            f"Of 1,000 people like this, {round(found.expected.anemic)} have anemia. "
            f"**{missed} of them would be told that it is not suspected** ({least} to {most}). "
            "A blood test decides."
        )
        odds = figures["at_sensitivity_90"]["diagnostic_odds_ratio"]
        st.caption(
            "Clinicians who judge pallor of the palm by eye reach a diagnostic odds ratio of "
            f"about {BY_EYE_ODDS_RATIO:g}. This program reached {odds:.1f} on "
            f"{figures['auroc']['n']} photos of sessions it had not seen, {aside:.1f} on the part "
            f"kept aside among them: {_compared(min(odds, aside))} Rates from the same photos; "
            "ranges put every rate at the end of its 95 % interval."
        )
        meaning.draw("palm")


def _compared(odds: float) -> str:
    if odds < 0.8 * BY_EYE_ODDS_RATIO:
        return "it does not replace a look at the palm."
    if odds <= 1.25 * BY_EYE_ODDS_RATIO:
        return "about what a look at the palm reaches."
    return "more than a look reaches, in one set of photos."


def _values(found: Worth) -> None:
    one, two = st.columns(2)
    for place, name, words, attribute in (
        (
            one,
            "Anemic, of those suspected",
            "positive predictive value",
            "positive_predictive_value",
        ),
        (
            two,
            "Not anemic, of those not suspected",
            "negative predictive value",
            "negative_predictive_value",
        ),
    ):
        expected, low, high = (
            getattr(part, attribute) for part in (found.expected, found.worst, found.best)
        )
        with place:
            if expected is None:
                st.metric(name, "not determined", help=words)
                continue
            st.metric(name, percent(expected), help=words)
            ends = [percent(end) for end in (low, high) if end is not None]
            st.caption(f"{words}, {' to '.join(ends)}")


def _table(found: Worth) -> None:
    expected = found.expected
    rows = (
        (SHORT["anemia_suspected"], expected.suspected_anemic, expected.suspected_other),
        (SHORT["refer"], expected.referred_anemic, expected.referred_other),
        (SHORT["not_suspected"], expected.cleared_anemic, expected.cleared_other),
    )
    lines = ["| The program says | with anemia | without |", "|---|---:|---:|"]
    lines += [f"| {plain(name)} | {round(ill)} | {round(well)} |" for name, ill, well in rows]
    st.markdown("\n".join(lines))
