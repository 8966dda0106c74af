"""The pictures a reviewer looks at: one of each white cell, and one of each field."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.access.people import Person
from core.imaging.view import LONG_SIDE_PX, jpeg, shrink
from core.inference.locate.cell_crop import crop_cell, crop_side
from core.records import Box
from core.review.case.cases import CasePicture, picture_field
from core.review.reading.cells import ReviewCell
from core.review.record.errors import PictureLost
from core.review.record.review_store import ReviewStore
from core.slide.calibration import Calibration
from core.slide.scale import scale_of

_CELL_PX = 224
_THUMBNAIL_PX = 128
_FIELD_PX = 720
_MANY_FIELDS = 60
_FIELD_PX_OF_MANY = 420
"""All fields of a case are sent to the screen at once; of many, smaller ones."""


@dataclass(frozen=True)
class Sheet:
    """JPEG files: of cells by their number, of fields by their picture's number.

    ``um`` is how many micrometres the side of a cell's picture shows, ``scales`` what that rests on
    for each field; both lack what nobody knows.
    ``lost`` says which stored pictures could not be read, and why; their cells have none.
    """

    cells: dict[int, bytes]
    fields: dict[int, bytes]
    lost: tuple[str, ...]
    um: dict[int, float]
    scales: dict[int, str]


def sheet(
    store: ReviewStore,
    person: Person,
    fields: Sequence[CasePicture],
    cells: Sequence[ReviewCell],
    calibrations: Sequence[Calibration] = (),
) -> Sheet:
    """Pictures of these cells and of the fields they lie in, with their scale.

    Raises:
        NotAllowed: without the right to view.
    """
    inside: dict[int, list[ReviewCell]] = defaultdict(list)
    for cell in cells:
        inside[cell.picture_id].append(cell)
    long_side = _FIELD_PX if len(fields) <= _MANY_FIELDS else _FIELD_PX_OF_MANY
    small: dict[int, bytes] = {}
    large: dict[int, bytes] = {}
    um: dict[int, float] = {}
    scales: dict[int, str] = {}
    lost = []
    for field in fields:
        try:
            pixels = picture_field(store, person, field).pixels
        except PictureLost as why:
            lost.append(f"{field.name}: {why}")
            continue
        large[field.id] = jpeg(shrink(pixels, long_side), 82)
        diameter = field.finding().rbc_diameter_px
        scale = scale_of(field.width, field.height, diameter, calibrations)
        if scale is not None:
            scales[field.id] = scale.basis
        for cell in inside[field.id]:
            crop = crop_cell(pixels, cell.box_xyxy_px, diameter, _CELL_PX, mirrored=False)
            small[cell.id] = jpeg(crop, 86)
            if scale is not None:
                um[cell.id] = crop_side(cell.box_xyxy_px, diameter) * scale.um_per_px
    return Sheet(small, large, tuple(lost), um, scales)


def thumbnails(
    store: ReviewStore,
    person: Person,
    cells: Sequence[tuple[CasePicture, Box]],
    *,
    close: bool = False,
) -> list[bytes | None]:
    """A JPEG of each cell, in their order; None where the stored picture cannot be read.

    With ``close`` the cell fills its picture; without, all are drawn to one scale.

    Raises:
        NotAllowed: without the right to view.
    """
    inside: dict[int, list[int]] = defaultdict(list)
    for index, (field, _) in enumerate(cells):
        inside[field.id].append(index)
    found: list[bytes | None] = [None] * len(cells)
    for indices in inside.values():
        field = cells[indices[0]][0]
        try:
            pixels = picture_field(store, person, field).pixels
        except PictureLost:
            continue
        diameter = None if close else field.finding().rbc_diameter_px
        for index in indices:
            crop = crop_cell(pixels, cells[index][1], diameter, _THUMBNAIL_PX, mirrored=False)
            found[index] = jpeg(crop, 86)
    return found


def field_view(store: ReviewStore, person: Person, field: CasePicture) -> bytes:
    """One field as a JPEG, large enough to work on.

    Raises:
        NotAllowed: without the right to view.
        PictureLost: if the stored picture is gone or was changed.
    """
    return jpeg(shrink(picture_field(store, person, field).pixels, LONG_SIDE_PX))
