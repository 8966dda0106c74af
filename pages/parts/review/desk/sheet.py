"""The pictures of the desk, sent once: cells, fields, and published cells to compare them with."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.access.people import Person
from core.review.case.cases import Case, CasePicture
from core.review.reading.cells import ReviewCell
from core.review.reading.licensed_pictures import licensed_cells
from core.review.reading.reference_cells import LOOK_ALIKES
from core.review.reading.sheet import Sheet, sheet
from core.review.record.review_store import ReviewStore, review_store
from core.settings import settings
from core.slide.calibration import CALIBRATIONS, read_calibrations
from core.taxonomy import answer_labels, title
from pages.parts.picture import in_page
from pages.parts.review.desk.assets import read_assets

_REFERENCES: Final = 3
"""Published cells of a class beside the one that is read; ``W`` shows more, and the site's own."""

_sheet = st.components.v2.component("hemadesk_review_sheet", js=read_assets("sheet.js"))


@st.cache_data(show_spinner="Cutting out the cells", max_entries=6)
def _pictures(
    key: str,  # which cells and boxes; the rest is looked up by it and not compared
    _desk_of: ReviewStore,
    _who: Person,
    _fields: Sequence[CasePicture],
    _cells: Sequence[ReviewCell],
) -> Sheet:
    try:
        calibrations = read_calibrations(settings().var / CALIBRATIONS)
    except ValueError:
        calibrations = ()  # the page Settings says what is wrong; the red cells give a scale
    return sheet(_desk_of, _who, _fields, _cells, calibrations)


def sheet_key(case: Case, cells: Sequence[ReviewCell]) -> str:
    """Changes when a cell comes, goes or moves, and with nothing else."""
    boxes = tuple(sorted((cell.id, *cell.box_xyxy_px) for cell in cells))
    return f"case-{case.id}-{hash(boxes):x}"


def draw(
    who: Person, case: Case, fields: Sequence[CasePicture], cells: Sequence[ReviewCell]
) -> None:
    """Send the pictures; outside the fragment, so that no key sends them again."""
    key = sheet_key(case, cells)
    pictures = _pictures(key, review_store(), who, fields, cells)
    _sheet(
        key="review_sheet",
        data={
            "key": key,
            "cells": {str(number): in_page(data) for number, data in pictures.cells.items()},
            "references": _references(),
            "alike": dict(LOOK_ALIKES),
            "um": {str(number): round(um, 2) for number, um in pictures.um.items()},
            "fields": {
                str(field.id): {
                    "source": in_page(pictures.fields[field.id]),
                    "name": field.name,
                    "width": field.width,
                    "height": field.height,
                    "scale": pictures.scales.get(field.id, ""),
                }
                for field in fields
                if field.id in pictures.fields
            },
        },
        height=1,
    )
    for reason in pictures.lost:
        st.error(f"A picture of this case cannot be shown. {reason}.", icon=":material/error:")


@st.cache_data(show_spinner=False, max_entries=1)
def _references() -> dict[str, list[dict[str, str]]]:
    """Published cells of each class, a few, with where they come from."""
    return {
        label: [
            {"source": in_page(one.file.read_bytes()), "from": f"{title(one.label)}. {one.credit}"}
            for one in licensed_cells(label)[:_REFERENCES]
        ]
        for label in answer_labels()
    }
