"""Calls about critical findings: who told whom of what, when, and whether it was read back."""

from datetime import UTC, date, datetime, time

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import critical_calls
from core.review.case.cases import Case
from core.review.case.critical_calls import CriticalCall
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from pages.parts import signed_in
from pages.parts.wording import plain

_NOTICE = "critical_call_notice"


def draw(who: Person, case: Case) -> None:
    """The calls of a case, and the form for another one; also after it was signed."""
    known = critical_calls.calls_of(review_store(), who, case.id)
    writes = may(who, "review") and not case.is_cancelled
    if not known and not writes:
        return
    st.markdown("**Calls about critical findings**")
    notice = st.session_state.pop(_NOTICE, None)
    if notice:
        st.warning(plain(notice))
    for one in known:
        _call(who, case, one, writes)
    if not known:
        st.caption("None yet.")
    if writes:
        with st.popover("Write down a call", icon=":material/call:"):
            _form(case)


def _call(who: Person, case: Case, one: CriticalCall, writes: bool) -> None:
    if not writes or one.caller != who.subject:
        st.markdown(plain(one.sentence))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(one.sentence), width="stretch")
        st.button(
            "Take it back",
            key=f"withdraw_call_{one.id}",
            type="tertiary",
            on_click=_withdraw,
            args=(case.id, one.id),
        )


def _form(case: Case) -> None:
    with st.form(f"critical_call_{case.id}", border=False, clear_on_submit=True):
        st.text_input("Who was told", key="call_told", max_chars=120)
        st.text_input("What was said", key="call_finding", max_chars=critical_calls.LONGEST)
        now = datetime.now(UTC)
        day, hour = st.columns(2)
        day.date_input("Day", value=now.date(), key="call_day", format="YYYY-MM-DD")
        hour.time_input("Time (UTC)", value=now.time().replace(second=0), key="call_time", step=60)
        st.checkbox("They read it back", key="call_read_back")
        st.form_submit_button("Keep this call", on_click=_write, args=(case.id,))


def _write(case_id: int) -> None:
    state = st.session_state
    day, at = state.get("call_day"), state.get("call_time")
    if not isinstance(day, date) or not isinstance(at, time):
        state[_NOTICE] = "Not kept: the call needs its day and time."
        return
    try:
        critical_calls.write_call(
            review_store(),
            signed_in.person(),
            case_id,
            state.get("call_finding") or "",
            state.get("call_told") or "",
            datetime.combine(day, at, UTC),
            read_back=bool(state.get("call_read_back")),
        )
    except (NotAllowed, CaseRefused) as refusal:
        state[_NOTICE] = f"Not kept: {refusal}."


def _withdraw(case_id: int, number: int) -> None:
    try:
        critical_calls.withdraw_call(review_store(), signed_in.person(), case_id, number)
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state[_NOTICE] = f"Not taken back: {refusal}."
