"""YOLO: one ``.txt`` for each picture, and the names of the classes in a file of their own."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Final, Literal

import numpy as np
import yaml

from core.datasets.intake.boxes.box_set import Annotation, BoxedPicture, BoxSet, read_each
from core.datasets.intake.boxes.class_lists import ClassLists
from core.datasets.intake.boxes.files import text_of
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.namesakes import Namesakes
from core.datasets.intake.numbers import decimal
from core.datasets.intake.tree import Tree, stem_of
from core.datasets.skipped import DataRefused

_OTHER_TEXTS: Final = ("classes.txt", "readme.txt", "readme.dataset.txt", "readme.roboflow.txt")
_UNCLEAR: Final = (
    "{} values that may be a polygon or a box with key points: only a data.yaml tells, with "
    "kpt_shape for key points and without for polygons"
)
_BOX: Final = 6
"""Values of a line with a box and how sure a program was of it."""
_FEWEST_BOXES: Final = 3
_SLACK: Final = 0.01
"""How far a share may lie outside 0 to 1: programs round."""


def label_files(tree: Tree) -> list[str]:
    """The ``.txt`` files that may hold boxes."""
    return [
        file
        for file in tree.ending(".txt")
        if file.rpartition("/")[2].casefold() not in _OTHER_TEXTS
    ]


def read_yolo(tree: Tree) -> BoxSet:
    """Lines ``class cx cy w h`` in shares of the picture, or polygons ``class x y x y ...``.

    Class numbers mean what the class list of their folder says, or of one above it; without a list
    a class keeps its number.

    Raises:
        DataRefused: if two lists for the same folder disagree, or one cannot be read.
    """
    lists = ClassLists(tree)
    namesakes = Namesakes(tree, label_files(tree), [*masks_of(tree)])
    form = _form_of_set(tree)
    if form == "corners":
        raise DataRefused(
            f"the boxes of {tree.root.name} are corners (x0, y0, x1, y1): YOLO has the centre, the "
            "width and the height. Export it anew"
        )

    def annotation(picture: str, width: int, height: int) -> Annotation:
        file = namesakes.of(picture)
        classes = lists.of(file)
        corners, names, odd = [], [], []
        for number, line in enumerate(text_of(tree.path(file)).splitlines(), start=1):
            if not line.strip():
                continue
            try:
                label, shares = _line(line, classes.has_key_points)
                if form == "key points" and not classes.is_settled and len(line.split()) > _BOX:
                    raise ValueError(_UNCLEAR.format(len(line.split())))
            except ValueError as error:
                odd.append(f"{file}, line {number}: {error}")
                continue
            corners.append([s * side for s, side in zip(shares, (width, height) * 2, strict=True)])
            names.append(classes.names.get(label, str(label)))
        return Annotation(corners, names, None, odd)

    return read_each(tree, "yolo", annotation, lists.notes)


def _form_of_set(tree: Tree) -> Literal["corners", "key points", ""]:
    """What the numbers of all lines together are, where a single line does not say it.

    ``corners``: all are x0, y0, x1, y1 of boxes, not their centre and sides. ``key points``: all
    may be a box with points inside, though they would pass for polygons too.
    """
    stems = {stem_of(file) for file in tree.pictures}
    rows: list[list[float]] = []
    for file in label_files(tree):
        if stem_of(file) in stems:
            with suppress(ValueError):  # what is wrong with it is said when its picture is read
                rows += [
                    [decimal(word) for word in line.split()[1:]]
                    for line in text_of(tree.path(file)).splitlines()
                    if line.strip()
                ]
    boxes = [row for row in rows if len(row) in (4, 5)]
    if len(boxes) >= _FEWEST_BOXES and len(boxes) == len(rows):
        rising = all(row[0] < row[2] <= 1 and row[1] < row[3] <= 1 for row in boxes)
        beyond = any(
            row[i] + row[i + 2] / 2 > 1 + _SLACK or row[i] - row[i + 2] / 2 < -_SLACK
            for row in boxes
            for i in (0, 1)
        )
        return "corners" if rising and beyond else ""
    lengths = {len(row) for row in rows}
    if len(lengths) == 1 and len(rows[0]) >= 8 and len(rows[0]) % 2 == 0:
        return "key points" if all(map(_holds_its_points, rows)) else ""
    return ""


def _holds_its_points(shares: Sequence[float]) -> bool:
    """Do the first four numbers make a box inside the picture that holds the points after them?"""
    x, y, w, h = shares[:4]
    left, right, top, bottom = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    inside = all(-_SLACK <= side <= 1 + _SLACK for side in (left, right, top, bottom))
    return inside and all(
        left - _SLACK <= across <= right + _SLACK and top - _SLACK <= down <= bottom + _SLACK
        for across, down in zip(shares[4::2], shares[5::2], strict=True)
    )


def _line(line: str, has_key_points: bool) -> tuple[int, tuple[float, float, float, float]]:
    """Class and x0, y0, x1, y1 in shares of the picture. Raises ValueError with the reason."""
    words = line.replace(";", " ").split()
    if len(words) == 1:
        words = line.replace(",", " ").split()
    if len(words) < 5:
        raise ValueError(f"{len(words)} values instead of 5")
    values = [decimal(word) for word in words]
    label = values[0]
    if label < 0 or label != int(label) or label > 1e6:
        raise ValueError(f"{words[0]!r} is no class number")
    shares = values[1:5] if has_key_points else values[1:]
    if not has_key_points and _may_be_key_points(shares):
        raise ValueError(_UNCLEAR.format(len(words)))
    polygon = len(shares) >= 6 and len(shares) % 2 == 0
    # The sixth value of a prediction is how sure a program was of it.
    used = shares if polygon else shares[:4]
    if not polygon and len(shares) not in (4, 5):
        raise ValueError(f"{len(words)} values: neither a box nor a polygon")
    if not all(-_SLACK <= value <= 1 + _SLACK for value in used):
        pixels = " (these look like pixels)" if max(used) > 2 else ""
        raise ValueError(f"a share outside 0 to 1{pixels}")
    if polygon:
        across, down = used[0::2], used[1::2]
        return int(label), (min(across), min(down), max(across), max(down))
    x, y, w, h = used
    return int(label), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def _may_be_key_points(shares: Sequence[float]) -> bool:
    """A box and points of x, y and whether each is visible (0, 1 or 2)."""
    rest = shares[4:]
    return len(rest) >= 3 and len(rest) % 3 == 0 and all(seen in (0, 1, 2) for seen in rest[2::3])


def write_yolo(picture: BoxedPicture, classes: Sequence[str]) -> str:
    """The text of the ``.txt`` that stands for one picture; ``classes`` is the class list.

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


def write_data_yaml(classes: Sequence[str], pictures: Sequence[str]) -> str:
    """The text of the ``data.yaml`` by which Ultralytics' programs open a set.

    ``pictures`` are paths below the set's folder. The set is not divided: the folder stands for
    training and validation both, since the programs ask for the two.
    """
    folders = sorted({str(PurePosixPath(file).parent) for file in pictures}) or ["images"]
    place = folders[0] if len(folders) == 1 else folders
    content = {
        "path": ".",
        "train": place,
        "val": place,
        "nc": len(classes),
        "names": dict(enumerate(classes)),
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
