"""Adapt the live white-cell model to this laboratory with a handful of its cells."""

from pathlib import Path

import streamlit as st

from core.datasets.intake import DataRefused
from core.models.weights import WeightsRefused
from core.review.people import Person
from core.review.rights import may
from core.store.database import DatabaseRefused
from pages.parts.wording import plain, several


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
    with st.form("adapt", border=False):
        folder = st.text_input(
            "Folder of labelled cells", key="adapt_folder", placeholder="/home/lab/cells"
        )
        per_class = st.number_input("Cells of each class", 1, 200, 10, key="adapt_per_class")
        deep = st.checkbox(
            "Deep",
            key="adapt_deep",
            help="Moves the last blocks of the network too. It needs the pictures the live model "
            "learnt from (HEMADESK_DATA), and what was fitted on its features (novelty, set "
            "limits, attributes) has to be fitted anew: python -m core characterise.",
        )
        pressed = st.form_submit_button("Adapt", icon=":material/tune:")
    if pressed:
        if not folder.strip():
            st.warning("Name the folder first.", icon=":material/info:")
            return
        _adapt(Path(folder.strip()).expanduser(), int(per_class), deep, who)


def _adapt(folder: Path, per_class: int, deep: bool, who: Person) -> None:
    # A heavy library: imported when it is needed, not when the screen opens.
    from core.training.adapt import WITHOUT_EXTRAS, adapt_to
    from core.training.last_layer import AdaptRefused

    with st.status("Adapting", expanded=True) as status:
        try:
            made = adapt_to(
                folder,
                per_class=per_class,
                who=who.name,
                deep=deep,
                report=lambda words: status.update(label=words[0].upper() + words[1:]),
            )
        except (AdaptRefused, DataRefused, WeightsRefused, DatabaseRefused, OSError) as refusal:
            status.update(label="Not adapted", state="error", expanded=True)
            st.error(f"{plain(str(refusal))}.", icon=":material/error:")
            return
        status.update(label="Adapted", state="complete")
    learnt = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in made.cells.items())
    left_out = ""
    if made.skipped:
        first = "; ".join(f"{one.file}, {one.reason}" for one in made.skipped[:5])
        left_out = f" Left out were {several(len(made.skipped), 'file')}: {first}"
    more = f" {WITHOUT_EXTRAS}" if made.deep else ""
    # Said after the redraw that puts it among the challengers.
    st.session_state.models_notice = (
        f"{made.model.identity} learnt from {learnt}; {several(made.left_for_test, 'cell')} stay "
        f"aside as its test. Choose it as challenger and compare.{more}{left_out}"
    )
    st.rerun()
