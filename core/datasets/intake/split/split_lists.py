"""Lists and tables by which a set is divided.

VOC's ``ImageSets/Main/train.txt``, Darknet's ``train.txt``, the folders that a ``data.yaml`` or an
``obj.data`` names, a column ``split``, and tables called ``train.csv`` and ``test.csv``.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import yaml

from core.datasets.intake.columns import FILE, SPLIT_COLUMNS
from core.datasets.intake.matching import GENERIC, assign
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.split.part_names import part_of_name
from core.datasets.intake.table_files import text_of
from core.datasets.intake.tables import read_tables
from core.datasets.intake.tree import Tree, folders_of, stem_of

YAML_ENDINGS: Final = (".yaml", ".yml")

_MAX_LIST_BYTES: Final = 50_000_000
_MAX_YAML_BYTES: Final = 1_000_000
"""PyYAML reads a megabyte in about a second."""

_Claims = dict[str, dict[str, str]]
"""Picture -> part -> the file that says so."""


def listed_parts(
    tree: Tree, pictures: Sequence[str], notes: list[str]
) -> tuple[list[str], dict[int, str]]:
    """The part of each picture by lists and tables ("" for none), and why some have none.

    Args:
        tree: the set.
        pictures: paths below it.
        notes: a sentence about each list that names pictures that are not there is added.
    """
    claims: _Claims = defaultdict(dict)
    for file, part, lines in _lists(tree):
        _claim(claims, file, part, lines, pictures, notes)
    for file, part, folder in _named_folders(tree):
        for picture in _inside(folder, pictures):
            claims[picture].setdefault(part, file)
    _claim_by_tables(claims, tree, pictures)
    names, contradicted = [], {}
    for i, picture in enumerate(pictures):
        parts = claims.get(picture, {})
        names.append(next(iter(parts)) if len(parts) == 1 else "")
        if len(parts) > 1:
            contradicted[i] = ", ".join(f"{file} says {part}" for part, file in parts.items())
    return names, contradicted


def settings_of(tree: Tree, file: str) -> dict[object, object]:
    """What a YAML file holds; empty where it is no mapping.

    Raises:
        FileRefused: if it is too large or no YAML.
    """
    with reading(file):
        content = yaml.safe_load(text_of(tree.path(file), _MAX_YAML_BYTES))
        return content if isinstance(content, dict) else {}


def _claim(
    claims: _Claims,
    file: str,
    part: str,
    lines: Sequence[str],
    pictures: Sequence[str],
    notes: list[str],
) -> None:
    found = assign(lines, file, pictures)
    if not found.of_picture:
        return  # a text of another kind that is called test
    for picture in found.of_picture:
        claims[picture].setdefault(part, file)
    if found.unmatched:
        count = len(found.unmatched)
        lines_name = "1 line names" if count == 1 else f"{count} lines name"
        notes.append(f"{file}: {lines_name} no picture of the set, or not one alone")


def _lists(tree: Tree) -> Iterator[tuple[str, str, list[str]]]:
    """Texts that are called train, val or test, or that another file names as such."""
    stems = {stem_of(picture) for picture in tree.pictures}
    part_of = {
        file: part
        for file in tree.ending(".txt")
        if stem_of(file) not in stems and (part := part_of_name(stem_of(file)))
    }
    together = [file for file in tree.ending(".txt") if stem_of(file).casefold() == "trainval"]
    if "training" not in part_of.values():
        # Only where training and validation are not listed one by one.
        part_of |= dict.fromkeys(together, "training")
    for file, part, entry in _named_folders(tree):
        if entry.lower().endswith(".txt"):
            last = entry.replace("\\", "/").rpartition("/")[2]
            here = [one for one in tree.ending(".txt") if one.rpartition("/")[2] == last]
            if len(here) == 1 and file not in part_of:
                part_of.setdefault(here[0], part)
    for file, part in part_of.items():
        try:
            with reading(file):
                lines = text_of(tree.path(file), _MAX_LIST_BYTES).splitlines()
        except FileRefused:
            continue
        yield file, part, [_picture_in(line) for line in lines if line.strip()]


def _picture_in(line: str) -> str:
    """VOC's lists for one class write ``000012 -1``, its lists of masks two paths."""
    words = line.split()
    if len(words) == 2 and (words[1] in ("-1", "0", "1") or "/" in words[1]):
        return words[0]
    return line.strip()


def _named_folders(tree: Tree) -> Iterator[tuple[str, str, str]]:
    """File, part and folder (or list) of each entry of a ``data.yaml`` or ``obj.data``."""
    for file in tree.ending(*YAML_ENDINGS, ".data"):
        try:
            if file.lower().endswith(".data"):
                with reading(file):
                    lines = text_of(tree.path(file), _MAX_YAML_BYTES).splitlines()
                pairs = (line.partition("=") for line in lines)
                content: dict[object, object] = {k.strip(): v.strip() for k, _, v in pairs}
            else:
                content = settings_of(tree, file)
        except FileRefused:
            continue
        entries = {
            part: [one for one in (value if isinstance(value, list) else [value])
                   if isinstance(one, str) and one.strip()]
            for key, value in content.items()
            if (part := part_of_name(str(key)))
        }  # fmt: skip
        every = [one for folders in entries.values() for one in folders]
        for part, folders in entries.items():
            for folder in folders:
                if every.count(folder) == 1:  # one folder for all parts divides nothing
                    yield file, part, folder.strip()


def _inside(folder: str, pictures: Sequence[str]) -> list[str]:
    """Pictures in the folder that an entry means: as much of its end as there is in the set."""
    if folder.lower().endswith(".txt"):
        return []
    parts = [p for p in folder.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    for length in range(len(parts), 0, -1):
        tail = tuple(parts[-length:])
        if length == 1 and tail[0].casefold() in GENERIC and len(parts) > 1:
            return []
        inside = [
            picture
            for picture in pictures
            for folders in (folders_of(picture),)
            if any(folders[i : i + length] == tail for i in range(len(folders) - length + 1))
        ]
        if inside:
            return inside
    return []


def _claim_by_tables(claims: _Claims, tree: Tree, pictures: Sequence[str]) -> None:
    for table, rows in read_tables(tree, FILE).by_table().items():
        file, _, sheet = table.partition("#")
        column = next((c for c in SPLIT_COLUMNS if c in rows[0].cells), None)
        of_table = part_of_name(stem_of(file)) or part_of_name(sheet)
        if column is None and not of_table:
            continue
        found = assign([row.cells["file"] for row in rows], file, pictures)
        for picture, numbers in found.of_picture.items():
            for row in (rows[number] for number in numbers):
                word = row.cells.get(column, "") if column and not row.odd else ""
                part = part_of_name(word) or of_table
                if part:
                    claims[picture].setdefault(part, row.place)
