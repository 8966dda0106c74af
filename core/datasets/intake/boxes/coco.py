"""COCO: one ``.json`` or several with ``images``, ``annotations`` and ``categories``."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from pydantic import JsonValue

from core.datasets.intake.boxes.box_set import Annotation, BoxedPicture, BoxSet, read_each
from core.datasets.intake.boxes.files import JsonObject
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.matching import assign
from core.datasets.intake.numbers import decimal
from core.datasets.intake.split.part_names import part_of_name
from core.datasets.intake.tree import Tree
from core.datasets.skipped import DataRefused

_SAME_BOX: Final = 0.9
_SAME_CELL: Final = 0.5
"""Overlap (IoU) from which boxes of two files are one cell drawn twice."""
_MOST_NOTES: Final = 20
_FEWEST_BOXES: Final = 3
"""Boxes from which their common form says what their numbers are."""


def read_coco(tree: Tree, files: Mapping[str, JsonObject]) -> BoxSet:
    """Pictures with the boxes that all files together give them.

    Two files that label the same picture are merged where they add up; where they draw one cell
    under two classes, or differently, the picture is left out.

    Args:
        tree: the files.
        files: path -> content, as :func:`core.datasets.intake.boxes.files.coco_of` read it.

    Raises:
        DataRefused: if a file gives one number to two classes.
    """
    masks = masks_of(tree)
    pictures = [file for file in tree.pictures if file not in masks]
    given: dict[str, list[tuple[str, Annotation]]] = defaultdict(list)
    why: dict[str, str] = {}
    notes: list[str] = []
    for file, content in files.items():
        labels, annotations = _annotations(file, content, notes)
        found = assign(labels, file, pictures)
        for picture, numbers in found.of_picture.items():
            given[picture] += [(file, annotations[number]) for number in numbers]
        for _number, reason in found.unmatched.items():
            notes.append(f"{file}: {reason}")
            for picture in pictures if "equally well" in reason else ():
                if picture in reason:
                    why[picture] = f"no boxes are given for it alone: in {file}, {reason}"
    merged = sorted({" and ".join(dict.fromkeys(f for f, _ in rows)) for rows in given.values()})
    notes += [
        f"{both} label the same pictures and are merged" for both in merged if " and " in both
    ]

    def annotation(picture: str, width: int, height: int) -> Annotation:
        if picture not in given:
            raise FileNotFoundError(why.get(picture, "no boxes are given for it"))
        return _together(given[picture])

    if len(notes) > _MOST_NOTES:
        notes = [*notes[:_MOST_NOTES], f"and {len(notes) - _MOST_NOTES} such remarks more"]
    return read_each(tree, "coco", annotation, notes)


def _annotations(
    file: str, content: JsonObject, notes: list[str]
) -> tuple[list[str], list[Annotation]]:
    """Names of the pictures of one file, and the annotation of each."""
    names: dict[str, str] = {}
    for row in _rows(content["categories"]):
        number, name = str(row.get("id")), str(row.get("name", "")).strip()
        if names.setdefault(number, name) != name:
            raise DataRefused(
                f"{file} contradicts itself: category {number} is {names[number]} and {name}"
            )
    entries: dict[str, list[JsonObject]] = defaultdict(list)
    images = [
        (file_name, row)
        for row in _rows(content["images"])
        if isinstance(file_name := row.get("file_name"), str) and file_name.strip()
    ]
    names_of: dict[str, set[str]] = defaultdict(set)
    for file_name, row in images:
        names_of[str(row.get("id"))].add(file_name)
    known = names_of.keys()
    for row in _rows(content["annotations"]):
        number = str(row.get("image_id"))
        if number not in known:
            notes.append(
                f"{file}: entry {row.get('id')} is of picture {number}, which is not listed"
            )
        entries[number].append(row)
    _check_no_corners(file, entries, {str(row.get("id")): row for _, row in images})
    part = part_of_name(PurePosixPath(file).stem)
    annotations = []
    for _, image in images:
        corners, kinds, odd = [], [], []
        for row in entries[str(image.get("id"))]:
            try:
                box, name = _entry(row, names)
            except ValueError as error:
                odd.append(f"{file}, entry {row.get('id')} is left out: {error}")
                continue
            corners.append(box)
            kinds.append(name)
        size = (_number(image.get("width")), _number(image.get("height")))
        two = sorted(names_of[str(image.get("id"))])[:2]
        refused = (
            f"{file} gives {two[0]} and {two[1]} one number, so its boxes are not its own"
            if len(two) > 1
            else ""
        )
        annotations.append(
            Annotation(corners, kinds, size if min(size) > 0 else None, odd, part, refused)
        )
    return [file_name for file_name, _ in images], annotations


def _check_no_corners(
    file: str, entries: Mapping[str, Sequence[JsonObject]], images: Mapping[str, JsonObject]
) -> None:
    """Raises DataRefused for boxes that are x0, y0, x1, y1 where COCO has x, y, width, height.

    They are known by all of them being rising corners inside the picture, which sides of cells are
    not, and one reaching beyond the picture if its last two numbers are taken for sides.
    """
    count, reaches_beyond = 0, False
    for number, rows in entries.items():
        image = images.get(number, {})
        width, height = _number(image.get("width")), _number(image.get("height"))
        for row in rows:
            box = row.get("bbox")
            if not isinstance(box, list) or len(box) != 4:
                continue
            x, y, third, fourth = (_coordinate(value) for value in box)
            if not (third > x and fourth > y):  # also where one is no number
                return
            count += 1
            if min(width, height) > 0:
                if third > width + 1 or fourth > height + 1:
                    return
                reaches_beyond |= x + third > width + 1 or y + fourth > height + 1
    if count >= _FEWEST_BOXES and reaches_beyond:
        raise DataRefused(
            f"the boxes of {file} are corners (x0, y0, x1, y1): COCO has x, y, width and height. "
            "Export it anew"
        )


def _rows(value: JsonValue) -> list[JsonObject]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _number(value: JsonValue) -> float:
    """A finite number, -1 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return -1.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return -1.0
    return number if np.isfinite(number) else -1.0


def _entry(row: JsonObject, names: dict[str, str]) -> tuple[list[float], str]:
    """Corners and class of one entry. Raises ValueError with the reason why it has none."""
    category = str(row.get("category_id"))
    if not names.get(category):
        raise ValueError(f"its category {category[:20]} is not listed")
    if row.get("iscrowd") in (1, True, "1"):
        raise ValueError("it is a crowd, no single cell")
    box = row.get("bbox")
    if isinstance(box, list) and len(box) == 4:
        x, y, w, h = (_coordinate(value) for value in box)
        if np.isfinite([x, y, w, h]).all():
            return [x, y, x + w, y + h], names[category]
        raise ValueError("its bbox is not four numbers")
    if box:
        raise ValueError("its bbox is not four numbers")
    polygons = row.get("segmentation")
    values = [
        [_coordinate(value) for value in polygon]
        for polygon in (polygons if isinstance(polygons, list) else [])
        if isinstance(polygon, list)
    ]
    if values and all(len(p) >= 6 and len(p) % 2 == 0 and np.isfinite(p).all() for p in values):
        across = [v for p in values for v in p[0::2]]
        down = [v for p in values for v in p[1::2]]
        return [min(across), min(down), max(across), max(down)], names[category]
    raise ValueError("it has neither a bbox nor a polygon")


def _coordinate(value: JsonValue) -> float:
    """A number, also one written as text; NaN for anything else."""
    if isinstance(value, str):
        try:
            return decimal(value)
        except ValueError:
            return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("nan")


def _together(given: Sequence[tuple[str, Annotation]]) -> Annotation:
    """The boxes of several files on one picture. Raises ValueError where they contradict."""
    (file, first), *others = given
    refused = next((one.refused for _, one in given if one.refused), "")
    if refused:
        raise ValueError(refused)
    for other, more in others:
        if more.size_px and first.size_px and more.size_px != first.size_px:
            raise ValueError(f"{file} and {other} give it two sizes")
        corners, names = [*first.corners], [*first.names]
        for box, name in zip(more.corners, more.names, strict=True):
            overlaps = [_iou(box, own) for own in first.corners]
            best = int(np.argmax(overlaps)) if overlaps else -1
            if best >= 0 and overlaps[best] >= _SAME_CELL:
                if first.names[best] == name and overlaps[best] >= _SAME_BOX:
                    continue
                x, y = (round((box[side] + box[side + 2]) / 2) for side in (0, 1))
                raise ValueError(
                    f"{file} and {other} contradict each other at {x}, {y}: {first.names[best]} "
                    f"and {name}"
                )
            corners.append(box)
            names.append(name)
        part = first.part if first.part == more.part else ""
        odd = [*first.odd, *more.odd]
        first = Annotation(corners, names, first.size_px or more.size_px, odd, part)
    return first


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = across * down
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return both / (areas - both) if areas > both else 0.0


def write_coco(pictures: Sequence[BoxedPicture], classes: Sequence[str]) -> str:
    """The text of the ``.json`` that stands for a whole set. Identifiers count from 1.

    Raises:
        ValueError: for a box whose class is not among ``classes``.
    """
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    images: list[dict[str, str | int]] = []
    annotations: list[JsonObject] = []
    for image_id, picture in enumerate(pictures, start=1):
        images.append(
            {
                "id": image_id,
                "file_name": picture.file,
                "width": picture.width_px,
                "height": picture.height_px,
            }
        )
        for name, box in zip(picture.names, picture.boxes_xyxy_px.tolist(), strict=True):
            if name not in numbers:
                raise ValueError(f"{picture.file}: {name!r} is not among {', '.join(classes)}")
            x0, y0, x1, y1 = box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": numbers[name],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "segmentation": [],
                    "iscrowd": 0,
                }
            )
    categories = [
        {"id": number, "name": name, "supercategory": "cell"} for name, number in numbers.items()
    ]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})
