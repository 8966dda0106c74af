"""The report as it would leave now, beside the signature."""

import streamlit as st

from core.access.people import Person
from core.review.case.cases import Case
from core.review.exchange.contents import CaseContents, gather
from core.review.exchange.report import case_page
from core.review.record.errors import PictureLost
from core.review.record.review_store import review_store
from core.settings import settings
from pages.parts.wording import plain

_HEIGHT_PX = 620


def draw(who: Person, case: Case) -> None:
    """The page in a frame of its own height."""
    contents = gather(review_store(), who, case.id)
    st.markdown("**Draft report**" if contents.is_draft else "**Report**")
    try:
        # The case's last entry changes with everything that is said of it.
        entry = contents.ledger.hash if contents.ledger else ""
        page = _page(f"{case.id} {entry} {who.subject}", contents)
    except PictureLost as refusal:
        st.error(f"The report cannot be shown. {plain(str(refusal))}.", icon=":material/error:")
        return
    with st.container(height=_HEIGHT_PX, border=False, key="report_beside"):
        # Printed by the browser only this container is left, see screen.css.
        st.html(f"<style>@page {{ size: {settings().report_paper}; margin: 14mm }}</style>{page}")
    st.caption("Printed from the browser, the page is this report alone.")


@st.cache_data(show_spinner="Writing the report", max_entries=8)
def _page(key: str, _contents: CaseContents) -> str:
    return case_page(_contents, settings())
