"""Where pictures come in: files, a folder, or drawn ones; and how far the analysis is."""

from typing import Literal

import streamlit as st

from core.imaging.folders import DICOM_ENDINGS, PICTURE_ENDINGS
from core.inference.batch import Key, Source, drawn, uploads
from core.models import registry
from core.models.weights import WeightsRefused
from core.settings import settings
from pages.parts import upload_limits, wording
from pages.parts.smear.session import SmearSession

_TYPES = [ending[1:] for ending in PICTURE_ENDINGS + DICOM_ENDINGS]
_MOST_DRAWN = 24


def draw_upload(session: SmearSession) -> None:
    """Files or a folder, and the button that analyses them."""
    whole_folder = (
        st.segmented_control(
            "What to send",
            ["Files", "A folder"],
            default="Files",
            required=True,
            key="intake_sort",
            label_visibility="collapsed",
        )
        == "A folder"
    )
    if not session.order:
        st.text_input(
            "Accession number",
            key="intake_accession",
            max_chars=64,
            placeholder="Accession number of the slide: type or scan it, or give it later",
            label_visibility="collapsed",
        )
    several: Literal[True, "directory"] = "directory" if whole_folder else True
    limits = settings()
    files = st.file_uploader(
        "Fields of one smear",
        label_visibility="collapsed",
        type=_TYPES,
        accept_multiple_files=several,
        # A new key after each batch: what was analysed leaves the widget and the server's memory.
        key=f"upload-{session.intake}-{whole_folder}",
        max_upload_size=upload_limits.at_most(limits.max_file_mb),
    )
    st.caption(
        f"{limits.min_side_px} to {limits.max_side_px} pixels a side, "
        f"at most {limits.max_files} files at once."
    )
    if len(files) > limits.max_files:
        st.warning(
            f"These are {len(files):,} files, and at most {limits.max_files:,} are taken at once: "
            f"the last {len(files) - limits.max_files:,} would be left out. Take some away, or "
            "send the rest with Add fields.",
            icon=":material/warning:",
        )
    label = f"Analyse {wording.several(len(files), 'field')}" if files else "Analyse fields"
    st.button(
        label,
        type="primary",
        disabled=not files,
        key="analyse",
        width="stretch",
        on_click=_analyse_sent,
        args=(session, f"upload-{session.intake}-{whole_folder}"),
    )


def _analyse_sent(session: SmearSession, uploader: str) -> None:
    files = st.session_state.get(uploader) or []
    sources = uploads([(file.name, file.getvalue()) for file in files], settings())
    named = str(st.session_state.get("intake_accession") or "").strip()
    if sources and _begin(session, sources):
        session.intake += 1
        session.accession = named or session.accession


def draw_synthetic(session: SmearSession, *, how_many: bool) -> None:
    """The button that needs no file; each press draws the next seed."""
    number = 1
    if how_many:
        number = int(st.number_input("Fields to draw", 1, _MOST_DRAWN, 1, key="drawn", width=140))
    label = "Analyse a synthetic smear"
    if number > 1:
        label = f"Analyse {number} synthetic fields"
    st.button(label, key="synthetic", on_click=_analyse_drawn, args=(session, how_many))


def _analyse_drawn(session: SmearSession, how_many: bool) -> None:
    number = int(st.session_state.get("drawn") or 1) if how_many else 1
    if _begin(session, drawn(range(session.next_seed, session.next_seed + number))):
        session.next_seed += number


def _begin(session: SmearSession, sources: list[Source]) -> bool:
    """Analyse by the models that are live now; False where they cannot be used."""
    try:
        session.begin(sources, registry.smear_models())
    except WeightsRefused:
        return False  # the screen says why, under its title
    return True


@st.fragment(run_every=1.0)
def draw_progress(session: SmearSession, shown: Key | None) -> None:
    """Name of the file, time left, stop.

    Draws itself alone, and the whole screen when its picture has changed and at the end: a whole
    screen for each field would cost many times what the analysis does.

    Args:
        session: takes over what has finished.
        shown: the field whose picture the screen was drawn with.
    """
    session.absorb()
    batch = session.batch
    if batch is None or session.shown != shown:
        st.rerun()
    progress = batch.progress()
    bar, stop = st.columns([6, 1], vertical_alignment="center")
    current = wording.plain(progress.current)
    refused = f"; {len(session.refused)} not analysed" if session.refused else ""
    bar.progress(
        progress.done / max(1, progress.total),
        text=(
            f"Analysing {current}, {min(progress.done + 1, progress.total)} of {progress.total}, "
            f"{wording.time_left(progress.seconds_left)}{refused}"
        ),
    )
    stop.button("Stop", on_click=session.stop, width="stretch", key="stop")


def _go_on(session: SmearSession, sources: list[Source]) -> None:
    _begin(session, sources)


def draw_refused(session: SmearSession) -> None:
    """Each file that was not taken with its reason, and what happened to the others."""
    if session.notice:
        st.info(session.notice)
    if session.left and session.batch is None:
        st.button(
            f"Go on with the other {len(session.left):,}",
            key="go_on",
            type="primary",
            icon=":material/resume:",
            on_click=_go_on,
            args=(session, session.left),
        )
    if not session.refused:
        return
    count = len(session.refused)
    were = "was" if count == 1 else "were"
    rest = "The others were analysed." if session.order else "Nothing else was sent."
    if session.batch is not None:
        rest = "The others go on."
    lines = "\n".join(f"- :small[{wording.plain(refusal.message)}]" for refusal in session.refused)
    with st.expander(
        f"{wording.several(count, 'file')} {were} not analysed. {rest}",
        expanded=count <= 4,
        icon=":material/warning:",
    ):
        st.markdown(lines)
