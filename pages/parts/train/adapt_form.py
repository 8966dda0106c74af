"""Adapt the live white-cell model to this laboratory with a handful of its cells."""

from contextlib import suppress
from typing import Final

import streamlit as st

from core.access.folders import FolderRefused
from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.jobs.job import Job
from core.review.learning.adaptation_offer import make_set, offer
from core.review.record.errors import CaseRefused, PictureLost
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from core.taxonomy import title
from core.training.white_cells.adaptation import adaptations
from core.training.white_cells.adaptation.adaptations import AdaptationRunning
from pages.parts import signed_in
from pages.parts.wording import plain, several

EVERY_S: Final = 2
_FIRST: Final = 5
_REFUSED: Final = "adapt_refused"
NOT_STARTED: Final = (
    AdaptationRunning,
    CaseRefused,
    PictureLost,
    NotAllowed,
    DatabaseRefused,
    OSError,
)
"""What adapting to reviewed cells may be refused with; each says why in its message."""


def draw(who: Person) -> None:
    """Folder, number, button; what came of it stays until the next."""
    if not may(who, "train"):
        return
    st.subheader("Adapt to this laboratory", anchor=False)
    st.caption(
        "A folder for each class, with pictures of single cells or of fields with one white cell. "
        "At most so many of each are learnt from, the others stay aside as test cells. It takes up "
        "to three minutes and makes a challenger; nothing goes live by itself."
    )
    last = adaptations.latest()
    if last is not None and last.state == "running":
        st.fragment(wait, run_every=EVERY_S)()
        return
    if last is not None:
        _outcome(last)
    _offer(who)
    with st.form("adapt", border=False):
        st.text_input("Folder of labelled cells", key="adapt_folder", placeholder="/home/lab/cells")
        st.number_input("Cells of each class", 1, 200, 10, key="adapt_per_class")
        st.checkbox(
            "Deep",
            key="adapt_deep",
            help="Moves the last blocks of the network too. It needs the pictures the live model "
            "learnt from (HEMADESK_DATA), and what was fitted on its features (novelty, set "
            "limits, attributes) has to be fitted anew: python -m core fit-uncertainty.",
        )
        st.form_submit_button("Adapt", icon=":material/tune:", on_click=_adapt)
    refusal = st.session_state.pop(_REFUSED, None)
    if refusal:
        st.error(plain(refusal), icon=":material/error:")


def _offer(who: Person) -> None:
    """Adapting to what the pathologists have signed, once that is enough."""
    try:
        found = offer(review_store(), who)
    except DatabaseRefused as refusal:
        st.error(f"Signed cases cannot be read: {plain(str(refusal))}.", icon=":material/error:")
        return
    if not found.cells:
        return
    classes = ", ".join(f"{title(name).lower()} {n}" for name, n in found.by_class.items())
    at_hand = (
        f"{several(found.cells, 'verified white cell')} of {several(found.cases, 'signed case')}: "
        f"{classes}."
    )
    if not found.is_enough:
        st.caption(f"{at_hand} Adapting takes at least twenty, two of each of two classes.")
        return
    low, high = (f"{100 * gain:.0f}" for gain in found.expected_gain)
    with st.container(border=True):
        st.markdown(at_hand)
        st.caption(
            f"At most {found.per_class} of each class are learnt from. So many brought {low} to "
            f"{high} points of balanced accuracy in three laboratories that were left out, and "
            "nothing in a fourth. The gain on these cells is measured, and without one the "
            "adaptation is refused."
        )
        st.button(
            f"Adapt to {'these' if found.cells > 1 else 'this'} {several(found.cells, 'cell')}",
            key="adapt_to_signed",
            icon=":material/tune:",
            on_click=_adapt_to_signed,
            args=(found.per_class,),
        )


def _adapt_to_signed(per_class: int) -> None:
    try:
        who = signed_in.person()
        made = make_set(review_store(), who)
        adaptations.start(made.path(review_store()), per_class, False, who)
    except NOT_STARTED as refusal:
        st.session_state[_REFUSED] = f"{refusal}."


def _adapt() -> None:
    state = st.session_state
    folder = (state.get("adapt_folder") or "").strip()
    if not folder:
        state[_REFUSED] = "Name the folder first."
        return
    try:
        adaptations.start(
            signed_in.folder(folder),
            int(state["adapt_per_class"]),
            bool(state.get("adapt_deep")),
            signed_in.person(),
        )
    except (
        AdaptationRunning,
        FolderRefused,
        NotAllowed,
        DatabaseRefused,
        OSError,
    ) as refusal:
        state[_REFUSED] = f"{refusal}."


def wait() -> None:
    """Draws itself again every two seconds; asks for the whole page when there is a result."""
    last = adaptations.latest()
    if last is None or last.state != "running":
        st.rerun(scope="app")
    st.status(f"Adapting: {plain(last.progress.message)}")
    st.caption(
        f"Asked for by {plain(last.who)} at {last.at:%H:%M} UTC. It goes on when this page is "
        "closed."
    )
    st.button(
        "Stop adapting",
        key="stop_adapting",
        icon=":material/stop:",
        disabled=last.stopping,
        on_click=_stop,
    )


def _stop() -> None:
    # Whoever may not any more sees the page without the button.
    with suppress(NotAllowed):
        adaptations.ask_to_stop(signed_in.person())


def _outcome(last: Job) -> None:
    asked = f"{plain(last.who)}, {last.at:%d %b %H:%M} UTC"
    if last.state != "done":
        words = f"Not adapted ({asked}): {plain(last.message)}."
        st.error(words, icon=":material/error:")
        return
    made = last.result_as(adaptations.AdaptationResult)
    learnt = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in made["cells"].items())
    words = (
        f"{plain(made['model'])} ({asked}) learnt from {learnt}; "
        f"{several(made['left_for_test'], 'cell')} stay aside as its test. Choose it as challenger "
        "and compare."
    )
    if made["deep"]:
        words += f" {adaptations.WITHOUT_EXTRAS}"
    st.success(words, icon=":material/check:")
    skipped = made["skipped"]
    if skipped:
        first = "; ".join(
            f"{plain(one['file'])}, {plain(one['reason'])}" for one in skipped[:_FIRST]
        )
        more = f" and {len(skipped) - _FIRST} more" if len(skipped) > _FIRST else ""
        st.caption(f"Left out: {first}{more}.")
