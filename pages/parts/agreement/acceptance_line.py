"""One line under the live models: were they accepted in this laboratory."""

import streamlit as st

from core.access.people import Person
from core.models import registry
from core.models.weights import WeightsRefused
from core.review.acceptance import records
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from pages.parts.wording import plain


def draw(who: Person) -> None:
    """The last acceptance of the live pair, or that there is none."""
    try:
        live = {task: registry.live(task).identity for task in ("locator", "wbc")}
        found = records.of_models(review_store(), who, live["wbc"], live["locator"])
    except (WeightsRefused, DatabaseRefused):
        return  # the screen says so above
    words, way = st.columns([5, 1], vertical_alignment="center")
    if found is None:
        words.markdown(
            ":orange[:material/fact_check:] The live models have no lab acceptance here yet: "
            "it is repeated after each promotion."
        )
    else:
        met = "met" if found.accepted else "did not meet"
        words.markdown(
            f"Lab acceptance {plain(found.title)}, {found.signed_at:%d %b %Y}: the live models "
            f"{met} the limits of {plain(found.signed_name)}."
        )
    way.page_link("pages/lab_acceptance.py", label="Lab acceptance", icon=":material/fact_check:")
