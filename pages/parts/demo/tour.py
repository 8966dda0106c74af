"""The tour of the demo: seven steps, each on the screen it speaks of, pointing at a part of it."""

from typing import Final, NamedTuple

import streamlit as st

from core.access.people import Person
from core.access.rights import Right, may
from core.demo import cases as demo_cases
from core.review.case import cases
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.settings import settings

_STEP: Final = "tour_step"
_GO: Final = "tour_go"


class Step(NamedTuple):
    """``part`` is the key of what is pointed at, ``case`` an accession number to be opened."""

    page: str
    right: Right
    part: str
    title: str
    words: str
    case: str = ""


STEPS: Final = (
    Step("home", "view", "home_cases", "What waits",
         "The most urgent case stands first: a critical cell goes before everything else."),
    Step("analyse_smear", "analyse", "synthetic", "Analyse a smear",
         "Press this button: a field is drawn, its cells are counted and every white cell gets a "
         "class, a probability and what else it could be."),
    Step("review", "read", "review_desk", "A critical case",
         "Each white cell of the case. A letter names one, Enter accepts the model's answer; the "
         "most doubtful stand first.", demo_cases.CRITICAL),
    Step("review", "read", "review_head", "Two readers who differ",
         "Two pathologists have read this case and do not agree in every cell. Whoever settles it "
         "sees both answers.", demo_cases.DIFFER),
    Step("review", "read", "review_head", "A signed report",
         "Signed: its content stands for good. Open step 4 and take the report away as PDF, FHIR, "
         "HL7 v2, CSV or JSON; each says that it is a demo.", demo_cases.SIGNED),
    Step("agreement", "view", "agreement_sides", "Agreement",
         "Readers and models held against each other on signed cases, with intervals."),
    Step("fine_tune", "train", "run_on_show", "A training",
         "A training in its ninth epoch, and a finished one to lay over it. Corrections of signed "
         "cases are what the next one learns from."),
)  # fmt: skip


def steps_for(who: Person) -> list[Step]:
    """The steps on screens that this person may open."""
    return [step for step in STEPS if may(who, step.right)]


def draw(who: Person, page: str, pages: dict[str, st.Page]) -> None:
    """The step in force and the way to the next; the tour begins on Home.

    Args:
        who: who is signed in.
        page: name of the screen's file that is drawn now.
        pages: every screen by that name.
    """
    if not settings().is_demo:
        return
    steps = steps_for(who)
    if st.session_state.pop(_GO, False):
        _go_to(steps[st.session_state[_STEP]], pages, who)
    number = st.session_state.get(_STEP)
    if number is None:
        if page == "home":
            st.button(
                f"Take the tour, {len(steps)} steps",
                key="tour_begin",
                type="primary",
                icon=":material/tour:",
                on_click=_turn_to,
                args=(0,),
            )
        return
    step = steps[min(number, len(steps) - 1)]
    with st.container(border=True, key="tour"):
        words, back, onward, end = st.columns([8, 1, 1, 1], vertical_alignment="center")
        words.markdown(f"**{number + 1} of {len(steps)}: {step.title}.** {step.words}")
        back.button("Back", key="tour_back", disabled=number == 0, on_click=_turn_to,
                    args=(number - 1,), width="stretch")  # fmt: skip
        last = number == len(steps) - 1
        onward.button("Next", key="tour_next", type="primary", disabled=last, on_click=_turn_to,
                      args=(number + 1,), width="stretch")  # fmt: skip
        end.button("End", key="tour_end", type="tertiary", on_click=_end, width="stretch")
    if step.page == page:
        st.html(_pointer(step.part))


def _turn_to(number: int) -> None:
    st.session_state[_STEP], st.session_state[_GO] = number, True


def _end() -> None:
    st.session_state.pop(_STEP, None)


def _go_to(step: Step, pages: dict[str, st.Page], who: Person) -> None:
    query: dict[str, str] = {}
    if step.case:
        try:
            query["case"] = str(cases.find(review_store(), who, step.case).id)
        except CaseRefused:  # somebody erased it: the screen then offers the others
            query = {}
    st.switch_page(pages[step.page], query_params=query)


def _pointer(part: str) -> str:
    """An outline round the part, with an arrow at its corner; it hides nothing of it."""
    return (
        f"<style>.st-key-{part} {{ outline: 3px solid #d55e00; outline-offset: 4px; "
        "border-radius: 4px; position: relative; } "
        f".st-key-{part}::before {{ content: '\\25B6'; color: #d55e00; position: absolute; "
        "left: -1.6rem; top: 0.2rem; font-size: 1.2rem; }</style>"
    )
