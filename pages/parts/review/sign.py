"""Step 4 of a review, the end of the path: what it says, what stands against it, the signature."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case.cases import Case
from core.review.case.history import history
from core.review.reading import remarks
from core.review.reading.canned_comments import canned_comments
from core.review.record.errors import Blocker, CaseRefused, SignatureBlocked
from core.review.record.ledger import Entry
from core.review.record.readings import SECOND
from core.review.record.review_store import review_store
from core.review.signature import signing
from core.review.signature.signing import Signature
from core.settings import settings
from pages.parts import signed_in
from pages.parts.review import (
    case_downloads,
    case_words,
    comments,
    critical_calls,
    nucleated_red_cells,
    patient,
    report_beside,
    to_be_signed,
    two_differentials,
)
from pages.parts.wording import plain

_ASKED: Final = "sign_asked"
"""Session state: the case whose signature is asked for once more."""


def draw(who: Person, case: Case, closed: str) -> None:
    """All that will be signed and comments at the left; the signature at the right."""
    left, right = st.columns([6.4, 4.6], gap="large")
    with left:
        nucleated_red_cells.draw(case, two_differentials.draw(who, case))
        patient.draw(who, case)
        to_be_signed.draw(who, case)
        critical_calls.draw(who, case)
        _remarks(who, case, closed)
    with right:
        notice = st.session_state.pop("review_sign_notice", None)
        if notice:
            st.error(plain(notice), icon=":material/block:")
        signed = signing.versions(review_store(), who, case.id)
        if case.is_closed:
            _signed(who, case, signed)
        else:
            _open(who, case, signed, closed)
        # While a second person reads, a draft would show them what the first one answered.
        if case.is_closed or case.reading != SECOND:
            case_downloads.draw(review_store(), who, case)
            report_beside.draw(who, case)
        _history(who, case)


def _remarks(who: Person, case: Case, closed: str) -> None:
    st.markdown("**Comments**")
    written = remarks.remarks_of(review_store(), who, case.id)
    comments.draw(who, case, written, closed)
    if not written:
        st.caption("None yet.")
    if closed:
        return
    ready = st.pills(
        "Ready comments",
        canned_comments(settings().canned_comments),
        key=f"ready_comment_{len(written)}",
        label_visibility="collapsed",
        wrap=True,
    )
    if ready:
        _do(lambda person: remarks.remark(review_store(), person, case.id, ready))
        st.rerun()
    with st.form("case_remark", border=False, clear_on_submit=True):
        st.text_area(
            "Comment on the case", max_chars=remarks.LONGEST, height=80, key="case_remark_text"
        )
        st.form_submit_button("Add comment", on_click=_remark, args=(case.id,))


def _remark(case_id: int) -> None:
    text = st.session_state.get("case_remark_text") or ""
    if text.strip():
        _do(lambda who: remarks.remark(review_store(), who, case_id, text))


def _open(who: Person, case: Case, signed: list[Signature], closed: str) -> None:
    if signed:
        st.info(
            f"Version {signed[-1].version} was signed by {plain(signed[-1].signed_name)}. "
            "This is its amendment; the signed version stays as it is."
        )
        _earlier(who, case, signed)
    against = signing.blockers(review_store(), who, case.id)
    st.subheader(
        "Finish the second reading" if case.reading == SECOND else "Sign this case", anchor=False
    )
    for one in against:
        st.markdown(f":{'orange' if one.reason_suffices else 'red'}[●] {_sentence(one)}")
    if not against:
        st.markdown(":green[●] Every white cell that counts is reviewed and identified.")
    if closed:
        st.caption(f"You cannot sign: {closed}.")
        if case.reading == SECOND and not case.is_cancelled and may(who, "review"):
            _take_back(case)
        return
    hands_on = case.reading == SECOND or any(
        b.code == "second_reading" and not b.reason_suffices for b in against
    )
    reason = _reason([b for b in against if b.code != "second_reading"])
    if hands_on:
        st.button(
            "Finish my reading",
            key="finish_reading",
            type="primary",
            icon=":material/done:",
            width="stretch",
            on_click=_finish,
            args=(case.id,),
        )
        st.caption(
            "The two readings are then laid side by side and settled."
            if case.reading == SECOND
            else "The case then goes to a second reader, who does not see your answers until done."
        )
        return
    _sign_button(who, case, against, reason)
    if case.reading == 1:
        st.button(
            "Ask for a second reader",
            key="ask_second",
            type="tertiary",
            icon=":material/group:",
            on_click=_finish,
            args=(case.id,),
        )


def _sentence(one: Blocker) -> str:
    text = plain(one.message[0].upper() + one.message[1:])
    todo = "Review it" if one.message.startswith("1 ") else "Review them"
    return f"{text}." + (f" {todo}, or state why not." if one.reason_suffices else "")


def _reason(against: list[Blocker]) -> str:
    if not any(one.reason_suffices for one in against):
        st.session_state.pop("sign_reason", None)
        return ""
    return str(
        st.text_input(
            "Reason to go on without them",
            key="sign_reason",
            placeholder="For example: slide damaged, repeat requested",
            max_chars=500,
        )
    )


def _sign_button(who: Person, case: Case, against: tuple[Blocker, ...], reason: str) -> None:
    must = [one for one in against if not one.reason_suffices]
    missing = bool(against) and not reason.strip()
    blocked = bool(must) or missing or not may(who, "sign")
    st.button(
        "Sign case",
        key="sign",
        type="primary",
        icon=":material/signature:",
        width="stretch",
        disabled=blocked,
        on_click=_ask,
        args=(case.id,),
    )
    # Drawn with every redraw until it is answered or shut, so that none can close it.
    if st.session_state.get(_ASKED) == case.id and not blocked:
        _ask_once_more(who, case)
    if must:
        st.caption("It can be signed when the red points above are settled.")
    elif missing:
        st.caption("It can be signed when every cell is reviewed, or with a reason.")
    elif not may(who, "sign"):
        st.caption("Signing takes the role pathologist.")
    else:
        st.caption(f"Signed as {plain(who.name)}. Research use: a qualified person decides.")


def _ask(case_id: int) -> None:
    st.session_state[_ASKED] = case_id


def _do_not_ask() -> None:
    st.session_state.pop(_ASKED, None)


@st.dialog("Sign this case?", on_dismiss=_do_not_ask)
def _ask_once_more(who: Person, case: Case) -> None:
    """By name, with what stands under the signature."""
    st.markdown(
        f"Case **{plain(case.accession)}**, {case_words.patient(case)}. What is signed stays as it "
        "is; it can only be amended, as a new version."
    )
    for sentence in to_be_signed.sentences(who, case):
        st.markdown(f"- {plain(sentence)}")
    st.button(
        f"Sign as {who.name}",
        key="sign_now",
        type="primary",
        icon=":material/signature:",
        width="stretch",
        on_click=_sign,
        args=(case.id,),
    )


def _take_back(case: Case) -> None:
    with (
        st.popover("Take it back from the second reading"),
        st.form("take_back", border=False),
    ):
        st.markdown("It is then in the first reading again. What the second reader saved stays.")
        st.text_input("Reason, kept for good", key="take_back_reason", max_chars=500)
        st.form_submit_button("Take it back", on_click=_taken_back, args=(case.id,))


def _taken_back(case_id: int) -> None:
    reason = st.session_state.get("take_back_reason") or ""
    _do(lambda who: signing.take_back_reading(review_store(), who, case_id, reason))


def _signed(who: Person, case: Case, signed: list[Signature]) -> None:
    last = signed[-1]
    st.subheader(f"Signed, version {last.version}", anchor=False)
    st.markdown(
        f"By **{plain(last.signed_name)}** on {last.signed_at:%d %b %Y, %H:%M} UTC"
        + (f", although: {plain(last.reason)}" if last.reason else "")
        + f".  \n:small[:gray[Content {last.snapshot_sha256[:16]}…, kept in the ledger]]"
    )
    if may(who, "sign"):
        with (
            st.popover("Amend", icon=":material/edit_note:"),
            st.form("amend", border=False),
        ):
            st.markdown("The case opens again as a new version. This one stays as it is.")
            st.text_input("Reason, kept for good", key="amend_reason", max_chars=500)
            st.form_submit_button("Open a new version", on_click=_amend, args=(case.id,))
    _earlier(who, case, signed[:-1])


def _earlier(who: Person, case: Case, signed: list[Signature]) -> None:
    """Versions that were signed before, each with its report."""
    for one in reversed(signed):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                f"Version {one.version}: signed by {plain(one.signed_name)} on "
                f"{one.signed_at:%d %b %Y, %H:%M} UTC."
            )
            case_downloads.earlier(review_store(), who, case, one.version)


def _history(who: Person, case: Case) -> None:
    with st.expander("What happened to this case"):
        entries = history(review_store(), who, case.id)
        st.dataframe(
            [_line(entry) for entry in reversed(entries)],
            hide_index=True,
            height=260,
            key="case_history",
        )


def _line(entry: Entry) -> dict[str, str]:
    return {
        "When (UTC)": entry.at[:16].replace("T", " "),
        "Who": entry.who_name,
        "What": entry.action.replace("_", " "),
        "Detail": entry.detail,
        "Entry": f"{entry.number} {entry.hash[:10]}",
    }


def _finish(case_id: int) -> None:
    reason = st.session_state.get("sign_reason") or ""
    _do(lambda who: signing.finish_reading(review_store(), who, case_id, reason))


def _sign(case_id: int) -> None:
    reason = st.session_state.get("sign_reason") or ""
    _do_not_ask()
    _do(lambda who: signing.sign(review_store(), who, case_id, reason))
    st.rerun()  # the whole page, not the dialog alone


def _amend(case_id: int) -> None:
    reason = st.session_state.get("amend_reason") or ""
    _do(lambda who: signing.amend(review_store(), who, case_id, reason))
    # The new version begins at the first step, also for the control that is on the screen now.
    st.session_state[f"step_{case_id}"] = "1 Cells"


def _do(change: Callable[[Person], object]) -> None:
    try:
        change(signed_in.person())
    except SignatureBlocked as told:
        st.session_state["review_sign_notice"] = f"Not yet: {told}."
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state["review_sign_notice"] = f"{refusal}."
