"""The files of a training set made of what was verified: cells in class folders, fields as YOLO."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NotRequired, TypedDict

import numpy as np

from core.datasets.intake.boxes.formats import BoxedPicture, write_yolo
from core.datasets.public.pbc import CELL_SHARE
from core.imaging.view import png
from core.inference.locate.cell_crop import crop_cell
from core.models.classifier import CROP_RBC_DIAMETERS, INPUT_PX
from core.records import Box, RgbImage
from core.review.learning.harvest import VerifiedField
from core.review.record import pictures
from core.review.record.review_store import ReviewStore
from core.taxonomy import KINDS

_FRAME_PX: Final = round(INPUT_PX / CELL_SHARE)

SetItem = TypedDict(
    "SetItem",
    {
        "case": int,
        "case_version": int,
        "group": str,
        "picture_sha256": str,
        "files": dict[str, str],
        "class": NotRequired[str],
        "named": NotRequired[str],
        "cell": NotRequired[int],
        "box_xyxy_px": NotRequired[list[float]],
        "proposed": NotRequired[str | None],
        "readers": NotRequired[list[str]],
        "boxes_corrected": NotRequired[bool],
    },
)
"""One line of a manifest: a cell (``class`` and what follows) or a field (``boxes_corrected``).

``group`` is the patient, ``files`` maps each file to its SHA-256.
"""


def framed(pixels: RgbImage, box: Box, rbc_diameter_px: float | None) -> RgbImage:
    """The cell as PBC's pictures show theirs, ``(213, 213, 3)``.

    The middle share ``CELL_SHARE``, which training cuts out, is what the classifier sees of it.
    """
    longest = max(box[2] - box[0], box[3] - box[1])
    seen = CROP_RBC_DIAMETERS * rbc_diameter_px if rbc_diameter_px else 1.6 * longest
    side = max(seen, 1.15 * longest) / CELL_SHARE
    return crop_cell(pixels, box, side / CROP_RBC_DIAMETERS, _FRAME_PX)


def write_cells(
    store: ReviewStore, fields: Iterable[VerifiedField], folder: Path
) -> Iterator[SetItem]:
    """Write every verified white cell as a picture in the folder of its class."""
    for field in fields:
        white = [cell for cell in field.cells if cell.kind == "wbc" and cell.label is not None]
        if not white:
            continue
        pixels = pictures.read(store, field.picture.sha256).pixels
        diameter = field.picture.finding().rbc_diameter_px
        for cell in white:
            name = f"{cell.label}/case{field.case_id}-cell{cell.id}.png"
            data = png(framed(pixels, cell.box_xyxy_px, diameter))
            item: SetItem = {
                **_origin(field, {name: write_file(folder / name, data)}),
                "class": str(cell.label),
                "cell": cell.id,
                "box_xyxy_px": list(cell.box_xyxy_px),
                "proposed": cell.proposed,
                "readers": list(cell.readers),
            }
            if cell.named != cell.label:
                # Kept, so that a later model may learn what today's classes do not divide.
                item["named"] = str(cell.named)
            yield item


def write_fields(
    store: ReviewStore, fields: Iterable[VerifiedField], folder: Path
) -> Iterator[SetItem]:
    """Write every field whose boxes a person looked at, with its boxes as YOLO text."""
    write_file(folder / "classes.txt", "".join(f"{kind}\n" for kind in KINDS).encode())
    for field in fields:
        if not field.boxes_looked_at:
            continue
        picture = field.picture
        stem = f"case{field.case_id}-field{picture.id}"
        corners = np.array([c.box_xyxy_px for c in field.cells], np.float32).reshape(-1, 4)
        kinds = tuple(cell.kind for cell in field.cells)
        boxed = BoxedPicture(f"images/{stem}.png", picture.width, picture.height, corners, kinds)
        data = pictures.read_bytes(store, picture.sha256)
        labels = write_yolo(boxed, KINDS).encode()
        files = {
            boxed.file: write_file(folder / boxed.file, data),
            f"labels/{stem}.txt": write_file(folder / f"labels/{stem}.txt", labels),
        }
        yield {**_origin(field, files), "boxes_corrected": field.boxes_corrected}


def _origin(field: VerifiedField, files: dict[str, str]) -> SetItem:
    return {
        "case": field.case_id,
        "case_version": field.version,
        "group": field.group,
        "picture_sha256": field.picture.sha256,
        "files": files,
    }


def group_table(items: Iterable[SetItem]) -> bytes:
    """A CSV that says which files belong to one patient, so that no split divides one."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "patient"])
    for item in items:
        writer.writerow([next(iter(item["files"])), item["group"]])
    return out.getvalue().encode()


def write_file(file: Path, data: bytes) -> str:
    """Write and wait until it is on the disk; returns its SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    return hashlib.sha256(data).hexdigest()
