"""What a person writes about a run: its title, a note, tags."""

import streamlit as st

from core.access.rights import NotAllowed
from core.store.runs import Run, RunRefused
from core.training.runs import lifecycle
from pages.parts import signed_in


def draw(run: Run) -> None:
    """The form, folded; what was said wrongly stays in it."""
    with (
        st.popover("Name and note", icon=":material/edit:", type="tertiary"),
        st.form(f"words_of_{run.id}", border=False),
    ):
        st.text_input("Title", run.title, max_chars=200, key=f"run_title_{run.id}")
        st.text_input(
            "Tags, separated by commas", ", ".join(run.tags or ()), key=f"run_tags_{run.id}"
        )
        st.text_area("Note", run.note or "", max_chars=2000, key=f"run_note_{run.id}")
        st.form_submit_button("Save", on_click=_save, args=(run.id,))


def _save(run_id: int) -> None:
    title, tags, note = (
        str(st.session_state[f"run_{part}_{run_id}"]) for part in ("title", "tags", "note")
    )
    try:
        lifecycle.describe(run_id, title, note, tags, signed_in.person())
    except (RunRefused, NotAllowed) as refusal:
        st.session_state.run_notice = f"{str(refusal)[0].upper()}{str(refusal)[1:]}."
