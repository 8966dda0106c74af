"""Keep the palm in front in a case: a new one by its accession number, or one that is open."""

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import cases, worklist
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from pages.parts import signed_in
from pages.parts.palm.session import PalmSession
from pages.parts.wording import plain


def draw(session: PalmSession) -> None:
    """The button, where the person may put pictures into cases."""
    who = signed_in.person()
    photo = session.shown()
    if photo.reading is None or not may(who, "upload"):
        return
    with st.popover("Keep in a case", icon=":material/create_new_folder:"):
        try:
            _form(session, who)
        except DatabaseRefused as refusal:
            st.error(f"Cases cannot be kept: {plain(str(refusal))}.", icon=":material/error:")


def _form(session: PalmSession, who: Person) -> None:
    open_cases = {row.case.id: row.case for row in worklist.worklist(review_store(), who)}
    with st.form("palm_keep", border=False):
        chosen = st.selectbox(
            "Case",
            [None, *open_cases],
            format_func=lambda number: (
                "A new case" if number is None else open_cases[number].accession
            ),
        )
        accession = st.text_input("Accession number of a new case", max_chars=64)
        pressed = st.form_submit_button("Keep this palm", type="primary", width="stretch")
    st.caption(
        "The photo is stored on this computer without what else the file says (name, place, "
        "date), with the answer and the model that gave it."
    )
    if pressed:
        _keep(session, who, chosen, accession)


def _keep(session: PalmSession, who: Person, chosen: int | None, accession: str) -> None:
    photo = session.shown()
    assert photo.reading is not None
    try:
        case = (
            cases.create(review_store(), who, accession)
            if chosen is None
            else cases.get(review_store(), who, chosen)
        )
        call = photo.reading.call
        cases.keep_palm(
            review_store(), who, case.id, photo.field(), call.as_json(), models={"palm": call.model}
        )
    except (NotAllowed, CaseRefused, DatabaseRefused, OSError) as refusal:
        st.warning(f"Not kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    st.success(f"Kept in case {plain(case.accession)}.", icon=":material/check:")
