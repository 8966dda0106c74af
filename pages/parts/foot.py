"""The line at the foot of every screen."""

import streamlit as st

from core.access.people import LOCAL_SUBJECT, Person
from pages.parts.wording import plain


def draw(who: Person) -> None:
    """What this is for, which models answer, who is signed in."""
    # Heavy libraries: imported here so that the first screen does not wait for them.
    from core.models import registry
    from core.models.weights import WeightsRefused
    from core.review.acceptance import status
    from pages.parts import acceptance_mark

    try:
        live = {task: registry.live(task).identity for task in registry.TASKS}
    except WeightsRefused:
        models = "not available"
    else:
        accepted = status.in_review_store().of({t: live[t] for t in ("locator", "wbc")})
        mark = acceptance_mark.badge(accepted)
        models = f"{plain(', '.join(live.values()))} ({mark}{plain(accepted.words)})"
    with st.bottom:
        st.caption(
            f"Research use: a qualified person decides. Models: {models}. "
            f"Signed in: {plain(who.name)}{_role(who)}."
        )


def _role(who: Person) -> str:
    return (
        "" if who.subject == LOCAL_SUBJECT and who.role == "local" else f", {', '.join(who.roles)}"
    )
