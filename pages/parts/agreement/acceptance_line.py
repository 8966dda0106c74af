"""One line under the live models: were they accepted in this laboratory."""

import streamlit as st

from core.models import registry
from core.models.weights import WeightsRefused
from core.review.acceptance.status import LabAcceptance, acceptances_in
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from pages.parts.wording import plain


def draw() -> None:
    """The last acceptance of the live pair, or that there is none."""
    try:
        live = {task: registry.live(task).identity for task in ("locator", "wbc")}
        with review_store().database.read() as connection:
            found = acceptances_in(connection).of(live)
    except (WeightsRefused, DatabaseRefused):
        return  # the screen says so above
    words, way = st.columns([5, 1], vertical_alignment="center")
    words.markdown(_words(found))
    way.page_link("pages/lab_acceptance.py", label="Lab acceptance", icon=":material/fact_check:")


def _words(found: LabAcceptance) -> str:
    if found.signed is None:
        icon = "" if found.is_quiet else ":orange[:material/fact_check:] "
        return (
            f"{icon}The live models have no lab acceptance here yet: it is repeated after each "
            "promotion."
        )
    signed = found.signed
    met = "met" if found.status == "accepted" else "did not meet"
    return (
        f"Lab acceptance {plain(signed.title)}, {signed.signed_at:%d %b %Y}: the live models "
        f"{met} the limits of {plain(signed.signed_name)}."
    )
