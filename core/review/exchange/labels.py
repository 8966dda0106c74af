"""The boxes and verified classes of a case as labels for other programs, pictures included.

A white cell carries its verified class; without one it is plainly ``wbc``: what only the machine
said is no label. The files read back the same (:mod:`core.datasets.intake.boxes.formats`).
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, Literal, get_args

import numpy as np

from core.datasets.intake.boxes.formats import (
    BoxedPicture,
    write_coco,
    write_data_yaml,
    write_voc,
    write_yolo,
)
from core.imaging.view import png
from core.review.exchange.contents import CaseContents, slug, verified_label
from core.taxonomy import KINDS, WBC_CLASSES, reader_classes

LabelFormat = Literal["coco", "yolo", "voc", "folders"]
LABEL_FORMATS: Final[tuple[LabelFormat, ...]] = get_args(LabelFormat)

_CROP_MARGIN: Final = 0.35
"""Round a cell of a class folder, so that whoever looks at it sees its neighbours."""


def box_names() -> tuple[str, ...]:
    """Names of boxes in the order of their numbers, the same in every export.

    The models' classes first, then the readers', the site's own last: a class that a site adds at
    the end of its list moves no number.
    """
    readers = (one.label for one in reader_classes())
    return tuple(dict.fromkeys((*KINDS, *WBC_CLASSES, *readers)))


def boxed(contents: CaseContents) -> tuple[BoxedPicture, ...]:
    """Every field of the case that counts, with its boxes and their names."""
    found = []
    for picture in contents.counting_fields:
        cells = contents.cells_of(picture)
        corners = np.array([cell.box_xyxy_px for cell in cells], np.float32).reshape(-1, 4)
        limit = np.array([picture.width, picture.height] * 2, np.float32)
        names = tuple(
            (verified_label(cell) or "wbc") if cell.kind == "wbc" else cell.kind for cell in cells
        )
        found.append(
            BoxedPicture(
                f"images/{contents.file_name(picture)}",
                picture.width,
                picture.height,
                np.clip(corners, 0, limit),
                names,
            )
        )
    return tuple(found)


def label_files(contents: CaseContents, layout: LabelFormat) -> Iterator[tuple[str, bytes]]:
    """The files of one layout: path with slashes, content.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
    """
    if layout == "folders":
        yield from _folders(contents)
        return
    pictures = boxed(contents)
    for picture, labels in zip(contents.counting_fields, pictures, strict=True):
        yield labels.file, contents.png(picture)
        stem = PurePosixPath(labels.file).stem
        if layout == "voc":
            yield f"annotations/{stem}.xml", write_voc(labels).encode()
        elif layout == "yolo":
            yield f"labels/{stem}.txt", write_yolo(labels, box_names()).encode()
    if layout == "coco":
        yield "annotations.json", write_coco(pictures, box_names()).encode()
    elif layout == "yolo":
        yield "classes.txt", "".join(f"{name}\n" for name in box_names()).encode()
        yield "data.yaml", write_data_yaml(box_names(), [p.file for p in pictures]).encode()


def label_zip(contents: CaseContents, layout: LabelFormat) -> bytes:
    """The files of :func:`label_files` as one ZIP archive. Raises PictureLost."""
    out = io.BytesIO()
    # Pictures are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in label_files(contents, layout):
            archive.writestr(name, data)
    return out.getvalue()


def _folders(contents: CaseContents) -> Iterator[tuple[str, bytes]]:
    """A crop of each identified white cell in the folder of its class, and who belongs together."""
    wanted = [
        cell
        for cell in contents.cells
        if cell.kind == "wbc" and cell.included and verified_label(cell) is not None
    ]
    stem = slug(contents.case.accession)
    groups = [("file", "patient")]
    for cell, crop in zip(wanted, contents.crops(wanted, _CROP_MARGIN), strict=True):
        label = str(verified_label(cell))
        name = f"{stem}_{cell.id:06d}.png"
        groups.append((name, stem))
        yield f"{label}/{name}", png(np.ascontiguousarray(crop))
    out = io.StringIO()
    csv.writer(out).writerows(groups)
    # Cells of one patient must stay on one side of a split.
    yield "groups.csv", out.getvalue().encode()
