"""Compare a run's model with the live one: its process, how far it is, the evidence, the promotion.

Everything is read from the run's folder, so it shows the same after a reload, in another browser,
and for a comparison started from a terminal.
"""

from contextlib import suppress

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.jobs.job import Job
from core.models import registry
from core.models.weights import WeightsRefused
from core.store.promotions import StalePromotion
from core.store.runs import Run
from core.training.promote import comparisons, promotion
from core.training.promote.bar import site_bar
from core.training.promote.promotion import Comparison, OnOneSet, PromotionRefused
from core.training.runs import lifecycle
from pages.parts import signed_in
from pages.parts.train import evidence
from pages.parts.wording import plain, time_left

EVERY_S = 2
_PRESS = "Compare on the locked test sets"
_REFUSED, _NOT_PROMOTED = "compare_refused", "promotion_refused"


def draw(who: Person) -> None:
    """Choice of a challenger, then what is known of it."""
    st.subheader("Compare with the live model", anchor=False)
    can = comparisons.TASK_OF
    candidates = {
        run.name: run for run in lifecycle.book().all() if run.recipe in can and run.model_path
    }
    if not candidates:
        st.info(
            "No run has made a model yet. Train one on the screen Fine-tune.",
            icon=":material/model_training:",
        )
        return
    if st.session_state.get("challenger") not in candidates:
        st.session_state.challenger = _first(candidates)
    chosen = st.selectbox(
        "Challenger",
        list(candidates),
        format_func=lambda name: _label(candidates[name]),
        key="challenger",
    )
    # In the address, so that a reload finds it.
    st.query_params["challenger"] = chosen
    run = candidates[chosen]
    comparison = comparisons.latest(run)
    if comparison is not None and comparison.state == "running":
        st.fragment(_wait, run_every=EVERY_S)(run, comparison, who)
        return
    if comparison is not None:
        _outcome(comparison)
    if may(who, "train"):
        words = _PRESS if comparison is None else "Compare again"
        st.button(words, key="compare", icon=":material/balance:", on_click=_start, args=(run,))
        refusal = st.session_state.pop(_REFUSED, None)
        if refusal:
            st.error(plain(refusal), icon=":material/error:")
    else:
        st.caption("Comparing takes the role trainer.")
    kept = comparisons.latest(run, done=True)
    if kept is not None:
        if kept.folder != (comparison.folder if comparison else None):
            st.caption(f"Found before, {kept.at:%d %b %H:%M} UTC:")
        _found(kept, who)


def _first(candidates: dict[str, Run]) -> str:
    """The one in the address, or that is being compared, or the newest."""
    requested = st.query_params.get("challenger")
    if requested in candidates:
        return requested
    for name, run in candidates.items():
        one = comparisons.latest(run)
        if one is not None and one.state == "running":
            return name
    return next(iter(candidates))


def _label(run: Run) -> str:
    return f"{run.label} ({run.created_at:%d %b %H:%M}, {run.state})"


def _start(run: Run) -> None:
    try:
        comparisons.start(run, signed_in.person())
    except (PromotionRefused, NotAllowed, OSError) as refusal:
        st.session_state[_REFUSED] = str(refusal)


def _wait(run: Run, began: Job, who: Person) -> None:
    """Draws itself again every two seconds; asks for the whole page when there is a result."""
    comparison = comparisons.latest(run)
    if comparison is None or comparison.folder != began.folder or comparison.state != "running":
        st.rerun(scope="app")
    where = comparison.progress
    share = where.share
    title = where.message[:1].upper() + where.message[1:]
    st.progress(share, text=plain(title))
    # The first pictures are slow, since models are loaded: a guess from them would frighten.
    left = where.seconds * (1 - share) / share if share > 0.02 else None
    st.caption(
        f"{time_left(left).capitalize()}. Asked for by {plain(comparison.who)} at "
        f"{comparison.at:%H:%M} UTC. It goes on when this page is closed."
    )
    if may(who, "train"):
        st.button(
            "Stop comparing",
            key="stop_comparing",
            icon=":material/stop:",
            disabled=comparison.stopping,
            on_click=_stop,
            args=(comparison,),
        )


def _stop(comparison: Job) -> None:
    # Whoever may not any more sees the page without the button.
    with suppress(NotAllowed):
        comparisons.ask_to_stop(comparison, signed_in.person())


def _outcome(comparison: Job) -> None:
    """Why there is no result, or when it was made."""
    origin = f"{plain(comparison.who)}, {comparison.at:%d %b %H:%M} UTC"
    if comparison.state == "done":
        st.caption(f"Compared for {origin}.")
        return
    words = "was lost" if comparison.state == "lost" else "gave no result"
    st.error(
        f"The comparison ({origin}) {words}: {plain(comparison.message)}.", icon=":material/error:"
    )
    log = comparison.log()
    if comparison.state == "lost" or "Traceback" in log:
        with st.expander("Log"):
            st.code(log or "nothing yet", language=None, height=180)


def _found(comparison: Job, who: Person) -> None:
    try:
        found = comparisons.evidence_of(comparison)
    except (ValueError, OSError) as refusal:
        st.error(
            f"What was found cannot be read ({plain(str(refusal))}); compare again.",
            icon=":material/error:",
        )
        return
    st.markdown(f"Live {plain(found.champion)}, challenger {plain(found.challenger)}")
    for place, one in enumerate(found.sets.values()):
        evidence.draw(one, place)
    if found.classes_told_by_one:
        st.info(plain(found.classes_told_by_one), icon=":material/new_label:")
    if found.original is None:
        st.caption("The original data is not here, or is the same: forgetting was not measured.")
    if found.external_lab is not None:
        st.caption(found.external_words)
    evidence.exactly(found)
    _verdict(found, who)


def _verdict(found: Comparison, who: Person) -> None:
    try:
        if registry.live(found.task).identity == found.challenger:
            st.success("This challenger is the live model now.", icon=":material/check:")
            return
        promotion.still_holds(found)
    except (PromotionRefused, WeightsRefused, OSError) as refusal:
        st.warning(f"Out of date: {plain(str(refusal))}.", icon=":material/history:")
        return
    if isinstance(found.own, OnOneSet):
        st.caption(plain(site_bar().words))
    if found.objections:
        st.warning(
            "It cannot go live: " + "; ".join(plain(why) for why in found.objections) + ".",
            icon=":material/block:",
        )
        return
    if found.external_fall:
        st.warning(
            f"The challenger is worse in another laboratory: {plain(found.external_fall)}. It goes "
            "live only where a person says why.",
            icon=":material/block:",
        )
    else:
        st.success("Nothing in the evidence speaks against it.", icon=":material/check:")
    if not may(who, "promote"):
        st.caption("Making it live takes the role trainer.")
        return
    with st.form("promotion", border=False):
        st.text_input("Reason, kept for good", key="promote_reason")
        if found.external_fall:
            st.text_input("Why all the same", key="promote_override")
        st.form_submit_button(
            "Make it the live model", type="primary", on_click=_promote, args=(found,)
        )
    not_promoted = st.session_state.pop(_NOT_PROMOTED, None)
    if not_promoted:
        st.error(plain(not_promoted), icon=":material/error:")


def _promote(found: Comparison) -> None:
    state = st.session_state
    reason = state.get("promote_reason") or ""
    override = (state.get("promote_override") or "") if found.external_fall else ""
    try:
        promotion.promote(found, who=signed_in.person(), reason=reason, override=override)
    except (NotAllowed, PromotionRefused, StalePromotion, WeightsRefused, OSError) as refusal:
        state[_NOT_PROMOTED] = str(refusal)
        return
    state.models_notice = f"{found.challenger} is live."
