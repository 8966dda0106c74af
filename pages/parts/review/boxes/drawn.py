"""The live model's proposals for white cells that a reader drew, computed once for each box."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import streamlit as st

from core.access.people import Person
from core.models import registry
from core.models.weights import LoadedModel, WeightsRefused
from core.records import Box, WbcCall
from core.review.case.cases import CasePicture
from core.review.reading.cells import ReviewCell
from core.review.reading.drawn_cells import proposals
from core.review.record.errors import PictureLost
from core.review.record.review_store import review_store


@st.cache_data(show_spinner=False, max_entries=256)
def _calls(
    key: str,  # model and picture; the rest is looked up by it and not compared
    boxes: tuple[Box, ...],
    _who: Person,
    _field: CasePicture,
    _model: LoadedModel,
) -> list[WbcCall]:
    return proposals(review_store(), _who, _field, boxes, _model)


def drawn_calls(
    who: Person, fields: Sequence[CasePicture], cells: Sequence[ReviewCell]
) -> Mapping[int, WbcCall]:
    """By cell; empty where nobody drew a white cell, or no model or picture can be used."""
    drawn: dict[int, list[ReviewCell]] = defaultdict(list)
    for cell in cells:
        # A cell of the second look without the model's answer keeps it hidden.
        if cell.kind == "wbc" and cell.place is None and not cell.deleted and not cell.blind:
            drawn[cell.picture_id].append(cell)
    found: dict[int, WbcCall] = {}
    if not drawn:
        return found
    try:
        model = registry.live("wbc")
        for field in fields:
            here = sorted(drawn.get(field.id, ()), key=lambda cell: cell.id)
            if here:
                boxes = tuple(cell.box_xyxy_px for cell in here)
                calls = _calls(f"{model.identity} {field.sha256}", boxes, who, field, model)
                found |= {cell.id: call for cell, call in zip(here, calls, strict=True)}
    except (PictureLost, WeightsRefused):
        return found  # the cell is named without a proposal
    return found
