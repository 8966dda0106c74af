"""What a model proposes for white cells that a reader drew: the program's finding has none of them.

A proposal is shown and can be accepted; it is stored nowhere, since the program did not find the
cell by itself.
"""

from collections.abc import Sequence

from core.access.people import Person
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.classify import call_crops
from core.models.weights import LoadedModel
from core.records import Box, WbcCall
from core.review.case.cases import picture_field
from core.review.record.case_rows import CasePicture
from core.review.record.review_store import ReviewStore


def proposals(
    store: ReviewStore,
    person: Person,
    field: CasePicture,
    boxes: Sequence[Box],
    model: LoadedModel,
) -> list[WbcCall]:
    """The model's call of each box of a field, in their order.

    Args:
        store: the database and its folder.
        person: who asks.
        field: the field the boxes were drawn in.
        boxes: in pixels of the stored picture.
        model: a white-cell model.

    Raises:
        NotAllowed: without the right to read.
        PictureLost: if the stored picture is gone or was changed.
        WeightsRefused: if the model cannot be used.
    """
    pixels = picture_field(store, person, field).pixels
    diameter = field.finding().rbc_diameter_px
    return call_crops([crop_cell(pixels, box, diameter) for box in boxes], model)
