"""Keep the fields on show in a case: a new one by its accession number, or one that is open."""

from typing import Final, NamedTuple

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.inference.batch import Key
from core.inference.originals import OriginalGone
from core.review.case import cases, worklist
from core.review.case.cases import SEXES, Case
from core.review.case.same_picture import SamePicture
from core.review.learning.cell_features import keep_features
from core.review.record.errors import CaseRefused, LooksLikeIdentity
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from pages.parts import signed_in
from pages.parts.smear.session import SmearSession
from pages.parts.wording import plain, several

_NEW, _OPEN = "A new case", "An open case"
_NOTICE: Final = "keep_notice"


class _Notice(NamedTuple):
    """What became of a try to keep these fields; ``case_id`` where some are in a case now."""

    fields: list[Key]
    kept: bool
    words: str
    case_id: int | None


def draw(session: SmearSession) -> None:
    """The button, where the person may put pictures into cases."""
    who = signed_in.person()
    if not may(who, "upload"):
        return
    notice: _Notice | None = st.session_state.get(_NOTICE)
    if notice is not None and notice.fields == session.order and notice.kept:
        st.page_link(
            "pages/review.py",
            label="Open the case",
            icon=":material/rate_review:",
            query_params={"case": str(notice.case_id)},
        )
    elif session.accession and not any(session.known[key].synthetic for key in session.order):
        st.button(
            f"Keep as {plain(session.accession)}",
            key="keep_now",
            type="primary",
            icon=":material/create_new_folder:",
            help="A new case of this number, or the open one that has it.",
            on_click=_keep_at_once,
            args=(session,),
        )
    with st.popover("Keep in a case", icon=":material/create_new_folder:"):
        _inside(session, who)


# A fragment: an entry typed here redraws the form, not the picture and its boxes.
@st.fragment
def _inside(session: SmearSession, who: Person) -> None:
    if any(session.known[key].synthetic for key in session.order):
        st.info("These fields were drawn by the program: no case can hold them.")
        return
    try:
        _form(session, who)
    except DatabaseRefused as refusal:
        st.error(f"Cases cannot be kept: {plain(str(refusal))}.", icon=":material/error:")


def _notice(session: SmearSession) -> None:
    notice: _Notice | None = st.session_state.get(_NOTICE)
    # Of these fields only, not of the ones that are analysed next.
    if notice is None or notice.fields != session.order:
        return
    (st.success if notice.kept else st.warning)(plain(notice.words))
    if notice.case_id is not None:
        st.page_link(
            "pages/review.py",
            label="Review this case",
            icon=":material/rate_review:",
            query_params={"case": str(notice.case_id)},
        )


def _form(session: SmearSession, who: Person) -> None:
    open_cases = [row.case for row in worklist.worklist(review_store(), who)]
    sort = _NEW
    if open_cases:
        sort = str(
            st.segmented_control(
                "Which case",
                [_NEW, _OPEN],
                default=_NEW,
                required=True,
                key="keep_sort",
                label_visibility="collapsed",
            )
        )
    if sort == _OPEN:
        numbers = {case.id: case for case in open_cases}
        st.selectbox(
            "Case", list(numbers), format_func=lambda n: numbers[n].accession, key="keep_case"
        )
    else:
        _details()
    if st.session_state.get("keep_pseudonym_asked"):
        st.checkbox("The pseudonym is a code, not a name", key="keep_pseudonym_sure")
    if st.session_state.get("keep_same_asked"):
        st.text_input("Why the same picture is right here", key="keep_same_because", max_chars=500)
    st.text_input("Slide", key="keep_slide", max_chars=64, placeholder="Optional, such as 1 or A")
    # Beside the button that was pressed: the form is longer than a small screen.
    _notice(session)
    st.button(
        f"Keep {several(len(session.order), 'field')}",
        key="keep",
        type="primary",
        width="stretch",
        on_click=_keep,
        args=(session, sort == _OPEN),
    )
    st.caption(
        "The pictures are stored on this computer without what else the files say (name, place, "
        "date), with what the models found and which models these were."
    )


def _details() -> None:
    st.text_input("Accession number", key="keep_accession", max_chars=64)
    st.text_input(
        "Pseudonym", key="keep_pseudonym", max_chars=64, help="Not the name of the patient."
    )
    sex, age = st.columns(2)
    sex.selectbox("Sex", SEXES, key="keep_sex", format_func=str.capitalize)
    age.number_input("Age, years", 0, 130, value=None, step=1, key="keep_age")
    st.text_input("Indication", key="keep_indication", max_chars=2000)


def _keep(session: SmearSession, in_open_case: bool) -> None:
    state = st.session_state
    kept: list[Key] = []
    case: Case | None = None
    try:
        who = signed_in.person()
        case = cases.get(review_store(), who, state["keep_case"]) if in_open_case else _new(who)
        for key in session.order:
            _keep_field(session, who, case, key)
            kept.append(key)
    except (NotAllowed, CaseRefused, OriginalGone, DatabaseRefused, OSError) as refusal:
        state["keep_pseudonym_asked"] = isinstance(refusal, LooksLikeIdentity)
        state["keep_same_asked"] = isinstance(refusal, SamePicture)
        # The case that was just made waits for the answer; the next try must not make another.
        if case is not None and not in_open_case:
            state["keep_sort"], state["keep_case"] = _OPEN, case.id
        done = f" {several(len(kept), 'field')} of {len(session.order)} kept." if kept else ""
        link = case.id if case and kept else None
        state[_NOTICE] = _Notice(session.order.copy(), False, f"Not kept: {refusal}.{done}", link)
        return
    words = f"{several(len(kept), 'field')} kept in case {case.accession}."
    state[_NOTICE] = _Notice(session.order.copy(), True, words, case.id)
    _empty_form()


def _keep_at_once(session: SmearSession) -> None:
    """Keep what is shown under the number that the slide was named by; else the form says why."""
    state = st.session_state
    kept: list[Key] = []
    case: Case | None = None
    try:
        who = signed_in.person()
        store = review_store()
        known = cases.find_accession(store, who, session.accession)
        case = known or cases.create(store, who, session.accession)
        for key in session.order:
            _keep_field(session, who, case, key)
            kept.append(key)
    except (NotAllowed, CaseRefused, OriginalGone, DatabaseRefused, OSError) as refusal:
        state["keep_same_asked"] = isinstance(refusal, SamePicture)
        state["keep_accession"] = session.accession
        if case is not None:
            state["keep_sort"], state["keep_case"] = _OPEN, case.id
        session.notice = f"Not kept: {refusal}. {len(kept)} of {len(session.order)} fields are."
        return
    words = f"{several(len(kept), 'field')} kept in case {case.accession}."
    state[_NOTICE] = _Notice(session.order.copy(), True, words, case.id)


def _new(who: Person) -> Case:
    state = st.session_state
    return cases.create(
        review_store(),
        who,
        state["keep_accession"],
        pseudonym=state["keep_pseudonym"],
        sex=state["keep_sex"],
        age_years=state["keep_age"],
        indication=state["keep_indication"],
        pseudonym_confirmed=bool(state.get("keep_pseudonym_sure")),
    )


def _keep_field(session: SmearSession, who: Person, case: Case, key: Key) -> None:
    kept = cases.keep_field(
        review_store(),
        who,
        case.id,
        session.originals.field(key[0], session.known[key].finding.file),
        session.as_decided(key),
        slide=st.session_state.get("keep_slide") or "",
        same_picture_because=st.session_state.get("keep_same_because") or "",
    )
    keep_features(review_store(), kept)


def _empty_form() -> None:
    """The next case is another patient: nothing of this one may be left in the form."""
    state = st.session_state
    for name in ("keep_pseudonym_asked", "keep_same_asked", "keep_pseudonym_sure"):
        state.pop(name, None)
    empty = {
        "keep_accession": "",
        "keep_pseudonym": "",
        "keep_indication": "",
        "keep_slide": "",
        "keep_sex": "unknown",
        "keep_age": None,
        "keep_same_because": "",
    }
    for name, value in empty.items():
        if name in state:
            state[name] = value
