"""Step 3: the chosen cells are named by key, on the review's own desk."""

from typing import Final

import streamlit as st

from core.access.people import Person
from core.access.rights import may
from core.review.case import cases
from core.review.case.cases import Case
from core.review.learning.acquaintance import acquaintance
from core.review.learning.acquaintance.acquaintance import Acquaintance
from core.review.reading.cells import ReviewCell
from core.review.reading.remarks import remarks_of
from core.review.record import readings
from core.review.record.review_store import review_store
from pages.parts import pressed, signed_in
from pages.parts.review.desk import desk as review_desk
from pages.parts.review.desk import saving, sheet
from pages.parts.wording import several

_NAMED: Final = "acquaintance_named"


def draw(who: Person, one: Acquaintance, chosen: list[ReviewCell]) -> None:
    """How it is done, and the desk with the chosen cells."""
    st.subheader("3 Name the cells that teach most", anchor=False)
    if not chosen:
        st.info("No white cell was found in these fields. Send fields that show some.")
        return
    st.markdown(
        "Press the letter of the class, or Enter where the model is right; **?** where you cannot "
        "tell. The first cells teach most: sixty take about ten minutes, and you can stop and come "
        "back."
    )
    _desk(one)
    fields = [
        picture
        for picture in cases.case_pictures_of(review_store(), who, one.case_id)
        if picture.kind == "field"
    ]
    case = cases.get(review_store(), who, one.case_id)
    # Outside the fragment, so that no key sends the pictures again.
    sheet.draw(who, case, fields, chosen)
    saving.draw()


@st.fragment
def _desk(one: Acquaintance) -> None:
    if pressed.take(_NAMED):
        st.rerun(scope="app")
    # Drawn anew when the reader rests: a key alone only saves.
    who = signed_in.person()
    case = cases.get(review_store(), who, one.case_id)
    chosen = acquaintance.cells_to_name(review_store(), who, one)
    remarks = remarks_of(review_store(), who, one.case_id)
    review_desk.draw(who, case, chosen, remarks, _closed(who, case))
    named = sum(cell.is_reviewed for cell in chosen)
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.progress(
        named / len(chosen) if chosen else 0.0,
        text=f"{named} of {several(len(chosen), 'cell')} named",
    )
    # The desk answers within its own part of the page; the step below is drawn by the whole page.
    right.button("Go on", key=_NAMED, width="stretch", on_click=pressed.keep, args=(_NAMED,))


def _closed(who: Person, case: Case) -> str:
    if case.is_cancelled or case.is_closed:
        return "the case of these fields is closed; send fields anew to go on"
    if not may(who, "review"):
        return "naming cells takes the role pathologist"
    if not readings.may_write(review_store(), case, who):
        return "with the second reader"
    return ""
