"""Models: what is live and since when, what each is good for, and whether a new one is better."""

from contextlib import suppress

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.models import registry
from core.models.weights import LoadedModel, WeightsRefused
from core.review.acceptance import status
from core.store.database import DatabaseRefused, Unavailable
from core.store.promotions import Promotion, StalePromotion
from core.training.promote import promotion
from core.training.promote.promotion import PromotionRefused
from pages.parts import acceptance_mark, signed_in
from pages.parts.agreement import acceptance_line
from pages.parts.train import adapt_form, compare_runs, model_card
from pages.parts.wording import plain

_TASKS = {
    "wbc": "white cells",
    "locator": "cells of a field",
    "counts": "counts",
    "red_cells": "red cells",
}


def _live(changes: list[Promotion]) -> None:
    tasks = (*registry.TASKS, *registry.OTHER_TASKS)
    accepted = status.in_review_store()
    for side, task in zip(st.columns(len(tasks)), tasks, strict=True):
        with side.container(border=True, height="stretch"):
            try:
                model: LoadedModel = registry.live(task)
            except WeightsRefused as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
                continue
            since = next((c for c in changes if c.became == model.identity), None)
            model_card.draw(model, since)
            acceptance_mark.draw("Lab acceptance", accepted.of(_answering(task, model)))


def _answering(task: registry.Task, model: LoadedModel) -> dict[str, str]:
    """The live model with the one that it is accepted together with."""
    found = {task: model.identity}
    partner: dict[registry.Task, registry.Task] = {"locator": "wbc", "wbc": "locator"}
    if task in partner:
        with suppress(WeightsRefused):  # its own place on this page says so
            found[partner[task]] = registry.live(partner[task]).identity
    return {str(name): identity for name, identity in found.items()}


def _history(changes: list[Promotion], who: Person) -> None:
    st.subheader("What was live", anchor=False)
    if not changes:
        st.caption("The shipped model has been live since this was installed.")
        return
    st.dataframe(
        [
            {
                "When": f"{change.at:%d %b %Y %H:%M}",
                "Model": _TASKS.get(change.task, change.task),
                "What": "promoted" if change.action == "promote" else "rolled back",
                "From": change.was,
                "To": change.became,
                "By": change.who,
                "Reason": change.reason,
            }
            for change in changes
        ],
        hide_index=True,
    )
    for task in promotion.TASKS:
        _roll_back(task, who)


def _roll_back(task: registry.Task, who: Person) -> None:
    back = promotion.before(task)
    if back is None or not may(who, "promote"):
        return
    words = f"Roll back, {_TASKS[task]}"
    with st.popover(words, icon=":material/undo:"), st.form(f"roll_back_{task}", border=False):
        st.markdown(f"{plain(back[1])} answers again.")
        st.text_input("Reason, kept for good", key=f"roll_back_reason_{task}")
        st.form_submit_button("Roll back now", on_click=_roll_back_now, args=(task,))
        refusal = st.session_state.pop(f"roll_back_refused_{task}", None)
        if refusal:
            st.error(plain(refusal), icon=":material/error:")


def _roll_back_now(task: registry.Task) -> None:
    state = st.session_state
    reason = state.get(f"roll_back_reason_{task}") or ""
    try:
        identity = promotion.roll_back(task, who=signed_in.person(), reason=reason)
    except (NotAllowed, PromotionRefused, StalePromotion, DatabaseRefused) as refusal:
        state[f"roll_back_refused_{task}"] = str(refusal)
        return
    state.models_notice = f"{identity} is live again."


def main() -> None:
    """Draw the screen."""
    st.title("Models", anchor=False)
    who = signed_in.allowed("view")
    try:
        promotion.sync_live()
        changes = [change for task in promotion.TASKS for change in promotion.history(task)]
        changes.sort(key=lambda change: change.at, reverse=True)
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Promotions cannot be kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    notice = st.session_state.pop("models_notice", None)
    if notice:
        st.success(plain(notice), icon=":material/check:")
    _live(changes)
    acceptance_line.draw()
    left, right = st.columns([3, 2], gap="large")
    with left:
        compare_runs.draw(who)
        adapt_form.draw(who)
    with right:
        _history(changes, who)


main()
