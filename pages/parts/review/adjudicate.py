"""Boxes in which the two readers differ: what each has, and whose is right."""

from collections.abc import Sequence

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed
from core.review.case.cases import Case
from core.review.reading import boxes
from core.review.reading.boxes import BoxAsRead, BoxDifference
from core.review.reading.cells import ReviewCell
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.review_store import review_store
from core.taxonomy import CellKind
from pages.parts import signed_in
from pages.parts.wording import several

NOTICE = "review_fields_notice"
ONE: dict[CellKind, str] = {"rbc": "red cell", "wbc": "white cell", "platelet": "platelet"}


def draw(who: Person, case: Case, picture_id: int, closed: str) -> None:
    """The differences of one field, with where the others are; nothing where there are none."""
    found = boxes.differences(review_store(), who, case.id)
    if not found:
        return
    here = [one for one in found if one.cell.picture_id == picture_id]
    elsewhere = len(found) - len(here)
    text = f"**The readers differ in {several(len(here), 'box', 'boxes')} here"
    text += f", in {elsewhere} in other fields.**" if elsewhere else ".**"
    st.markdown(text)
    if closed:
        return
    with st.container(height=215 if len(here) > 2 else "content", border=False, gap="xsmall"):
        for one in here:
            _one(case, one)
    if len(here) > 1:
        with st.container(horizontal=True, gap="small"):
            for whose, name in ((1, "first"), (2, "second")):
                st.button(
                    f"All here as the {name} reader",
                    key=f"settle_all_{whose}",
                    on_click=_settle,
                    args=(case.id, [one.cell for one in here], whose),
                )


def _one(case: Case, one: BoxDifference) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"First reader: {_words(one.first)}  \nSecond reader: {_words(one.second)}")
        with st.container(horizontal=True, gap="small"):
            for whose, name in ((1, "First"), (2, "Second")):
                st.button(
                    f"{name} is right",
                    key=f"settle_{whose}_{one.cell.id}",
                    on_click=_settle,
                    args=(case.id, [one.cell], whose),
                )
            st.button(
                "Show",
                key=f"settle_show_{one.cell.id}",
                type="tertiary",
                on_click=_show,
                args=(one.cell.id,),
            )


def _words(read: BoxAsRead | None) -> str:
    if read is None:
        return "no cell"
    x0, y0, x1, y1 = read.box_xyxy_px
    return f"{ONE[read.kind]} at {x0:.0f}, {y0:.0f}, {x1 - x0:.0f} x {y1 - y0:.0f} px"


def _show(cell_id: int) -> None:
    st.session_state["review_box"] = cell_id


def _settle(case_id: int, cells: Sequence[ReviewCell], whose: int) -> None:
    try:
        boxes.adjudicate(
            review_store(), signed_in.person(), case_id, [(cell, whose) for cell in cells]
        )
    except StaleEdit:
        st.session_state[NOTICE] = (
            "Somebody else settled one of these boxes in the meantime. Nothing was overwritten: "
            "look, and decide again."
        )
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state[NOTICE] = f"Not saved: {refusal}."
