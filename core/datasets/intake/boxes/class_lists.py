"""The class lists of YOLO: which number means which class, in which folder."""

import json
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Final

from core.datasets.intake.boxes.files import text_of
from core.datasets.intake.namesakes import place_of
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.split.split_lists import YAML_ENDINGS, settings_of
from core.datasets.intake.tree import Tree, folder_of
from core.datasets.skipped import DataRefused

_TEXT_FILES: Final = ("classes.txt", "obj.names", "_darknet.labels")
_SETTINGS: Final = ("data.yaml", "dataset.yaml", "data.yml")
_NOTES: Final = "notes.json"
"""Label Studio writes the classes once more here."""

Names = dict[int, str]


@dataclass(frozen=True)
class Classes:
    """Number -> name, and whether lines hold key points behind the box.

    ``is_settled``: a ``data.yaml`` speaks, which would say that there are key points.
    """

    names: Names = dataclass_field(default_factory=dict)
    has_key_points: bool = False
    is_settled: bool = False


class ClassLists:
    """The class lists of a folder, and which of them speaks for a label file."""

    def __init__(self, tree: Tree) -> None:
        self._lists: dict[str, Classes] = {}
        for file in tree.files:
            name = file.rpartition("/")[2].casefold()
            is_usual = name in (*_TEXT_FILES, *_SETTINGS)
            if not is_usual and name != _NOTES and not name.endswith((".names", *YAML_ENDINGS)):
                continue
            try:
                with reading(file):
                    classes = _classes(tree, file)
            except FileRefused as refusal:
                if is_usual or "contradicts" in str(refusal):
                    raise DataRefused(str(refusal)) from refusal
                continue  # settings of another kind
            if classes.names or classes.has_key_points:
                self._lists[file] = classes
        self.notes: list[str] = []
        files = [*self._lists]
        for other in files[1:]:
            if _disagree(self._lists[files[0]].names, self._lists[other].names):
                self.notes.append(
                    f"{files[0]} and {other} list the classes differently: each is used for its "
                    "own folder"
                )
                break
        self._known: dict[str, Classes] = {}

    def of(self, file: str) -> Classes:
        """What the lists say that speak for the label file.

        Raises:
            DataRefused: if two lists speak for it and disagree.
        """
        folder = folder_of(file)
        if folder not in self._known:
            self._known[folder] = self._merged(file)
        return self._known[folder]

    def _merged(self, file: str) -> Classes:
        place = place_of(file)
        above = [one for one in self._lists if place_of(one) == place[: len(place_of(one))]]
        names: Names = {}
        by: dict[int, str] = {}
        # A list elsewhere (meta/classes.txt) speaks for folders that have none of their own.
        speaking = above or [*self._lists]
        for one in speaking:
            for number, name in self._lists[one].names.items():
                if number in names and names[number].casefold() != name.casefold():
                    raise DataRefused(
                        f"{by[number]} and {one} disagree: class {number} is {names[number]} "
                        f"in one and {name} in the other. Keep the right list"
                    )
                names.setdefault(number, name)
                by.setdefault(number, one)
        return Classes(
            names,
            any(self._lists[one].has_key_points for one in speaking),
            any(self._lists[one].is_settled for one in speaking),
        )


def _disagree(a: Names, b: Names) -> bool:
    return any(
        number in b and b[number].casefold() != name.casefold() for number, name in a.items()
    )


def _classes(tree: Tree, file: str) -> Classes:
    name = file.casefold()
    if name.endswith(_NOTES):
        content = json.loads(text_of(tree.path(file)))
        rows = content.get("categories") if isinstance(content, dict) else None
        return Classes({int(row["id"]): str(row["name"]).strip() for row in rows or ()})
    if not name.endswith(YAML_ENDINGS):
        lines = [line.strip() for line in text_of(tree.path(file)).splitlines()]
        # An empty line keeps its number: leaving it out would move every class after it.
        return Classes({number: name for number, name in enumerate(lines) if name})
    content = settings_of(tree, file)
    names = content.get("names")
    if names is None:
        return Classes()
    if isinstance(names, list):
        found = {number: str(name).strip() for number, name in enumerate(names)}
    elif isinstance(names, dict):
        found = {int(str(number)): str(name).strip() for number, name in names.items()}
    else:
        raise FileRefused(f"{file}: names is neither a list nor a mapping")
    count = content.get("nc")
    if isinstance(count, int) and count != len(found):
        raise FileRefused(f"{file} contradicts itself: nc is {count}, names has {len(found)}")
    return Classes(found, content.get("kpt_shape") is not None, is_settled=True)
