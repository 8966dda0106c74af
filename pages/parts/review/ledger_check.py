"""The ledger on the screen Settings: how long it is, and whether anything was changed behind it."""

import streamlit as st

from core.access.people import Person
from core.access.rights import may
from core.review.record import integrity, ledger
from core.review.record.clock import clock_fault
from core.review.record.errors import LedgerBroken
from core.review.record.review_store import review_store
from pages.parts import pressed
from pages.parts.wording import plain, several

_MOST = 20
_FOUND = "ledger_verified"


def draw(who: Person) -> None:
    """The head, and a button that reads everything."""
    st.subheader("Ledger", anchor=False)
    try:
        head = ledger.head(review_store())
    except LedgerBroken as broken:
        st.error(plain(str(broken)), icon=":material/error:")
        return
    st.markdown(
        f"{several(head.entries, 'entry', 'entries')}; the last one's hash is `{head.hash[:16]}…`. "
        "Every change of a case and of this list is an entry, hashed with the one before."
    )
    clock = clock_fault(review_store())
    if clock:
        st.error(f"{plain(clock[:1].upper() + clock[1:])}.", icon=":material/schedule:")
    if not may(who, "configure"):
        return
    st.button(
        "Verify the ledger",
        key="verify_ledger",
        icon=":material/fact_check:",
        on_click=pressed.keep,
        args=("verify_ledger",),
    )
    # It stays until the ledger has grown: another click on the page must not take it away, and one
    # that comes meanwhile stops this run where it next asks for the session's state.
    found: dict[str, integrity.Verification] = st.session_state.setdefault(_FOUND, {})
    with st.spinner("Every entry, row and picture is read"):
        if pressed.take("verify_ledger"):
            found[head.hash] = integrity.verify(review_store())
    if head.hash in found:
        _verdict(found[head.hash])


def _verdict(found: integrity.Verification) -> None:
    looked = (
        f"{several(found.head.entries, 'entry', 'entries')}, {several(found.rows, 'row')} and "
        f"{several(found.pictures, 'picture')} were read."
    )
    if found.erased:
        looked += f" The content of {several(found.erased, 'entry', 'entries')} was erased."
    if found.is_sound:
        st.success(f"Nothing was changed behind the ledger. {looked}", icon=":material/check:")
        return
    lines = "\n".join(f"- {plain(one.message)}" for one in found.tampered[:_MOST])
    more = len(found.tampered) - _MOST
    st.error(
        f"{several(len(found.tampered), 'change')} behind the ledger. {looked}\n\n{lines}"
        + (f"\n- and {more} more" if more > 0 else ""),
        icon=":material/error:",
    )
