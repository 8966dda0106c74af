"""Screen palm: a photo of a palm goes in; what to do comes out, and what a model is worth."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.inference.palm.screening import (
    PalmReading,
    at_another_prevalence,
    can_be_judged,
    is_research_result,
)
from core.models import registry
from core.models.cards import PalmCard
from core.models.weights import LoadedModel, WeightsRefused
from core.review.acceptance.status import in_review_store
from core.slide.palm_tables import calls_csv, calls_json
from core.slide.tables import file_name
from pages.parts import signed_in, wording
from pages.parts.palm import (
    compared as palm_compared,
)
from pages.parts.palm import (
    how as palm_how,
)
from pages.parts.palm import (
    intake as palm_intake,
)
from pages.parts.palm import (
    keep as palm_keep,
)
from pages.parts.palm import (
    photo as palm_photo,
)
from pages.parts.palm import (
    session as palm_session,
)
from pages.parts.palm import (
    verdict as palm_verdict,
)
from pages.parts.palm import (
    why as palm_why,
)
from pages.parts.palm import (
    worth as palm_worth,
)
from pages.parts.palm.session import PalmPhotoShown, PalmSession


def _live() -> LoadedModel | WeightsRefused:
    """The palm model of this request, or why there is none."""
    try:
        return registry.live("palm")
    except WeightsRefused as refusal:
        return refusal


def _of_reading(reading: PalmReading) -> LoadedModel | None:
    """The model that gave an answer, whichever is live now; without it the page says so."""
    try:
        return registry.named(reading.call.model)
    except WeightsRefused as refusal:
        st.warning(
            f"What this answer rests on cannot be shown: {wording.plain(str(refusal))}. "
            "Send the photo again.",
            icon=":material/warning:",
        )
        return None


def _empty(palm: PalmSession, model: LoadedModel) -> None:
    st.markdown(
        "Send a photo of an open palm. You learn whether it is good enough to be read, and what a "
        "model that is still a research result makes of it."
        if is_research_result(model.card_as(PalmCard))
        else "Send a photo of an open palm. You get a hint whether it is pale enough to ask for a "
        "blood test, how sure that is, and what led to it."
    )
    left, right = st.columns([5, 6], gap="medium")
    with left.container(border=True, height="stretch"):
        palm_intake.draw(palm)
    with right.container(border=True, height="stretch"):
        st.subheader("A photo that can be judged", anchor=False)
        palm_how.draw()
    palm_verdict.caution(model.card_as(PalmCard))


def _head(palm: PalmSession, model: LoadedModel | None) -> None:
    title, tools = st.columns([1, 3], vertical_alignment="center")
    title.title("Screen palm", anchor=False)
    if not palm.photos:
        return
    # As the screen says it: where so many of the people have anemia as the slider is set to.
    calls = [
        at_another_prevalence(photo.reading.call, palm_worth.prevalence())
        for photo in palm.answered()
        if photo.reading
    ]
    with tools.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if model is not None:
            with st.popover("Add photos", icon=":material/add:"):
                palm_intake.draw(palm)
        palm_keep.draw(palm)
        if calls:
            st.download_button(
                "CSV",
                data=lambda: calls_csv(calls, in_review_store().status_of_palm),
                file_name=file_name("palms", "csv"),
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key="palm_csv",
            )
            st.download_button(
                "JSON",
                data=lambda: calls_json(calls, in_review_store().status_of_palm),
                file_name=file_name("palms", "json"),
                mime="application/json",
                on_click="ignore",
                icon=":material/download:",
                key="palm_json",
            )
        st.button("Start over", key="palm_clear", type="tertiary", on_click=palm.clear)


def _unreadable(palm: PalmSession) -> None:
    for refusal in palm.unreadable:
        rest = "The others were screened." if palm.photos else "Nothing else was sent."
        st.warning(f"{wording.plain(refusal.message)} {rest}", icon=":material/warning:")


def _in_front(palm: PalmSession) -> None:
    if len(palm.photos) < 2:
        palm.front = 0
        return

    def name(place: int) -> str:
        photo = palm.photos[place]
        judged = photo.reading is not None and can_be_judged(photo.reading.call.flags)
        # No answer here: a label that follows the switch would lose the choice.
        return f"{place + 1}: {photo.name}{'' if judged else ', not judged'}"

    def choose() -> None:
        # Before the page is drawn: its head shows what can be done with this photo.
        palm.front = st.session_state["palm_front"]

    # An index that follows the choice would make another widget of it, which forgets the next one.
    if st.session_state.get("palm_front") != palm.front:
        st.session_state["palm_front"] = palm.front
    st.selectbox(
        "Photo",
        range(len(palm.photos)),
        format_func=name,
        key="palm_front",
        on_change=choose,
        label_visibility="collapsed",
    )


def _refused(photo: PalmPhotoShown, place: int, model: LoadedModel) -> None:
    assert photo.refused is not None
    st.markdown("## Not judged")
    st.markdown(wording.plain(photo.refused.message))
    if photo.refused.code == "two_hands":
        palm_photo.choose_hand(photo, place, model)
        return
    if photo.refused.code == "no_palm" and photo.kind == "auto":
        st.caption(
            "Is it a crop that shows nothing but palm, in coloured or grey light? Send it again "
            "as **A crop of the palm**."
        )
    palm_how.draw()


def _results(palm: PalmSession, live: LoadedModel) -> None:
    _in_front(palm)
    photo, place = palm.shown(), palm.front
    left, right = st.columns([5, 6], gap="large")
    with left:
        palm_photo.draw(photo, place, live)
    with right:
        if photo.reading is None:
            _refused(photo, place, live)
            return
        model = _of_reading(photo.reading)
        if model is None:
            return
        card = model.card_as(PalmCard)
        palm_verdict.draw(photo.reading, card, palm_worth.prevalence())
    reading = photo.reading
    # What is always there comes first: where the browser keeps the widget of the other choice, it
    # keeps the number of the open tab, and would show another one than is drawn.
    tabs: dict[str, Callable[[], None]] = {
        "A better photo": palm_how.draw,
        "How good is it": partial(palm_compared.draw, card),
    }
    judged = can_be_judged(reading.call.flags) and palm_verdict.is_shown(reading.call)
    if judged:
        tabs["Of 1,000 people like this"] = partial(palm_worth.draw, card)
        tabs["Why"] = partial(palm_why.draw, palm, reading, model)
    first = "Of 1,000 people like this" if judged else "A better photo"
    drawn = st.tabs(list(tabs), default=first, key=f"palm_tabs_{judged}", on_change="rerun")
    for tab, draw in zip(drawn, tabs.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def main() -> None:
    """Draw the screen."""
    signed_in.allowed("analyse")
    palm = palm_session.current()
    model = _live()
    if isinstance(model, WeightsRefused):
        _head(palm, None)
        st.error(
            f"The palm model cannot be used: {wording.plain(str(model))}. "
            "Restore the folder of the weights from the release, then reload this page.",
            icon=":material/error:",
        )
        return
    palm_intake.judge_waiting(palm, model)
    _head(palm, model)
    _unreadable(palm)
    if palm.photos:
        _results(palm, model)
    else:
        _empty(palm, model)


main()
