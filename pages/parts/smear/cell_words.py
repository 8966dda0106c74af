"""One cell in words: what it was called, how sure, what else it could be."""

import streamlit as st

from core.inference.batch import CellPicture
from core.records import WbcCall
from core.slide import judgement
from core.taxonomy import title
from pages.parts import wording
from pages.parts.picture import in_page
from pages.parts.smear import field_shapes
from pages.parts.smear.session import SmearSession


def badges(call: WbcCall) -> str:
    """Markdown of the words that belong to a call: ``critical``, ``check``, or nothing."""
    return " ".join(wording.flag_badge(mark) for mark in judgement.call_marks(call))


def laboratory_badge(session: SmearSession) -> str:
    """Markdown of what the classes carry where the model does not know the laboratory, or empty."""
    mark = session.laboratory().class_mark
    return f":orange-badge[{mark}]" if mark else ""


def alternatives(call: WbcCall) -> str:
    """``Could be monocyte or lymphocyte``, or nothing where one class is left."""
    if len(call.could_be) < 2:
        return ""
    words = wording.set_words(call.could_be)
    if call.reported_as not in ("", call.label):
        return f"{title(call.reported_as)}: could be {words[0].lower()}{words[1:]}"
    return f"Could be {words[0].lower()}{words[1:]}"


def stage_words(call: WbcCall) -> str:
    """``Stage: myelocyte 93 %``, or that it is not sure; empty for a cell that has none."""
    if not call.stage_probabilities:
        return ""
    if not call.stage:
        return "Stage not sure: promyelocyte, myelocyte or metamyelocyte"
    share = call.stage_probabilities[call.stage]
    return f"Stage: {title(call.stage).lower()} {wording.percent(share)}"


def alt_text(call: WbcCall) -> str:
    """What a picture of this cell shows, for those who do not see it."""
    named = title(call.label).lower()
    return f"White cell called {named}, probability {wording.percent(call.probability)}"


def picture_of(session: SmearSession, index: int) -> CellPicture | None:
    """The picture of a cell of the field on show, if it was classified."""
    return next((cell for cell in session.field().white_cells if cell.index == index), None)


def draw_selected(session: SmearSession, index: int) -> None:
    """The cell that was clicked in the picture."""
    cell = session.field().finding.cells[index]
    picture = picture_of(session, index)
    with st.container(border=True, gap="xsmall"):
        if cell.wbc is None or picture is None:
            kind = {"rbc": "Red cell", "wbc": "White cell", "platelet": "Platelet"}[cell.kind]
            size = f"{cell.width_px:.0f} x {cell.height_px:.0f} px"
            st.markdown(f"**{kind}**, score {wording.percent(cell.score)}, {size}")
            if shape := field_shapes.hover_line(cell):
                st.markdown(shape)
            return
        left, right = st.columns([1, 2.2], gap="small", vertical_alignment="center")
        left.image(in_page(picture.large), width="stretch", alt=alt_text(cell.wbc))
        with right.container(gap="xxsmall"):
            marks = badges(cell.wbc)
            st.markdown(
                f"**{title(cell.wbc.label)}** {wording.percent(cell.wbc.probability)} {marks}"
            )
            for words in (stage_words(cell.wbc), alternatives(cell.wbc)):
                if words:
                    st.caption(words)
            if session.laboratory().is_foreign:
                st.caption(laboratory_badge(session))
            st.button(
                "Why this class",
                key="why_selected",
                type="tertiary",
                on_click=session.open,
                args=(session.field().key, index),
            )
