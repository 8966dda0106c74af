"""Gallery of the red cells that are not normal: by shape, the surest first."""

from typing import Final

import streamlit as st

from core.imaging.view import jpeg, pixels_of
from core.inference.batch import AnalysedField, Key
from core.inference.locate.cell_crop import crop_cell
from core.records import Box, Cell
from core.records.red_cell import SHAPES
from core.slide import judgement
from core.slide.red_cells.terms import title_of
from pages.parts import wording
from pages.parts.picture import in_page
from pages.parts.smear.session import SmearSession

_PER_PAGE: Final = 40
_CROP_PX: Final = 96

Odd = tuple[Key, int, Cell]


def draw(session: SmearSession) -> None:
    """The gallery with its filter; a press shows the cell in its field."""
    odd = _odd(session)
    if not odd:
        st.markdown("No cell of an odd shape was found in the fields that count.")
        return
    top, turn = st.columns([3, 2], vertical_alignment="bottom")
    there = {cell.shape.label for _, _, cell in odd if cell.shape}
    chosen = top.pills(
        "Odd shapes",
        [shape for shape in SHAPES if shape in there],
        format_func=lambda shape: f"{title_of(shape)} {_number(odd, shape)}",
        selection_mode="multi",
        key="odd_shapes",
    )
    shown = [one for one in odd if not chosen or (one[2].shape and one[2].shape.label in chosen)]
    page, pages = 1, -(-len(shown) // _PER_PAGE)
    if pages > 1:
        with turn.container(horizontal=True, horizontal_alignment="right"):
            page = st.pagination(pages, key="odd_page")
    with st.grid(columns=10, min_column_width=92, gap="small", key="odd_red_cells"):
        for key, index, cell in shown[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
            _card(session, key, index, cell)


def _odd(session: SmearSession) -> list[Odd]:
    found = [
        (key, index, cell)
        for key in session.order
        if judgement.is_included(session.finding(key))
        for index, cell in enumerate(session.finding(key).cells)
        if cell.shape and not cell.shape.not_judged and cell.shape.label != "normal"
    ]
    return sorted(found, key=lambda one: -one[2].shape.probability if one[2].shape else 0.0)


def _number(odd: list[Odd], shape: str) -> int:
    return sum(cell.shape is not None and cell.shape.label == shape for _, _, cell in odd)


def _card(session: SmearSession, key: Key, index: int, cell: Cell) -> None:
    shape = cell.shape
    if shape is None:
        return
    field = session.field(key)
    words = f"{title_of(shape.label)} {wording.percent(shape.probability)}"
    with st.container(gap="xxsmall"):
        st.image(in_page(_crop(key[0], cell.box_xyxy_px, field)), width="stretch", alt=words)
        st.button(
            words,
            key=f"odd-{key[0]}-{index}",
            type="tertiary",
            help=f"Show it in {wording.plain(field.finding.file)}",
            on_click=_show,
            args=(session, key, index),
        )


def _show(session: SmearSession, key: Key, index: int) -> None:
    session.show(key)
    session.cell = index


@st.cache_data(show_spinner=False, max_entries=2000)
def _crop(
    picture: str,  # which picture; the field is looked up by it and not compared
    box: Box,
    _field: AnalysedField,
) -> bytes:
    """The cell with some of its surroundings, cut from the view of the field."""
    pixels = pixels_of(_field.view)
    zoom = pixels.shape[1] / _field.finding.width
    x0, y0, x1, y1 = (side * zoom for side in box)
    return jpeg(crop_cell(pixels, (x0, y0, x1, y1), None, _CROP_PX, mirrored=False), 88)
