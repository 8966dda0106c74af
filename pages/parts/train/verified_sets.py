"""Sets made of what people corrected and signed: choose one, or make the next version."""

from pathlib import Path
from typing import Final

import streamlit as st

from core.access.rights import NotAllowed
from core.review.learning import training_sets
from core.review.learning.training_sets import SetKind
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.training.presets import recipe_info
from pages.parts import signed_in
from pages.parts.wording import plain, several

KIND_OF: Final[dict[str, SetKind]] = {"folders": "cells", "boxes": "fields"}
"""Layout -> kind of set that is written in it."""


def layout_of(recipe: str, layout: str) -> str:
    """How a set of this layout is taken in: where few cases stand beside a public set, so."""
    verified = f"verified {KIND_OF[layout]}"
    return verified if verified in recipe_info(recipe).options["layout"] else layout


_REFUSED: Final = "verified_set_refused"


def _make(kind: SetKind) -> None:
    try:
        made = training_sets.make(review_store(), signed_in.person(), f"verified-{kind}", kind)
    except (CaseRefused, NotAllowed) as refusal:
        st.session_state[_REFUSED] = str(refusal)
        return
    st.session_state[f"verified_{kind}"] = made.id


def choose(layout: str) -> Path | None:
    """The folder of the set a person chose; None where there is none, or it was changed."""
    who, kind = signed_in.person(), KIND_OF[layout]
    proposal = training_sets.proposal(review_store(), who)
    if proposal.is_due:
        st.info(
            f"{several(proposal.new_corrections, 'new correction')} since the last set: train "
            "again?",
            icon=":material/fact_check:",
        )
    st.button(
        f"Make a set of the verified {kind}",
        key="make_set",
        icon=":material/add:",
        on_click=_make,
        args=(kind,),
    )
    refusal = st.session_state.pop(_REFUSED, None)
    if refusal:
        st.error(plain(refusal), icon=":material/error:")
    sets = training_sets.all_sets(review_store(), who, kind)
    if not sets:
        st.caption(f"No set of verified {kind} yet. Signed cases make one.")
        return None
    # By its number: a place in the list would be another set as soon as there is a newer one.
    by_id = {one.id: one for one in sets}
    number = st.selectbox(
        "Set",
        list(by_id),
        format_func=lambda n: (
            f"{by_id[n].name}, version {by_id[n].version} ({several(by_id[n].items, kind[:-1])}, "
            f"{several(by_id[n].cases, 'case')})"
        ),
        key=f"verified_{kind}",
    )
    chosen = by_id[number]
    changed = training_sets.changed_files(review_store(), who, chosen)
    if changed:
        st.error(
            f"{several(len(changed), 'file')} of this set were changed since it was made, so it "
            "is not trained on. Make a new version.",
            icon=":material/error:",
        )
        return None
    return chosen.path(review_store())
