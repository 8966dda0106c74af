"""YOLO: one ``.txt`` for each picture, and the names of the classes in a file of their own."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import yaml

from core.datasets.intake.boxes.box_set import Annotation, BoxedPicture, BoxSet, read_each
from core.datasets.intake.boxes.files import text_of
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.namesakes import Namesakes, place_of
from core.datasets.intake.numbers import decimal
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.tree import Tree, folder_of
from core.datasets.skipped import DataRefused

CLASS_FILES: Final = ("classes.txt", "obj.names", "data.yaml", "dataset.yaml", "data.yml")
_OTHER_TEXTS: Final = ("classes.txt", "readme.txt", "readme.dataset.txt", "readme.roboflow.txt")
_SLACK: Final = 0.01
"""How far a share may lie outside 0 to 1: programs round."""

Names = dict[int, str]


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

    def annotation(picture: str, width: int, height: int) -> Annotation:
        file = namesakes.of(picture)
        names_of = lists.of(file)
        corners, names, odd = [], [], []
        for number, line in enumerate(text_of(tree.path(file)).splitlines(), start=1):
            if not line.strip():
                continue
            try:
                label, shares = _line(line)
            except ValueError as error:
                odd.append(f"{file}, line {number}: {error}")
                continue
            corners.append([s * side for s, side in zip(shares, (width, height) * 2, strict=True)])
            names.append(names_of.get(label, str(label)))
        return Annotation(corners, names, None, odd)

    return read_each(tree, "yolo", annotation, lists.notes)


def _line(line: str) -> tuple[int, tuple[float, float, float, float]]:
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
    shares = values[1:]
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


class ClassLists:
    """The class lists of a folder, and which of them speaks for a label file."""

    def __init__(self, tree: Tree) -> None:
        self._lists: dict[str, Names] = {}
        for file in tree.files:
            if file.rpartition("/")[2].casefold() not in CLASS_FILES:
                continue
            try:
                with reading(file):
                    names = _names(file, text_of(tree.path(file)))
            except FileRefused as refusal:
                raise DataRefused(str(refusal)) from refusal
            if names:
                self._lists[file] = names
        self.notes: list[str] = []
        files = [*self._lists]
        for other in files[1:]:
            if _disagree(self._lists[files[0]], self._lists[other]):
                self.notes.append(
                    f"{files[0]} and {other} list the classes differently: each is used for its "
                    "own folder"
                )
                break
        self._known: dict[str, Names] = {}

    def of(self, file: str) -> Names:
        """Number -> name for the label file.

        Raises:
            DataRefused: if two lists speak for it and disagree.
        """
        folder = folder_of(file)
        if folder not in self._known:
            self._known[folder] = self._merged(file)
        return self._known[folder]

    def _merged(self, file: str) -> Names:
        place = place_of(file)
        above = [one for one in self._lists if place_of(one) == place[: len(place_of(one))]]
        names: Names = {}
        by: dict[int, str] = {}
        # A list elsewhere (meta/classes.txt) speaks for folders that have none of their own.
        for one in above or [*self._lists]:
            for number, name in self._lists[one].items():
                if number in names and names[number].casefold() != name.casefold():
                    raise DataRefused(
                        f"{by[number]} and {one} disagree: class {number} is {names[number]} "
                        f"in one and {name} in the other. Keep the right list"
                    )
                names.setdefault(number, name)
                by.setdefault(number, one)
        return names


def _disagree(a: Names, b: Names) -> bool:
    return any(
        number in b and b[number].casefold() != name.casefold() for number, name in a.items()
    )


def _names(file: str, text: str) -> Names:
    if not file.casefold().endswith((".yaml", ".yml")):
        lines = [line.strip() for line in text.splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        # An empty line keeps its number: leaving it out would move every class after it.
        return {number: name for number, name in enumerate(lines) if name}
    content = yaml.safe_load(text)
    names: Any = content.get("names") if isinstance(content, dict) else None
    if names is None:
        return {}
    if isinstance(names, list):
        found = {number: str(name).strip() for number, name in enumerate(names)}
    elif isinstance(names, dict):
        found = {int(number): str(name).strip() for number, name in names.items()}
    else:
        raise FileRefused(f"{file}: names is neither a list nor a mapping")
    said = content.get("nc")
    if isinstance(said, int) and said != len(found):
        raise FileRefused(f"{file} contradicts itself: nc is {said}, names has {len(found)}")
    return found


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
