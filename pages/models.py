"""Models: what is live and since when, what each is good for, and whether a new one is better."""

import streamlit as st

from core.models import registry
from core.models.weights import LoadedModel, WeightsRefused
from core.store.database import DatabaseRefused
from core.store.promotions import Promotion, StalePromotion
from core.training import promotion, runs
from core.training.locked_sets import TestSetBroken
from core.training.promotion import Comparison, OnOneSet, PromotionRefused
from pages.parts import model_card, paired_plot
from pages.parts.wording import percent, plain, several

_WHO = "local user"


def _live(changes: list[Promotion]) -> None:
    sides = st.columns(len(registry.TASKS))
    for side, task in zip(sides, registry.TASKS, strict=True):
        with side.container(border=True, height="stretch"):
            try:
                model: LoadedModel = registry.live(task)
            except WeightsRefused as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
                continue
            since = next((c for c in changes if c.became == model.identity), None)
            model_card.draw(model, since if task == "wbc" else None)


def _compare() -> None:
    st.subheader("Compare with the live model", anchor=False)
    candidates = [run for run in runs.book().all() if run.recipe == "wbc" and run.model_path]
    if not candidates:
        st.info(
            "No run has made a white-cell model yet. Train one on the screen Fine-tune.",
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
        with st.spinner("Both models answer the locked test sets"):
            try:
                st.session_state.comparison = (run.id, promotion.compare(run))
            except (PromotionRefused, TestSetBroken, WeightsRefused, OSError) as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
    kept = st.session_state.get("comparison")
    if kept is not None and kept[0] == run.id:
        _evidence(kept[1])


def _evidence(found: Comparison) -> None:
    st.markdown(f"Live {plain(found.champion)}, challenger {plain(found.challenger)}")
    for place, one in enumerate((found.own, found.original)):
        if one is not None:
            _one_set(one, place)
    if found.original is None:
        st.caption("The original data is not here, or is the same: forgetting was not measured.")
    if found.objections:
        st.warning(
            "It cannot go live: " + "; ".join(plain(why) for why in found.objections) + ".",
            icon=":material/block:",
        )
        return
    st.success("Nothing in the evidence speaks against it.", icon=":material/check:")
    with st.form("promotion", border=False):
        reason = st.text_input("Reason, kept for good", key="promote_reason")
        pressed = st.form_submit_button("Make it the live model", type="primary")
    if pressed:
        try:
            promotion.promote(found, who=_WHO, reason=reason)
        except (PromotionRefused, StalePromotion, WeightsRefused) as refusal:
            st.error(plain(str(refusal)), icon=":material/error:")
            return
        st.session_state.pop("comparison")
        st.session_state.models_notice = f"{found.challenger} is live."
        st.rerun()


def _one_set(one: OnOneSet, place: int) -> None:
    paired = one.accuracy
    st.markdown(f"**{plain(one.title)}**, {several(paired.items, 'cell')}")
    st.plotly_chart(paired_plot.dots(one), key=f"paired_{place}", config={"displayModeBar": False})
    st.caption(
        f"Right: live {percent(one.champion)}, challenger {percent(one.challenger)}; difference "
        f"{100 * paired.difference:+.1f} points ({100 * paired.low:+.1f} to "
        f"{100 * paired.high:+.1f}). It alone was right in {paired.only_challenger} cells, the "
        f"live model alone in {paired.only_champion} (McNemar p = {paired.p:.2g}). Calibration "
        f"error {one.calibration[0]:.3f} and {one.calibration[1]:.3f}."
    )


def _history(changes: list[Promotion]) -> None:
    st.subheader("What was live", anchor=False)
    if not changes:
        st.caption("The shipped model has been live since this was installed.")
        return
    st.dataframe(
        [
            {
                "When": change.at,
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
    back = promotion.before()
    if back is None:
        return
    with st.popover("Roll back", icon=":material/undo:"), st.form("roll_back", border=False):
        st.markdown(f"{plain(back[1])} answers again.")
        reason = st.text_input("Reason, kept for good", key="roll_back_reason")
        if st.form_submit_button("Roll back now"):
            try:
                identity = promotion.roll_back(who=_WHO, reason=reason)
            except (PromotionRefused, StalePromotion) as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
                return
            st.session_state.models_notice = f"{identity} is live again."
            st.rerun()


def main() -> None:
    """Draw the screen."""
    st.title("Models", anchor=False)
    try:
        promotion.settle()
        changes = promotion.history()
    except DatabaseRefused as refusal:
        st.error(f"Promotions cannot be kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    notice = st.session_state.pop("models_notice", None)
    if notice:
        st.success(plain(notice), icon=":material/check:")
    _live(changes)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _compare()
    with right:
        _history(changes)


main()
