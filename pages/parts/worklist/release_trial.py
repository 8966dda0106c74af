"""A release rule, tried on the cases that people signed; nothing is released by it."""

import streamlit as st

from core.access.people import Person
from core.review.record.review_store import review_store
from core.review.signature.release_rule import CONDITIONS, Rule, try_rule
from core.settings import settings
from pages.parts.wording import plain, several


def draw(who: Person) -> None:
    """The conditions, and what a rule of them would have done."""
    st.markdown(
        "What if cases that meet all of these went out without a look at each cell? Tried on the "
        "signed cases of this installation. **Nothing is released by it.**"
    )
    chosen = st.pills(
        "Conditions", list(CONDITIONS), selection_mode="multi", default=list(CONDITIONS),
        key="release_conditions",
    )  # fmt: skip
    cells = st.number_input(
        "White cells asked for", 1, 10_000, settings().target_cells or 200, key="release_cells"
    )
    if not chosen:
        st.info("Choose at least one condition.")
        return
    found = try_rule(review_store(), who, Rule(tuple(chosen), int(cells)))
    st.markdown(f"**{found.sentence}**")
    if found.released:
        high = 100 * found.wrong.high
        st.markdown(
            f"With {several(found.released, 'case')}, up to {high:.0f} in 100 released cases may "
            "have been signed otherwise (upper end of the exact 95 % interval)."
        )
    if found.against:
        names = ", ".join(plain(name) for name in found.against[:20])
        st.markdown(f":orange-badge[check] Signed otherwise: {names}.")
    st.caption(
        "Agreed: nothing critical, abnormal or seen was signed, and every class lies within the "
        "limits of the program's share."
    )
