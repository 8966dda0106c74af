"""Step 1 of a review: the desk with every white cell, and both differentials under it."""

import streamlit as st

from core.access.people import Person
from core.review.case import cases
from core.review.case.cases import Case
from core.review.reading.cells import ReviewCell, cells
from core.review.reading.remarks import remarks_of
from core.review.record.review_store import review_store
from pages.parts import signed_in
from pages.parts.review import two_differentials, why
from pages.parts.review.desk import desk as review_desk
from pages.parts.review.desk import saving, sheet


def draw(who: Person, case: Case, closed: str) -> None:
    """The desk, or what is missing for one."""
    fields = [p for p in cases.case_pictures_of(review_store(), who, case.id) if p.kind == "field"]
    white = _read_here(cells(review_store(), who, case.id))
    if not white:
        st.info(
            "No white cell was found in this case. Cells that were missed can be added under "
            "2 Fields; more fields under Analyse smear."
            if fields
            else "No field has been kept in this case yet."
        )
        return
    _desk(case.id, closed)
    # Under the desk, where its empty line takes no room from it.
    sheet.draw(who, case, fields, white)
    saving.draw()


def _read_here(white: list[ReviewCell]) -> list[ReviewCell]:
    """Without those of fields that are left out, and of another reader's half."""
    return [cell for cell in white if cell.included and cell.asked]


@st.fragment
def _desk(case_id: int, closed: str) -> None:
    # Drawn anew when the reader rests, takes back, comments or marks; a key alone only saves.
    who = signed_in.person()
    case = cases.get(review_store(), who, case_id)
    white = _read_here(cells(review_store(), who, case_id))
    review_desk.draw(who, case, white, remarks_of(review_store(), who, case_id), closed)
    two_differentials.draw(who, case)
    why.draw(who, case, white)
