"""Step 4: before and after, cross-validated; step 5: the way to promotion."""

from pathlib import Path
from typing import Final

import streamlit as st

from core.access.people import Person
from core.access.rights import may
from core.jobs.job import Job
from core.review.learning.acquaintance import acquaintance
from core.review.learning.acquaintance.acquaintance import Acquaintance
from core.review.reading.cells import ReviewCell
from core.review.record.review_store import review_store
from core.taxonomy import title
from core.training.white_cells.adaptation import adaptations
from core.training.white_cells.adaptation.adaptations import (
    AdaptationGain,
    AdaptationResult,
    AdaptationTask,
)
from pages.parts import signed_in
from pages.parts.train import adapt_form
from pages.parts.wording import plain, several

_REFUSED: Final = "acquaintance_not_adapted"


def draw(who: Person, one: Acquaintance, chosen: list[ReviewCell]) -> None:
    """The button that adapts, the wait, and what came of it."""
    st.subheader("4 Before and after", anchor=False)
    last = adaptations.latest()
    if last is not None and last.state == "running":
        st.fragment(adapt_form.wait, run_every=adapt_form.EVERY_S)()
        return
    # One that was made on Models, or of an earlier acquaintance, is not shown here.
    data = None if last is None else Path(last.task_as(AdaptationTask)["data"])
    made = last if data is not None and data.parent == one.job.folder else None
    if made is not None:
        _outcome(made)
    found = acquaintance.offer_of(chosen)
    classes = ", ".join(f"{title(name).lower()} {n}" for name, n in found.by_class.items())
    if not found.is_enough:
        at_hand = f"{several(found.cells, 'cell')} named: {classes}. " if found.cells else ""
        st.caption(f"{at_hand}Adapting takes at least twenty, two of each of two classes.")
        return
    st.markdown(f"{several(found.cells, 'cell')} named: {classes}.")
    if not may(who, "train"):
        st.caption("Adapting takes the role trainer.")
        return
    st.caption(
        f"At most {found.per_class} of each class are learnt from, the others stay aside as the "
        "test of the adapted model. The gain is cross-validated on the cells learnt from; without "
        "one the adaptation is refused with that figure. It takes up to three minutes."
    )
    st.button(
        f"Adapt to these {several(found.cells, 'cell')}",
        key="acquaintance_adapt",
        type="primary" if made is None else "secondary",
        icon=":material/tune:",
        on_click=_adapt,
        args=(one, found.per_class),
    )
    refusal = st.session_state.pop(_REFUSED, None)
    if refusal:
        st.error(plain(refusal), icon=":material/error:")


def _adapt(one: Acquaintance, per_class: int) -> None:
    try:
        who = signed_in.person()
        folder = acquaintance.write_named(review_store(), who, one)
        adaptations.start(folder, per_class, False, who)
    except adapt_form.NOT_STARTED as refusal:
        st.session_state[_REFUSED] = f"Not adapted: {refusal}."


def _outcome(made: Job) -> None:
    if made.state != "done":
        st.error(f"Not adapted: {plain(made.message)}.", icon=":material/error:")
        return
    result = made.result_as(AdaptationResult)
    gain = result.get("gain")
    if gain is not None:
        _figures(gain)
    learnt = ", ".join(f"{title(name).lower()} {n}" for name, n in result["cells"].items())
    st.caption(
        f"{plain(result['model'])} learnt from {learnt}; "
        f"{several(result['left_for_test'], 'cell')} stay aside as its test."
    )
    st.subheader("5 Make it the live model", anchor=False)
    st.markdown(
        "Nothing is live yet. On Models the adapted one is compared with the live one on cells "
        "that neither learnt from, and goes live if that speaks for it. Until then classes carry "
        "the words above."
    )
    st.page_link("pages/models.py", label="Compare it on Models", icon=":material/deployed_code:")


def _figures(gain: AdaptationGain) -> None:
    before, after, change = st.columns(3)
    before.metric("Right before", f"{gain['before']:.1%}", border=True)
    after.metric("Right after", f"{gain['after']:.1%}", border=True)
    change.metric(
        "Gain, points",
        f"{100 * gain['value']:+.1f}",
        f"95 % interval {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}",
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    st.caption(
        f"Balanced accuracy on {gain['n']} of your cells: each was named by a model that had not "
        "learnt from it (cross-validation). The interval is by resampling these cells."
    )
