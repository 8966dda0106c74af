"""The component that shows one field with its boxes, and takes what the mouse did to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from core.records import Box
from core.review.case.cases import Case, CasePicture
from core.review.reading import boxes
from core.review.reading.abnormalities import Seen
from core.review.reading.cells import ReviewCell
from core.review.record.review_store import review_store
from pages.parts.kinds import STYLES
from pages.parts.picture import in_page
from pages.parts.review.boxes import tools
from pages.parts.wording import several

_FOLDER: Final = Path(__file__).parent / "assets"
_KEY: Final = "review_field_editor"
_SPOT_OF_UNKNOWN_PX: Final = 40.0
_SPOT_IN_RED_CELLS: Final = 1.2
"""Side of the box that a click makes."""

_editor = st.components.v2.component(
    "hemadesk_field_editor",
    html=(_FOLDER / "field.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "field.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "field.js").read_text(encoding="utf-8"),
)


def draw(
    case: Case,
    picture: CasePicture,
    view: bytes,
    here: Sequence[ReviewCell],
    seen: Sequence[Seen],
    closed: str,
) -> None:
    """The field. ``view`` is its JPEG, ``here`` the cells that are there."""
    state = st.session_state
    diameter = picture.finding().rbc_diameter_px or _SPOT_OF_UNKNOWN_PX
    words = f"Field {picture.name} with {several(len(here), 'box', 'boxes')}"

    def moved() -> None:
        sent = _sent("moved")
        if sent is None:
            return
        cell, box = int(sent["cell"]), _box(sent["box"])
        tools.do(
            lambda who: boxes.change_box(
                review_store(), who, case.id, cell, int(sent["revision"]), box_xyxy_px=box
            )
        )

    _editor(
        key=_KEY,
        data={
            "key": f"{case.id}-{picture.id}",
            "source": in_page(view),
            "width": picture.width,
            "height": picture.height,
            "words": words,
            "cells": [
                {
                    "id": cell.id,
                    "kind": cell.kind,
                    "box": list(cell.box_xyxy_px),
                    "revision": cell.revision,
                }
                # Small ones last, so that a cell on top of another can be chosen.
                for cell in sorted(here, key=lambda one: -_area(one.box_xyxy_px))
            ],
            "looks": {
                kind: {"colour": one.colour, "width": one.width_px, "dash": one.dash}
                for kind, one in STYLES.items()
            },
            "places": [
                {"title": one.title, "box": list(one.box_xyxy_px)}
                for one in seen
                if one.picture_id == picture.id and one.box_xyxy_px is not None
            ],
            "chosen": state.get("review_box"),
            "draws": state.get("review_mode") == tools.DRAW,
            "drawn": state.get("review_drawn"),
            "spot": _SPOT_IN_RED_CELLS * diameter,
            "closed": closed,
        },
        on_picked_change=_picked,
        on_drawn_change=_drawn,
        on_moved_change=moved,
    )


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _sent(name: str) -> Any:
    return (st.session_state.get(_KEY) or {}).get(name)


def _box(sides: Sequence[float]) -> Box:
    x0, y0, x1, y1 = (float(side) for side in sides)
    return x0, y0, x1, y1


def _picked() -> None:
    sent = _sent("picked")
    if sent is not None:
        st.session_state["review_box"] = sent["cell"]


def _drawn() -> None:
    sent = _sent("drawn")
    if sent is not None:
        st.session_state["review_drawn"] = _box(sent["box"])
