"""Models: what is live and since when, what each is good for, and whether a new one is better."""

import streamlit as st

from core.models import registry
from core.models.weights import LoadedModel, WeightsRefused
from core.review.people import Person
from core.review.rights import NotAllowed, may
from core.store.database import DatabaseRefused
from core.store.promotions import Promotion, StalePromotion
from core.training import promotion, runs
from core.training.locked_sets import TestSetBroken
from core.training.promotion import Comparison, PromotionRefused
from pages.parts import acceptance_line, adapt_form, evidence, model_card, signed_in
from pages.parts.wording import plain

_TASKS = {"wbc": "white cells", "locator": "cells of a field", "counts": "counts"}


def _live(changes: list[Promotion]) -> None:
    tasks = (*registry.TASKS, *registry.OTHER_TASKS)
    for side, task in zip(st.columns(len(tasks)), tasks, strict=True):
        with side.container(border=True, height="stretch"):
            try:
                model: LoadedModel = registry.live(task)
            except WeightsRefused as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
                continue
            since = next((c for c in changes if c.became == model.identity), None)
            model_card.draw(model, since)


def _compare(who: Person) -> None:
    st.subheader("Compare with the live model", anchor=False)
    can = promotion.TASK_OF
    candidates = [run for run in runs.book().all() if run.recipe in can and run.model_path]
    if not candidates:
        st.info(
            "No run has made a model yet. Train one on the screen Fine-tune.",
            icon=":material/model_training:",
        )
        return
    labels = {run.id: f"{run.label} ({run.state})" for run in candidates}
    chosen = st.selectbox(
        "Challenger", list(labels), format_func=lambda number: labels[number], key="challenger"
    )
    run = next(run for run in candidates if run.id == chosen)
    if st.button("Compare on the locked test sets", key="compare", icon=":material/balance:"):
        st.session_state.pop("comparison", None)
        with st.status("Both models answer the locked test sets, some minutes") as status:
            try:
                found = promotion.compare(
                    run, lambda words: status.update(label=f"Now {plain(words)}")
                )
                st.session_state.comparison = (run.id, found)
                status.update(label="Compared", state="complete")
            except (PromotionRefused, TestSetBroken, WeightsRefused, OSError) as refusal:
                status.update(label="Not compared", state="error", expanded=True)
                st.error(plain(str(refusal)), icon=":material/error:")
    kept = st.session_state.get("comparison")
    if kept is not None and kept[0] == run.id:
        _evidence(kept[1], who)


def _evidence(found: Comparison, who: Person) -> None:
    st.markdown(f"Live {plain(found.champion)}, challenger {plain(found.challenger)}")
    for place, one in enumerate((found.own, found.original, found.elsewhere)):
        if one is not None:
            evidence.draw(one, place)
    if found.original is None:
        st.caption("The original data is not here, or is the same: forgetting was not measured.")
    if found.elsewhere is not None:
        st.caption("The last set is shown only: nobody learnt from it, and the rule does not ask.")
    if found.objections:
        st.warning(
            "It cannot go live: " + "; ".join(plain(why) for why in found.objections) + ".",
            icon=":material/block:",
        )
        return
    st.success("Nothing in the evidence speaks against it.", icon=":material/check:")
    if not may(who, "promote"):
        st.caption("Making it live takes the role trainer.")
        return
    with st.form("promotion", border=False):
        reason = st.text_input("Reason, kept for good", key="promote_reason")
        pressed = st.form_submit_button("Make it the live model", type="primary")
    if pressed:
        try:
            promotion.promote(found, who=who, reason=reason)
        except (NotAllowed, PromotionRefused, StalePromotion, WeightsRefused) as refusal:
            st.error(plain(str(refusal)), icon=":material/error:")
            return
        st.session_state.pop("comparison")
        st.session_state.models_notice = f"{found.challenger} is live."
        st.rerun()


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
        reason = st.text_input("Reason, kept for good", key=f"roll_back_reason_{task}")
        if st.form_submit_button("Roll back now"):
            try:
                identity = promotion.roll_back(task, who=who, reason=reason)
            except (NotAllowed, PromotionRefused, StalePromotion) as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
                return
            st.session_state.models_notice = f"{identity} is live again."
            st.rerun()


def main() -> None:
    """Draw the screen."""
    st.title("Models", anchor=False)
    who = signed_in.allowed("view")
    try:
        promotion.settle()
        changes = [change for task in promotion.TASKS for change in promotion.history(task)]
        changes.sort(key=lambda change: change.at, reverse=True)
    except DatabaseRefused as refusal:
        st.error(f"Promotions cannot be kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    notice = st.session_state.pop("models_notice", None)
    if notice:
        st.success(plain(notice), icon=":material/check:")
    _live(changes)
    acceptance_line.draw(who)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _compare(who)
        adapt_form.draw(who)
    with right:
        _history(changes, who)


main()
