"""Comments of a case with what their author may do: change the words, or take them back."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed
from core.review.case.cases import Case
from core.review.reading import remarks
from core.review.reading.remarks import Remark
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.review_store import review_store
from pages.parts import signed_in
from pages.parts.wording import plain

_NOTICE = "comment_notice"


def draw(who: Person, case: Case, said: Sequence[Remark], closed: str) -> None:
    """Every comment; its author changes it as long as the case is open to them."""
    notice = st.session_state.pop(_NOTICE, None)
    if notice:
        st.warning(plain(notice))
    for one in said:
        on = " on a cell" if one.cell_id else " on a field" if one.picture_id else ""
        words = (
            f"{plain(one.text)}  \n:small[:gray[{plain(one.author_name)}, "
            f"{one.written_at:%d %b %Y, %H:%M} UTC{on}]]"
        )
        # What stood under a signature is answered by a new comment, not changed.
        own = one.author == who.subject and one.version == case.version
        if closed or not own:
            st.markdown(words)
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(words, width="stretch")
            with st.popover("Change", type="tertiary", key=f"comment_{one.id}_{one.revision}"):
                _change(case, one)


def _change(case: Case, one: Remark) -> None:
    key = f"comment_text_{one.id}_{one.revision}"
    with st.form(f"{key}_form", border=False):
        st.text_area("Your comment", value=one.text, max_chars=remarks.LONGEST, height=100, key=key)
        with st.container(horizontal=True):
            st.form_submit_button("Save", type="primary", on_click=_save, args=(case.id, one, key))
            st.form_submit_button(
                "Take it back", icon=":material/delete:", on_click=_take_back, args=(case.id, one)
            )


def _save(case_id: int, one: Remark, key: str) -> None:
    text = str(st.session_state.get(key) or "")
    _do(
        lambda who: remarks.change_remark(
            review_store(), who, case_id, one.id, one.revision, text=text
        )
    )


def _take_back(case_id: int, one: Remark) -> None:
    _do(
        lambda who: remarks.change_remark(
            review_store(), who, case_id, one.id, one.revision, deleted=True
        )
    )


def _do(change: Callable[[Person], object]) -> None:
    try:
        change(signed_in.person())
    except StaleEdit:
        st.session_state[_NOTICE] = (
            "This comment was changed in another window in the meantime. Nothing was overwritten: "
            "look, and decide again."
        )
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state[_NOTICE] = f"Not saved: {refusal}."
