"""Cells of all cases that are worth a look: which to label next, which labels to doubt.

Both lists are made once for a state of the ledger and kept; a click makes nothing anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.models import registry
from core.models.weights import WeightsRefused
from core.records import Box
from core.review.case.cases import CasePicture
from core.review.learning import label_errors, queue
from core.review.learning.label_errors import NEIGHBOURS, Suspect
from core.review.learning.queue import Queued
from core.review.reading.sheet import thumbnails
from core.review.record import ledger
from core.review.record.errors import CaseRefused, PictureLost
from core.review.record.review_store import ReviewStore, review_store
from core.taxonomy import title
from pages.parts import pressed, signed_in
from pages.parts.picture import in_page
from pages.parts.wording import plain, several

OPEN_REVIEW = "open_review"
"""The press of a button that leads to the page Review, see ``pressed``."""

_PER_PAGE = 24
_MOST = 96

Listed = TypeVar("Listed", Queued, Suspect)


@dataclass(frozen=True)
class _Card:
    case_id: int
    accession: str
    cell_id: int
    picture: CasePicture
    box_xyxy_px: Box
    head: str
    why: str
    verified: str | None = None


def draw_queue(who: Person) -> None:
    """The cells that teach most when they are labelled, the most useful first."""
    found = _asked(_queue, who, "Looking at the cells that nobody has labelled yet")
    if found is None:
        return
    if not found:
        st.info(
            "No cell waits for a label. White cells of open cases come here as long as nobody has "
            "answered them."
        )
        return
    st.caption(
        "White cells of open cases that nobody has answered, those first whose label teaches the "
        "next model most: the model hesitates, has seen little like them, or has few verified "
        "cells of the class. Cells that look alike are not listed twice in a row. Cells reviewed "
        "without the model's answer are not listed."
    )
    common = any(one.rarity < 0.5 for one in found)
    _cards(who, [_of_queued(one, common) for one in found], "label_next", "Label")


def draw_suspects(who: Person) -> None:
    """The verified cells whose label may be wrong, the most certain first."""
    found = _asked(_suspects, who, "Comparing the verified cells with each other")
    if found is None:
        return
    if not found:
        st.info(
            f"No verified label looks wrong. A label is listed here when at least 8 of the "
            f"{NEIGHBOURS} verified cells that look most like it carry another one."
        )
        return
    st.caption(
        f"Verified white cells whose {NEIGHBOURS} nearest verified cells nearly all carry another "
        "label. The label may be right all the same: look, and amend the case only if it is not. "
        "One that you call right is not listed again."
    )
    notice = st.session_state.pop("cells_notice", None)
    if notice:
        st.warning(plain(notice))
    _cards(who, [_of_suspect(one) for one in found], "second_look", "Look")


def _asked(
    ask: Callable[[str, ReviewStore, Person], list[Listed]], who: Person, words: str
) -> list[Listed] | None:
    """A list for this state of the ledger; None after a word about why there is none."""
    try:
        state = f"{who.role} {ledger.head(review_store())} {registry.live('wbc').identity}"
        with st.spinner(f"{words} …"):
            return ask(state, review_store(), who)
    except (PictureLost, WeightsRefused) as why:
        st.error(f"This list cannot be made: {plain(str(why))}.", icon=":material/error:")
        return None


@st.cache_data(show_spinner=False, max_entries=4)
def _queue(state: str, _desk_of: ReviewStore, _who: Person) -> list[Queued]:
    return queue.next_cells(_desk_of, _who, _MOST)


@st.cache_data(show_spinner=False, max_entries=4)
def _suspects(state: str, _desk_of: ReviewStore, _who: Person) -> list[Suspect]:
    return label_errors.suspected(_desk_of, _who, limit=_MOST)


@st.cache_data(show_spinner=False, max_entries=40)
def _thumbnails(key: str, _who: Person, _cells: Sequence[_Card]) -> list[bytes | None]:
    return thumbnails(review_store(), _who, [(one.picture, one.box_xyxy_px) for one in _cells])


def _of_queued(one: Queued, some_are_common: bool) -> _Card:
    reasons = []
    if one.uncertainty >= 0.5:
        reasons.append(f"or {title(one.runner_up).lower()}")
    if one.novelty:
        reasons.append("the model does not know" if one.abstained else "unlike the training cells")
    if one.rarity >= 0.5 and some_are_common:
        reasons.append("few verified so far")
    why = "; ".join(reasons) or "unlike the others here"
    return _card(one, why)


def _of_suspect(one: Suspect) -> _Card:
    alike = round(one.agreement * NEIGHBOURS)
    why = f"{alike} of {NEIGHBOURS} like it: {title(one.neighbours_label).lower()}"
    return _card(one, why, verified=one.label)


def _card(one: Queued | Suspect, why: str, verified: str | None = None) -> _Card:
    return _Card(
        one.case_id,
        one.accession,
        one.cell_id,
        one.picture,
        one.box_xyxy_px,
        title(one.label),
        why,
        verified,
    )


def _cards(who: Person, cards: list[_Card], name: str, verb: str) -> None:
    page = 1
    if len(cards) > _PER_PAGE:
        left, turn = st.columns([3, 2], vertical_alignment="center")
        left.markdown(f"**{several(len(cards), 'cell')}**")
        with turn.container(horizontal=True, horizontal_alignment="right"):
            page = st.pagination(-(-len(cards) // _PER_PAGE), key=f"{name}_page")
    else:
        st.markdown(f"**{several(len(cards), 'cell')}**")
    shown = cards[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    key = " ".join(f"{one.cell_id}:{one.box_xyxy_px}" for one in shown)
    pictures = _thumbnails(key, who, shown)
    with st.grid(columns=8, min_column_width=118, gap="small", key=name):
        for one, data in zip(shown, pictures, strict=True):
            with st.container(gap="xxsmall"):
                if data is None:
                    st.caption("The stored picture cannot be read.")
                else:
                    st.image(in_page(data), width="stretch", alt=f"White cell, {one.head}")
                st.markdown(
                    f"**{one.head}**  \n:small[{one.why}]  \n:small[:gray[{plain(one.accession)}]]"
                )
                if may(who, "review"):
                    st.button(
                        verb,
                        key=f"{name}_{one.cell_id}",
                        width="stretch",
                        on_click=open_cell,
                        args=(one.case_id, one.cell_id),
                    )
                if may(who, "review") and one.verified is not None:
                    st.button(
                        "Label is right",
                        key=f"{name}_right_{one.cell_id}",
                        type="tertiary",
                        width="stretch",
                        on_click=_confirm,
                        args=(one,),
                    )


def _confirm(one: _Card) -> None:
    try:
        who = signed_in.person()
        label_errors.confirm(review_store(), who, one.case_id, one.cell_id, str(one.verified))
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state["cells_notice"] = f"Not saved: {refusal}."


def open_cell(case_id: int, cell_id: int) -> None:
    """The callback of a button: Review opens at this cell of this case, see `go_to_review`."""
    state = st.session_state
    state["review_case"] = case_id
    state["review_opened_at_cell"] = case_id
    number = (state.get("review_jump") or {"number": 0})["number"] + 1
    state["review_jump"] = {"number": number, "cell": cell_id}
    pressed.keep(OPEN_REVIEW)


def go_to_review() -> None:
    """Where a button on this page has chosen a case: go to it."""
    case_id = st.session_state.get("review_case")
    if pressed.take(OPEN_REVIEW):
        st.switch_page("pages/review.py", query_params={"case": str(case_id)})
