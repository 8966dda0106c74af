"""The red cells behind a proposed grade, corrected by key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from core.access.people import Person
from core.access.rights import NotAllowed
from core.review.case import cases
from core.review.case.cases import Case, CasePicture
from core.review.reading.cells import ReviewCell
from core.review.reading.red_cells.shapes import NewShape, give_shapes
from core.review.reading.sheet import thumbnails
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.review_store import review_store
from core.slide.red_cells.terms import KEYS, REASONS, title_of
from core.store.database import DatabaseRefused
from pages.parts import signed_in
from pages.parts.picture import in_page
from pages.parts.wording import percent

_FOLDER: Final = Path(__file__).parent / "assets"
_KEY: Final = "review_shape_grid"
_ACK: Final = "review_shapes_ack"
_PER_PAGE: Final = 60

_grid = st.components.v2.component(
    "hemadesk_shape_grid",
    html=(_FOLDER / "grid.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "grid.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "grid.js").read_text(encoding="utf-8"),
)


@st.cache_data(show_spinner=False, max_entries=32)
def _pictures(
    key: str,  # which cells and boxes; the rest is looked up by it and not compared
    _who: Person,
    _cells: Sequence[ReviewCell],
    _fields: Mapping[int, CasePicture],
) -> list[bytes | None]:
    wanted = [(_fields[cell.picture_id], cell.box_xyxy_px) for cell in _cells]
    return thumbnails(review_store(), _who, wanted, close=True)


def behind(cells: Sequence[ReviewCell], shape: str) -> list[ReviewCell]:
    """Cells that the model or a reader gave this shape, the least sure first.

    A cell stays where a correction takes it away from the shape: its place must not jump.
    """

    def sure(cell: ReviewCell) -> float:
        return cell.shape.probability if cell.shape else 1.0

    found = [cell for cell in cells if cell.included and shape in _said(cell)]
    return sorted(found, key=lambda cell: (sure(cell), cell.id))


def _said(cell: ReviewCell) -> set[str | None]:
    said: set[str | None] = (
        {one.shape for one in cell.given_shape.by} if cell.given_shape else set()
    )
    if cell.shape is not None and not cell.shape.not_judged:
        said.add(cell.shape.label)
    return said


def differing(cells: Sequence[ReviewCell]) -> list[ReviewCell]:
    """Cells to which the two readers gave different shapes, also those settled since."""
    return [
        cell
        for cell in cells
        if cell.included and cell.given_shape and cell.given_shape.was_different
    ]


def draw(who: Person, case: Case, found: Sequence[ReviewCell], name: str, closed: str) -> None:
    """A page of the grid of these cells, which ``name`` tells from another grid of the case.

    ``closed`` says why nothing can be changed, or is empty.
    """
    if not found:
        st.caption("No cell of this shape.")
        return
    pages = -(-len(found) // _PER_PAGE)
    page = st.pagination(pages, key=f"shape_page_{name}") if pages > 1 else 1
    shown = found[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    fields = {one.id: one for one in cases.case_pictures_of(review_store(), who, case.id)}
    boxes = hash(tuple((cell.id, *cell.box_xyxy_px) for cell in shown))
    pictures = _pictures(f"{case.id}-{boxes:x}", who, shown, fields)
    st.session_state["review_shapes_case"] = case.id
    _grid(
        key=_KEY,
        data={
            "key": f"{case.id}-{case.version}-{case.reading}-{who.subject}-{name}-{page}",
            "cells": [_row(cell, picture) for cell, picture in zip(shown, pictures, strict=True)],
            "shapes": [
                {"name": name, "key": letter, "title": title_of(name)}
                for name, letter in KEYS.items()
            ],
            "closed": closed,
            "ack": st.session_state.get(_ACK),
        },
        on_batch_change=_received,
    )


def _row(cell: ReviewCell, picture: bytes | None) -> dict[str, object]:
    given = cell.given_shape
    return {
        "id": cell.id,
        "source": in_page(picture) if picture else "",
        "machine": _machine(cell),
        "given": given.shape if given else None,
        "differs": _differs(cell),
        "revision": given.revision if given else 0,
    }


def _machine(cell: ReviewCell) -> str:
    if cell.shape is None:
        return "not put before the model"
    if cell.shape.not_judged:
        return REASONS[cell.shape.not_judged]
    return f"{title_of(cell.shape.label)} {percent(cell.shape.probability)}"


def _differs(cell: ReviewCell) -> str:
    """What each reader called it, where they differ and nobody settled it."""
    given = cell.given_shape
    if given is None or not given.differs:
        return ""
    return "; ".join(f"{one.reader_name}: {title_of(one.shape or '')}" for one in given.by)


def _received() -> None:
    sent: Any = (st.session_state.get(_KEY) or {}).get("batch")
    case_id = st.session_state.get("review_shapes_case")
    if sent and case_id is not None:
        error = _save(case_id, sent["ops"])
        st.session_state[_ACK] = {"batch": sent["batch"], "error": error}


def _save(case_id: int, ops: Sequence[Mapping[str, Any]]) -> str:
    """What to say; empty where all was saved."""
    given = [NewShape(int(op["cell"]), op["shape"], int(op["revision"])) for op in ops]
    told = []
    try:
        while given:
            try:
                give_shapes(review_store(), signed_in.person(), case_id, given)
                break
            except StaleEdit as stale:
                # The others of the batch are not held back by those that somebody else changed.
                told += [
                    f"{one.by or 'Somebody else'} called a cell {one.theirs} in the meantime; "
                    f"yours was {one.yours}. Nothing was overwritten."
                    for one in stale.conflicts
                ]
                stale_cells = {one.row for one in stale.conflicts}
                given = [new for new in given if new.cell_id not in stale_cells]
    except (NotAllowed, CaseRefused) as refusal:
        return f"Not saved: {refusal}."
    except (DatabaseRefused, SQLAlchemyError):
        return "Not saved: the database does not answer. Press the keys again."
    return " ".join(told)
