"""The way to the page Get acquainted, shown while the model does not know the laboratory."""

import streamlit as st

from core.access.people import Person
from core.models import registry
from core.models.weights import WeightsRefused
from core.review.learning.acquaintance import acquaintance
from core.review.record import ledger
from core.review.record.review_store import ReviewStore, review_store
from core.slide.foreign_laboratory import Laboratory


def laboratory(who: Person) -> Laboratory | None:
    """The laboratory by the newest fields that the live model read; None without a model."""
    try:
        model = registry.live("wbc").identity
    except WeightsRefused:
        return None  # the list of live models says so
    return _judged(f"{ledger.head(review_store())} {model}", model, review_store(), who)


@st.cache_data(show_spinner=False, max_entries=4)
def _judged(state: str, model: str, _store: ReviewStore, _who: Person) -> Laboratory:
    return acquaintance.laboratory_now(_store, _who, model)


def draw(who: Person) -> None:
    """A box with the reason and the way, while the laboratory is foreign; else nothing."""
    found = laboratory(who)
    if found is None or not found.is_foreign:
        return
    with st.container(border=True):
        st.markdown(f":orange-badge[{found.class_mark}] {found.sentence()}")
        st.caption(
            "Some of your fields and the names of sixty cells show whether the model can be "
            "adapted to your stain and microscope."
        )
        st.page_link("pages/acquaintance.py", label="Get acquainted", icon=":material/handshake:")
