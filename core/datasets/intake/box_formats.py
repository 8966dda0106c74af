"""Boxes on pictures as other programs keep them: Pascal VOC, YOLO and COCO, read and written.

Everything goes through :class:`BoxedPicture`. Corners are pixels from the upper left corner of the
picture, 0 to width and 0 to height; VOC's own tools begin at 1, today's do not, so neither do we.
Nothing here stops at a bad file: it is left out, and listed with its reason.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.datasets.intake.box_files import (
    by_stem,
    coco_of,
    files_ending,
    has_tag,
    nearest,
    picture_files,
    text_of,
    xml_of,
    yolo_names,
)
from core.datasets.skipped import DataRefused, Skipped

Layout = Literal["voc", "yolo", "coco"]
Boxes = npt.NDArray[np.float32]

_CLASS_FILES: Final = ("classes.txt", "obj.names", "data.yaml", "dataset.yaml")


@dataclass(frozen=True)
class BoxedPicture:
    """One picture and the boxes on it.

    ``file`` is its path below the set's folder, with slashes; ``boxes_xyxy_px`` is ``(N, 4)``
    float32 as x0, y0, x1, y1; ``names`` has the class of each box as the file calls it.
    """

    file: str
    width_px: int
    height_px: int
    boxes_xyxy_px: Boxes
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.boxes_xyxy_px.shape != (len(self.names), 4):
            raise ValueError(
                f"{self.file}: {self.boxes_xyxy_px.shape} boxes, {len(self.names)} names"
            )


@dataclass(frozen=True)
class BoxSet:
    """What a folder holds: its pictures by name, and what was left out of it.

    ``mended`` are pictures that are used without a box of theirs that has no area.
    """

    layout: Layout
    pictures: tuple[BoxedPicture, ...]
    skipped: tuple[Skipped, ...]
    mended: tuple[Skipped, ...] = ()


def layout_of(root: Path) -> Layout | None:
    """Which of the three lies in a folder; None if none does."""
    if any(has_tag(file, "object") for file in files_ending(root, ".xml")):
        return "voc"
    if any(coco_of(file) is not None for file in files_ending(root, ".json")):
        return "coco"
    stems = {file.stem for file in picture_files(root)}
    return "yolo" if any(file.stem in stems for file in files_ending(root, ".txt")) else None


def read_boxes(root: Path) -> BoxSet:
    """Every picture below ``root`` that has boxes, whichever layout it is in.

    Raises:
        DataRefused: if there is no annotation of any of the three kinds.
    """
    readers: dict[Layout, Callable[[Path], BoxSet]] = {
        "voc": read_voc,
        "yolo": read_yolo,
        "coco": read_coco,
    }
    layout = layout_of(root)
    if layout is None:
        raise DataRefused(
            f"no boxes in {root.name}; expected are VOC (an .xml for each picture), YOLO (a .txt "
            "for each picture and classes.txt) or COCO (one .json)"
        )
    return readers[layout](root)


# ---- Pascal VOC ----------------------------------------------------------------------------


def read_voc(root: Path) -> BoxSet:
    """One ``.xml`` for each picture, of the same name."""
    files = by_stem(files_ending(root, ".xml"))

    def boxes(picture: Path, width: int, height: int) -> tuple[list[list[float]], list[str]]:
        file = nearest(picture, files)
        tree = xml_of(file)
        corners, names = [], []
        for item in tree.iter("object"):
            sides = [item.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
            if None in sides:
                raise ValueError(f"{file.name} has an object without its four sides")
            corners.append([float(str(side)) for side in sides])
            names.append(str(item.findtext("name", "")).strip())
        return corners, names

    return _read_each(root, "voc", boxes)


def write_voc(picture: BoxedPicture) -> str:
    """The text of the ``.xml`` that stands for one picture."""
    top = ElementTree.Element("annotation")
    ElementTree.SubElement(top, "filename").text = PurePosixPath(picture.file).name
    size = ElementTree.SubElement(top, "size")
    for name, value in (("width", picture.width_px), ("height", picture.height_px), ("depth", 3)):
        ElementTree.SubElement(size, name).text = str(value)
    for name, box in zip(picture.names, picture.boxes_xyxy_px, strict=True):
        item = ElementTree.SubElement(top, "object")
        ElementTree.SubElement(item, "name").text = name
        ElementTree.SubElement(item, "difficult").text = "0"
        sides = ElementTree.SubElement(item, "bndbox")
        for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ElementTree.SubElement(sides, side).text = _short(value)
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode") + "\n"


# ---- YOLO ----------------------------------------------------------------------------------


def read_yolo(root: Path) -> BoxSet:
    """One ``.txt`` for each picture: ``class cx cy w h`` in shares of the picture.

    The names of the classes are taken from ``classes.txt``, ``obj.names`` or a ``data.yaml``;
    without one a class keeps its number.
    """
    known = [yolo_names(file) for name in _CLASS_FILES for file in sorted(root.rglob(name))]
    classes = known[0] if known else {}
    files = by_stem([f for f in files_ending(root, ".txt") if f.name not in _CLASS_FILES])

    def boxes(picture: Path, width: int, height: int) -> tuple[list[list[float]], list[str]]:
        file = nearest(picture, files)
        corners, names = [], []
        for number, line in enumerate(text_of(file).splitlines(), start=1):
            words = line.split()
            if not words:
                continue
            if len(words) != 5:
                raise ValueError(f"{file.name}, line {number}: {len(words)} values instead of 5")
            x, y, w, h = (float(word) for word in words[1:])
            if not all(0 <= value <= 1 for value in (x, y, w, h)):
                raise ValueError(f"{file.name}, line {number}: a share outside 0 to 1")
            left, top = (x - w / 2) * width, (y - h / 2) * height
            corners.append([left, top, left + w * width, top + h * height])
            names.append(classes.get(int(words[0]), words[0]))
        return corners, names

    return _read_each(root, "yolo", boxes)


def write_yolo(picture: BoxedPicture, classes: Sequence[str]) -> str:
    """The text of the ``.txt`` that stands for one picture; ``classes`` is ``classes.txt``.

    Raises:
        ValueError: for a box whose class is not among them.
    """
    size = np.array([picture.width_px, picture.height_px], np.float64)
    lines = []
    for name, box in zip(picture.names, picture.boxes_xyxy_px.astype(np.float64), strict=True):
        if name not in classes:
            raise ValueError(f"{picture.file}: {name!r} is not among {', '.join(classes)}")
        shares = [*((box[:2] + box[2:]) / 2 / size), *((box[2:] - box[:2]) / size)]
        lines.append(f"{list(classes).index(name)} " + " ".join(f"{s:.8f}" for s in shares))
    return "".join(line + "\n" for line in lines)


# ---- COCO ----------------------------------------------------------------------------------


def read_coco(root: Path) -> BoxSet:
    """One ``.json`` (or several) with ``images``, ``annotations`` and ``categories``."""
    listed: dict[str, tuple[list[list[float]], list[str]]] = {}
    for file in files_ending(root, ".json"):
        said = coco_of(file)
        if said is None:
            continue
        try:
            names = {row["id"]: str(row["name"]) for row in said["categories"]}
            boxes: dict[Any, list[Any]] = defaultdict(list)
            for row in said["annotations"]:
                boxes[row["image_id"]].append(row)
            for image in said["images"]:
                rows = boxes[image["id"]]
                corners = [
                    [float(x), float(y), float(x) + float(w), float(y) + float(h)]
                    for x, y, w, h in (row["bbox"] for row in rows)
                ]
                key = PurePosixPath(str(image["file_name"])).name
                listed[key] = corners, [names[row["category_id"]] for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise DataRefused(f"{file.name} is not a COCO file: {error!r}") from error

    def of(picture: Path, width: int, height: int) -> tuple[list[list[float]], list[str]]:
        if picture.name not in listed:
            raise FileNotFoundError
        return listed[picture.name]

    return _read_each(root, "coco", of)


def write_coco(pictures: Sequence[BoxedPicture], classes: Sequence[str]) -> str:
    """The text of the ``.json`` that stands for a whole set. Identifiers count from 1.

    Raises:
        ValueError: for a box whose class is not among ``classes``.
    """
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
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
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


# ---- what they share -----------------------------------------------------------------------


def _read_each(
    root: Path,
    layout: Layout,
    boxes: Callable[[Path, int, int], tuple[list[list[float]], list[str]]],
) -> BoxSet:
    pictures, skipped, mended = [], [], []
    for path in picture_files(root):
        shown = path.relative_to(root).as_posix()
        try:
            with Image.open(path) as image:
                width, height = image.size
        except (OSError, SyntaxError, Image.DecompressionBombError):
            skipped.append(Skipped(shown, "it cannot be read as a picture"))
            continue
        try:
            corners, names = boxes(path, width, height)
        except FileNotFoundError:
            skipped.append(Skipped(shown, "no boxes are given for it"))
            continue
        except (ValueError, ElementTree.ParseError) as error:
            skipped.append(Skipped(shown, f"its boxes cannot be read: {error}"))
            continue
        limit = np.array([width, height, width, height], np.float32)
        cut = np.clip(np.array(corners, np.float32).reshape(-1, 4), 0, limit)
        # A corner that is no number compares as false, so its box has none either.
        good = np.all((cut[:, 2:] - cut[:, :2]) > 0, axis=1)
        if not good.all():
            mended.append(Skipped(shown, f"{(~good).sum()} boxes without area are left out"))
        kept = tuple(name for name, fine in zip(names, good.tolist(), strict=True) if fine)
        pictures.append(BoxedPicture(shown, width, height, cut[good].astype(np.float32), kept))
    return BoxSet(layout, tuple(pictures), tuple(skipped), tuple(mended))


def _short(value: float) -> str:
    """Two decimals, and none where they are noughts: ``12``, ``12.5``."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"
