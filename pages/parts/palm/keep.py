"""Keep the palm in front in a case: a new one by its accession number, or one that is open."""

from typing import Final

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.inference.palm.screening import at_another_prevalence
from core.review.case import cases, worklist
from core.review.case.cases import Case
from core.review.case.same_picture import SamePicture
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from pages.parts import signed_in
from pages.parts.palm.session import PalmSession
from pages.parts.palm.worth import prevalence
from pages.parts.wording import plain

_NOTICE: Final = "palm_keep_notice"
_ASKED: Final = "palm_keep_asked"


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
    notice = st.session_state.pop(_NOTICE, None)
    if notice:
        kept, words = notice
        (st.success if kept else st.warning)(plain(words))
    open_cases = {row.case.id: row.case for row in worklist.worklist(review_store(), who)}
    with st.form("palm_keep", border=False):
        st.selectbox(
            "Case",
            [None, *open_cases],
            key="palm_keep_case",
            format_func=lambda number: (
                "A new case" if number is None else open_cases[number].accession
            ),
        )
        st.text_input("Accession number of a new case", max_chars=64, key="palm_keep_accession")
        if st.session_state.get(_ASKED):
            st.text_input(
                "Why the same picture is right here", max_chars=500, key="palm_keep_because"
            )
        st.form_submit_button(
            "Keep this palm", type="primary", width="stretch", on_click=_keep, args=(session,)
        )
    st.caption(
        "The photo is stored on this computer without what else the file says (name, place, "
        "date), with the answer, the model that gave it and the prevalence that is set."
    )


def _keep(session: PalmSession) -> None:
    photo, given = session.shown(), st.session_state
    assert photo.reading is not None
    chosen = given.get("palm_keep_case")
    case: Case | None = None
    try:
        who = signed_in.person()
        if chosen is None:
            case = cases.create(review_store(), who, given.get("palm_keep_accession") or "")
        else:
            case = cases.get(review_store(), who, chosen)
        call = at_another_prevalence(photo.reading.call, prevalence())
        # How it was asked for: reading the photo again must ask the same.
        read_with = {
            "kind": photo.kind,
            "which": photo.which,
            "reference": photo.reference,
            "prevalence": call.prevalence,
        }
        cases.keep_palm(
            review_store(),
            who,
            case.id,
            photo.field(),
            call.as_json() | {"read_with": read_with},
            models={"palm": call.model},
            same_picture_because=given.get("palm_keep_because") or "",
        )
    except (NotAllowed, CaseRefused, DatabaseRefused, OSError) as refusal:
        given[_NOTICE] = (False, f"Not kept: {refusal}.")
        given[_ASKED] = isinstance(refusal, SamePicture)
        # The case that was just made waits for the answer; the next try must not make another.
        if case is not None:
            given["palm_keep_case"] = case.id
        return
    given[_NOTICE] = (True, f"Kept in case {case.accession}.")
    given.pop(_ASKED, None)
    given["palm_keep_case"], given["palm_keep_accession"] = None, ""
