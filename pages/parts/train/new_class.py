"""A folder's name becomes a class of this site: the form that asks what it means."""

from typing import Final

import streamlit as st

from core.access.rights import NotAllowed
from core.taxonomy import WBC_CLASSES, title
from core.training import own_classes
from pages.parts import signed_in
from pages.parts.wording import plain

OWN: Final = "a class of its own"
"""The choice that opens the form; no class can be called so."""

_REFUSED: Final = "class_refused"


def draw(folder: str) -> None:
    """The form for one folder; the class that is added is chosen for the folder at once."""
    with st.form(f"new_class_{folder}"):
        st.caption(
            "It stays: readers can choose it in Review, and reports and exports carry it. Models "
            "that do not know it go on to call such a cell by the class it belongs to."
        )
        words = folder.replace("_", " ").strip().capitalize()
        st.text_input("Name", words, max_chars=60, key=f"new_title_{folder}")
        st.selectbox(
            "Belongs to",
            ["", *WBC_CLASSES],
            format_func=lambda name: title(name) if name else "no other class",
            key=f"new_parent_{folder}",
        )
        left, right = st.columns(2)
        left.text_input(
            "Code",
            key=f"new_code_{folder}",
            help="In FHIR and HL7; empty: the name is sent in words only.",
        )
        left.text_input("Key in Review", max_chars=1, key=f"new_key_{folder}")
        right.text_input("Code system", placeholder="http://loinc.org", key=f"new_system_{folder}")
        st.checkbox("Critical: a person must see it first", key=f"new_critical_{folder}")
        st.checkbox("Counts as a white cell", True, key=f"new_leukocyte_{folder}")
        st.form_submit_button("Add this class", on_click=_add, args=(folder,))
    refused = st.session_state.pop(_REFUSED, None)
    if refused:
        st.error(f"It was not added: {plain(refused)}.", icon=":material/error:")


def _add(folder: str) -> None:
    state = st.session_state
    one = own_classes.new_class(
        state[f"new_title_{folder}"],
        parent=state[f"new_parent_{folder}"],
        critical=state[f"new_critical_{folder}"],
        leukocyte=state[f"new_leukocyte_{folder}"],
        key=state[f"new_key_{folder}"],
        code=state[f"new_code_{folder}"],
        code_system=state[f"new_system_{folder}"],
    )
    try:
        own_classes.add(one, signed_in.person())
    except (ValueError, NotAllowed, OSError) as refusal:
        state[_REFUSED] = str(refusal)
        return
    state["names"]["wbc"][folder] = one.label
