"""Get acquainted: some fields of a laboratory, sixty named cells, and a model adapted to both."""

import streamlit as st

from core.review.case import cases
from core.review.learning.acquaintance import acquaintance
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused, Unavailable
from pages.parts import signed_in
from pages.parts.acquaintance import fields, naming, outcome
from pages.parts.wording import plain


def main() -> None:
    """Draw the screen."""
    st.title("Get acquainted", anchor=False)
    who = signed_in.allowed("read")
    st.caption(
        "For a laboratory whose stain, microscope or camera the model has not seen. Nothing goes "
        "live by itself."
    )
    try:
        one = acquaintance.latest(review_store())
        fields.draw(who, one)
        if one is None or not one.is_ready:
            return
        fields.draw_laboratory(cases.laboratory(review_store(), who, one.case_id))
        chosen = acquaintance.cells_to_name(review_store(), who, one)
        naming.draw(who, one, chosen)
        if chosen:
            outcome.draw(who, one, chosen)
    except Unavailable:
        raise  # the navigation says so, and waits
    except (DatabaseRefused, CaseRefused, ValueError) as refusal:
        st.error(f"This cannot be read: {plain(str(refusal))}.", icon=":material/error:")


main()
