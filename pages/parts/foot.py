"""The line at the foot of every screen."""

import streamlit as st

from core.access.people import LOCAL_SUBJECT, Person
from pages.parts.wording import plain


def draw(who: Person) -> None:
    """What this is for, which models answer, who is signed in."""
    # Heavy libraries: imported here so that the first screen does not wait for them.
    from core.models import registry
    from core.models.weights import WeightsRefused

    try:
        models = ", ".join(registry.live(task).identity for task in registry.TASKS)
    except WeightsRefused:
        models = "not available"
    with st.bottom:
        st.caption(
            f"Research use: a qualified person decides. Models: {plain(models)}. "
            f"Signed in: {plain(who.name)}{_role(who)}."
        )


def _role(who: Person) -> str:
    return (
        "" if who.subject == LOCAL_SUBJECT and who.role == "local" else f", {', '.join(who.roles)}"
    )
