"""On the screen Settings: cases that are due to be erased, erasing one, and what was erased."""

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import cases
from core.review.record.errors import CaseRefused, PictureLost
from core.review.record.review_store import review_store
from core.review.retention import copies, erasing, rules
from core.settings import settings
from core.store.database import Unavailable
from pages.parts import signed_in
from pages.parts.wording import plain, several

_NOTICE = "erase_notice"
_MOST = 50


def draw(who: Person) -> None:
    """For those who may erase; nothing for everybody else."""
    if not may(who, "erase"):
        return
    st.subheader("Erase cases", anchor=False)
    notice = st.session_state.pop(_NOTICE, None)
    if notice:
        st.info(plain(notice))
    _draw_due(who)
    typed = st.text_input(
        "Accession number, or pseudonym of a patient", key="erase_which", max_chars=64
    ).strip()
    if typed:
        _draw_case(who, typed)
    _draw_erased(who)


def _draw_due(who: Person) -> None:
    site = settings()
    if not site.erase_after_years:
        st.caption("No age is set after which cases are due (`HEMADESK_ERASE_AFTER_YEARS`).")
        return
    due = rules.due(review_store(), who)
    st.markdown(
        f"{several(len(due), 'case')} older than {site.erase_after_years:g} years."
        + (" `python -m core cases due --erase` erases them." if due else "")
    )
    if due:
        st.dataframe(
            [{"Case": one.accession, "Last signed": one.since.date()} for one in due[:_MOST]],
            hide_index=True,
            height="content",
        )


def _draw_case(who: Person, typed: str) -> None:
    store = review_store()
    known = cases.find_accession(store, who, typed)
    numbers = [known.id] if known else erasing.of_patient(store, who, typed)
    if not numbers:
        st.warning(f"No case is called {plain(typed)}, and no patient.")
        return
    for number in numbers[:_MOST]:
        one = erasing.extent(store, who, number)
        also = f" and from {', '.join(one.training_sets)}" if one.training_sets else ""
        st.markdown(
            f"**{plain(one.case.accession)}**: {several(one.pictures, 'picture')}, "
            f"{several(one.cells, 'cell')}, {several(one.signatures, 'signature')}, what "
            f"{several(one.entries, 'entry', 'entries')} of the ledger "
            f"{'says' if one.entries == 1 else 'say'}{plain(also)}"
        )
        _copy(who, number, one.case.accession)
    with st.form(f"erase_{'_'.join(map(str, numbers))}", border=False):
        st.text_input(
            "Reason, kept for good: no name", key="erase_reason", max_chars=erasing.LONGEST_REASON
        )
        st.checkbox("It cannot be undone; I have the copies I need", key="erase_sure")
        st.form_submit_button(
            f"Erase {several(len(numbers), 'case')}",
            icon=":material/delete_forever:",
            on_click=_erase,
            args=(numbers,),
        )


def _copy(who: Person, number: int, accession: str) -> None:
    """A ZIP is made when it is asked for: a case may have a hundred pictures."""
    key = f"erase_copy_{number}"
    if not st.session_state.get(key):
        st.button("Prepare a copy", key=f"{key}_ask", on_click=_ask_for_copy, args=(key,))
        return
    try:
        data = copies.case_zip(review_store(), who, number)
    except PictureLost as lost:
        st.error(f"No copy: {plain(str(lost))}.")
        return
    st.download_button(
        "Save the copy", data, f"{accession}.zip", "application/zip", key=f"{key}_get"
    )


def _ask_for_copy(key: str) -> None:
    st.session_state[key] = True


def _erase(numbers: list[int]) -> None:
    given = st.session_state
    if not given.get("erase_sure"):
        given[_NOTICE] = "Nothing was erased: tick that it cannot be undone."
        return
    try:
        done = erasing.erase(review_store(), signed_in.person(), numbers, given["erase_reason"])
    except (NotAllowed, CaseRefused, Unavailable) as refusal:
        given[_NOTICE] = f"{refusal}."
        return
    except OSError as error:
        given[_NOTICE] = (
            f"A file could not be removed ({error.strerror}); it goes at the next start."
        )
        return
    given[_NOTICE] = f"{several(len(done), 'case')} erased. The ledger says so, and by whom."
    given["erase_which"] = ""


def _draw_erased(who: Person) -> None:
    gone = erasing.erased(review_store(), who)
    if gone:
        st.dataframe(
            [
                {"Case": one.case_id, "Erased": one.at[:10], "By": one.by, "Reason": one.reason}
                for one in gone[:_MOST]
            ],
            hide_index=True,
            height="content",
        )
