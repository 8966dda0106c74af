"""The strip of thumbnails beside the picture, filled as fields finish."""

import streamlit as st

from core.inference.batch import AnalysedField, Key
from core.slide import judgement
from pages.parts import wording
from pages.parts.picture import in_page
from pages.parts.smear.field_view import HEIGHT_PX
from pages.parts.smear.session import SmearSession

_AT_ONCE = 24
"""Tiles drawn at once; more of them would slow every click down."""

_WAITING = 4
"""Places drawn for fields still to come."""


_EVERY_S = 2.0
"""Seconds between two looks at a running batch; each sends the tiles again."""


def draw(session: SmearSession) -> None:
    """One tile for each field of the set; its button puts it into the picture."""
    every = _EVERY_S if session.batch is not None else None
    st.fragment(_strip, run_every=every)(session, session.shown)


def _strip(session: SmearSession, shown: Key | None) -> None:
    """Draws itself alone; the whole screen when another field than ``shown`` was chosen here."""
    if session.shown != shown:
        st.rerun()
    waiting = 0
    if session.batch is not None:
        progress = session.batch.progress()
        waiting = min(_WAITING, progress.total - progress.done)
    first = min(session.strip, max(0, len(session.order) - 1)) // _AT_ONCE * _AT_ONCE
    last = min(first + _AT_ONCE, len(session.order))
    with st.container(height=HEIGHT_PX, border=False, gap="xsmall", key="filmstrip"):
        if first:
            _turn(session, "Earlier", first - _AT_ONCE)
        for place in range(first, last):
            with st.container(gap="xxsmall"):
                _tile(session, place + 1, session.known[session.order[place]])
        if last < len(session.order):
            _turn(session, f"Later, {len(session.order) - last}", last)
        else:
            for _ in range(waiting):
                st.skeleton(height=66)


def _turn(session: SmearSession, label: str, place: int) -> None:
    st.button(
        label,
        key=f"strip-{place}",
        width="stretch",
        on_click=lambda: setattr(session, "strip", place),
    )


def _tile(session: SmearSession, place: int, field: AnalysedField) -> None:
    st.image(in_page(field.thumbnail), width="stretch", alt=f"Thumbnail of {field.finding.file}")
    finding = session.finding(field.key)
    marks = judgement.field_marks(finding)
    word: str = marks[0] if marks else ""
    if judgement.left_out(finding) is not None:
        word = "critical, out" if word == "critical" else "out"
    st.button(
        f"{place} {word}".strip(),
        key=f"tile-{field.key[0]}",
        type="primary" if field.key == session.shown else "secondary",
        help=wording.plain(field.finding.file),
        width="stretch",
        on_click=session.show,
        args=(field.key,),
    )
