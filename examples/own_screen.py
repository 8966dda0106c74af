"""A screen of your own: copy it to ``pages/``, name it in ``SCREENS`` of pages/parts/navigation.py.

A screen asks ``core`` and draws the answer; who may be on it is asked in its first line.
"""

import streamlit as st

from core.review.case import worklist
from core.review.record.review_store import review_store
from pages.parts import signed_in
from pages.parts.wording import plain


def main() -> None:
    """Draw the screen: the critical cases, and nothing else."""
    who = signed_in.allowed("read")
    st.title("Critical cases", anchor=False)
    rows = [row for row in worklist.worklist(review_store(), who) if row.priority == "critical"]
    if not rows:
        st.info("No case is critical.")
    for row in rows:
        # plain(): what people typed must not become Markdown.
        st.markdown(f"**{plain(row.case.accession)}**, {row.white_cells} white cells")


main()
