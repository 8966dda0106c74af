"""Step 1: fields of the laboratory are sent and read; step 2: how foreign they look."""

from typing import Final

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.imaging.folders import DICOM_ENDINGS, PICTURE_ENDINGS
from core.review.case import cases
from core.review.learning.acquaintance import acquaintance
from core.review.learning.acquaintance.acquaintance import CELLS, FIELDS, MOST_FIELDS, Acquaintance
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.settings import settings
from core.slide.foreign_laboratory import Laboratory
from core.store.database import DatabaseRefused
from pages.parts import signed_in, upload_limits
from pages.parts.wording import plain, several

_TYPES: Final = [ending[1:] for ending in PICTURE_ENDINGS + DICOM_ENDINGS]
_REFUSED: Final = "acquaintance_refused"
_INTAKE: Final = "acquaintance_intake"
_EVERY_S: Final = 1.0
_SHOWN: Final = 5

_MEANING: Final = {
    "foreign": (
        "The stain, the microscope or the camera differs from those the model learnt from. Its "
        "classes carry the words **{mark}**, it is sure of fewer cells, and more of them are wrong "
        "than at home. Naming the cells below can mend that."
    ),
    "familiar": (
        "The cells look like those the model learnt from, so its usual limits hold. Adapting is "
        "not needed; naming the cells below would show whether it gains all the same."
    ),
    "not judged": (
        "There are too few white cells to tell. Add more fields: with twenty white cells the "
        "laboratory is judged."
    ),
}


def draw(who: Person, one: Acquaintance | None) -> None:
    """The upload, the progress, or what came of it."""
    st.subheader("1 Your fields", anchor=False)
    if one is not None and one.job.state == "running":
        st.fragment(_wait, run_every=_EVERY_S)()
        return
    if one is None:
        _upload(who, None)
        return
    if one.job.state != "done":
        st.error(f"The fields were not read: {plain(one.job.message)}.", icon=":material/error:")
        if may(who, "upload"):
            st.button("Read them again", key="acquaintance_again", on_click=_again)
        return
    _done(who, one)


def draw_laboratory(laboratory: Laboratory) -> None:
    """The word for the laboratory, the figure behind it, and what it means."""
    st.subheader("2 How foreign they look", anchor=False)
    colour = {"foreign": "orange", "familiar": "green", "not judged": "gray"}[laboratory.word]
    st.markdown(f":{colour}-badge[{laboratory.word}] {laboratory.sentence()}")
    st.markdown(_MEANING[laboratory.word].format(mark=laboratory.class_mark))
    st.caption(
        "A cell is unlike the others when it is further from the model's classes than 95 of 100 "
        "cells at home. A laboratory is foreign when at least a tenth of its white cells are, and "
        "more than chance makes of the 6 % at home (exact test, 1 %)."
    )


def _upload(who: Person, add_to: Acquaintance | None) -> None:
    if not may(who, "upload"):
        st.caption("Sending fields takes the role technologist.")
        return
    limits = settings()
    key = f"acquaintance-{st.session_state.get(_INTAKE, 0)}"
    files = st.file_uploader(
        "Fields of your laboratory",
        type=_TYPES,
        accept_multiple_files=True,
        key=key,
        max_upload_size=upload_limits.at_most(limits.max_file_mb),
    )
    st.caption(
        f"{FIELDS[0]} to {FIELDS[1]} fields as your microscope and camera give them, of several "
        f"smears; more, up to {MOST_FIELDS}, where a field shows few white cells. They are kept as "
        "a case without a patient."
    )
    st.button(
        f"Read {several(len(files), 'field')}" if files else "Read fields",
        key="acquaintance_read",
        type="primary" if add_to is None else "secondary",
        disabled=not files,
        on_click=_read,
        args=(key, add_to),
    )
    refusal = st.session_state.pop(_REFUSED, None)
    if refusal:
        st.error(plain(refusal), icon=":material/error:")


def _read(key: str, add_to: Acquaintance | None) -> None:
    state = st.session_state
    files = [(file.name, file.getvalue()) for file in state.get(key) or []]
    try:
        acquaintance.start(review_store(), signed_in.person(), files, add_to=add_to)
    except (NotAllowed, CaseRefused, DatabaseRefused, OSError) as refusal:
        state[_REFUSED] = f"Not read: {refusal}."
        return
    state[_INTAKE] = state.get(_INTAKE, 0) + 1


def _again() -> None:
    try:
        acquaintance.again(review_store(), signed_in.person())
    except (NotAllowed, CaseRefused, DatabaseRefused, OSError) as refusal:
        st.session_state[_REFUSED] = f"Not read: {refusal}."


def _stop() -> None:
    try:
        acquaintance.ask_to_stop(review_store(), signed_in.person())
    except NotAllowed as refusal:
        st.session_state[_REFUSED] = f"Not stopped: {refusal}."


def _wait() -> None:
    """Draws itself again every second; asks for the whole page when there is a result."""
    one = acquaintance.latest(review_store())
    if one is None or one.job.state != "running":
        st.rerun(scope="app")
    progress = one.job.progress
    st.progress(progress.share, text=plain(f"{progress.message} …".capitalize()))
    st.caption(f"Sent by {plain(one.job.who)}. It goes on when this page is closed.")
    st.button(
        "Stop",
        key="acquaintance_stop",
        icon=":material/stop:",
        disabled=one.job.stopping,
        on_click=_stop,
    )


def _done(who: Person, one: Acquaintance) -> None:
    kept = cases.case_pictures_of(review_store(), who, one.case_id)
    case = cases.get(review_store(), who, one.case_id)
    st.markdown(
        f"{several(len(kept), 'field')} read on {one.job.at:%d %b %Y}, kept as case "
        f"{plain(case.accession)}; {several(len(one.cells), 'white cell')} chosen to be named."
    )
    if one.refused:
        first = "; ".join(f"{plain(r['file'])}: {plain(r['reason'])}" for r in one.refused[:_SHOWN])
        more = f" And {len(one.refused) - _SHOWN} more." if len(one.refused) > _SHOWN else ""
        st.warning(f"Not used: {first}{more}", icon=":material/warning:")
    if len(one.cells) < CELLS:
        st.caption(
            f"Send more fields for {CELLS} cells. Cells that are reviewed without the model's "
            "answer are not chosen."
        )
    with st.expander("Send more fields", expanded=not one.cells):
        _upload(who, one)
