"""An order list from the laboratory system, read on the worklist."""

import streamlit as st

from core.access.rights import NotAllowed
from core.access.upload_limits import MIB
from core.review.exchange.orders import COLUMNS, MAX_BYTES, read_orders
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from pages.parts import signed_in, upload_limits
from pages.parts.wording import plain, several

_FOUND = "order_list_found"


def draw() -> None:
    """A file, and what became of its lines."""
    with st.popover("Order list", icon=":material/playlist_add:", width="stretch"):
        st.markdown(
            f"A CSV file with the columns {', '.join(f'`{name}`' for name in COLUMNS)}; only "
            "`accession` is required. Or HL7 v2 orders (`ORM^O01`). Accessions that are cases "
            "already stay as they are."
        )
        with st.form("order_list", border=False, clear_on_submit=True):
            st.file_uploader(
                "Order list",
                type=["csv", "hl7"],
                key="order_file",
                max_upload_size=upload_limits.at_most(MAX_BYTES / MIB),
            )
            st.form_submit_button("Make the cases", on_click=_read)
        for words in st.session_state.get(_FOUND, ()):
            st.markdown(plain(words))


def _read() -> None:
    file = st.session_state.get("order_file")
    if file is None:
        st.session_state[_FOUND] = ["Choose a file first."]
        return
    try:
        found = read_orders(review_store(), signed_in.person(), file.getvalue())
    except (NotAllowed, CaseRefused, DatabaseRefused) as refusal:
        st.session_state[_FOUND] = [f"Not read: {refusal}."]
        return
    words = f"{several(len(found.made), 'case')} made, {len(found.known)} there already."
    st.session_state[_FOUND] = [words, *found.refused]
