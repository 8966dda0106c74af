"""Reading class folders of cells that a laboratory brings: what is there, what can be learnt.

Nothing here stops at a bad file: it is skipped, and listed with its reason.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.datasets import near_duplicates
from core.datasets.catalogue import PICTURES
from core.datasets.cell_names import UNDIVIDED, class_of_folder, subtype_of_file
from core.datasets.pbc import LabelledCell
from core.datasets.splits import grouped_split
from core.imaging.read import ImageRefused, read_path
from core.settings import Settings
from core.taxonomy import WBC_CLASSES

SHARES: Final = (0.7, 0.2, 0.1)
PARTS: Final = ("training", "validation", "test")
MIN_GROUPS: Final = 10
"""Groups a class needs, so that each part gets one: 0.1 of them must be at least one."""

MIN_SIDE_PX: Final = 32
_GROUP_COLUMNS: Final = ("patient", "slide", "photo", "group")
_FILE_COLUMNS: Final = ("file", "filename", "image", "name")


class DataRefused(ValueError):
    """A folder that cannot be trained on; the message says why and what is expected."""


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class CellIntake:
    """What a folder of cells holds.

    ``cells`` can be learnt from; ``groups`` says for each which others must stay on its side;
    ``parts`` are their indices for training, validation and test. ``problems`` are the reasons
    why nothing can be trained, empty if it can.
    """

    root: Path
    cells: tuple[LabelledCell, ...]
    groups: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...]
    grouped_by: str
    skipped: tuple[Skipped, ...]
    duplicates: tuple[tuple[str, ...], ...]
    near_duplicates: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that can be learnt, in the order of the taxonomy."""
        found = {cell.label for cell in self.cells}
        return tuple(name for name in WBC_CLASSES if name in found)

    def part(self, number: int) -> list[LabelledCell]:
        """Cells of training (0), validation (1) or test (2)."""
        return [self.cells[i] for i in self.parts[number]]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Class -> cells in training, validation and test."""
        each = [Counter(cell.label for cell in self.part(n)) for n in range(len(self.parts))]
        return {name: tuple(count[name] for count in each) for name in self.classes}


def read_cells(
    root: Path,
    settings: Settings,
    *,
    names: Mapping[str, str] | None = None,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> CellIntake:
    """Take in class folders of single cells, anywhere under ``root``.

    Args:
        root: the folder. A CSV directly in it with a file column and one called patient, slide,
            photo or group says what belongs together; near-duplicates always do.
        settings: limits of pictures.
        names: folder name -> class, where the names are not ones that are known.
        seed: same seed, same split.
        report: told how many of how many files are done.

    Raises:
        DataRefused: if there is no such folder or no picture in it.
    """
    if not root.is_dir():
        raise DataRefused(f"{root} is not a folder")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURES)
    # A link could lead to any file of this machine.
    files = [p for p in files if p.is_file() and not p.is_symlink()]
    if not files:
        raise DataRefused(
            f"no pictures in {root.name}; expected is a folder for each class with its cells in it"
        )
    skipped: list[Skipped] = []
    found, hashes, shas = [], [], []
    for done, path in enumerate(files):
        report(done, len(files))
        label = _label(path, names or {})
        if label is None:
            folder = path.parent.name if path.parent != root else "no class folder"
            skipped.append(Skipped(_shown(path, root), f"unknown class: {folder}"))
            continue
        try:
            field = read_path(path, settings, min_side_px=MIN_SIDE_PX)
        except ImageRefused as refusal:
            skipped.append(Skipped(_shown(path, root), refusal.message))
            continue
        found.append(LabelledCell(path, label))
        hashes.append(near_duplicates.difference_hash(field.pixels))
        shas.append(field.sha256)
    report(len(files), len(files))

    keep, duplicates = _without_copies(found, shas, root, skipped)
    undivided = [i for i in keep if found[i].label == UNDIVIDED]
    keep = [i for i in keep if found[i].label != UNDIVIDED]
    notes = []
    if undivided:
        notes.append(
            f"{len(undivided)} neutrophils are not called segmented or band, so they are left out; "
            f"name their folder's class below to use them."
        )
    near = _groups([hashes[i] for i in keep])
    near_count = len(near) - len(set(near))
    table, column = _group_table(root)
    groups = _joined(near, [table.get(found[i].path.name) for i in keep])

    few = _too_few([str(found[i].label) for i in keep], groups)
    notes += [f"{name} is left out: {why}" for name, why in few.items()]
    chosen = [n for n, i in enumerate(keep) if found[i].label not in few]
    cells = tuple(found[keep[n]] for n in chosen)
    kept_groups = tuple(groups[n] for n in chosen)
    labels = [str(cell.label) for cell in cells]
    parts = grouped_split(kept_groups, labels, SHARES, seed) if cells else [[], [], []]
    return CellIntake(
        root=root,
        cells=cells,
        groups=kept_groups,
        parts=tuple(tuple(part) for part in parts),
        grouped_by=f"{column} and near-duplicates" if column else "near-duplicates",
        skipped=tuple(skipped),
        duplicates=tuple(duplicates),
        near_duplicates=near_count,
        notes=tuple(notes),
        problems=tuple(_problems(labels, parts)),
    )


def _label(path: Path, names: Mapping[str, str]) -> str | None:
    folder = path.parent.name
    label = names.get(folder) or class_of_folder(folder)
    if label == UNDIVIDED:
        return subtype_of_file(path.stem) or label
    return label


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _without_copies(
    found: Sequence[LabelledCell], shas: Sequence[str], root: Path, skipped: list[Skipped]
) -> tuple[list[int], list[tuple[str, ...]]]:
    """Indices to keep, and the groups of equal files; ones under two classes are not kept."""
    same: dict[str, list[int]] = defaultdict(list)
    for index, sha in enumerate(shas):
        same[sha].append(index)
    keep, duplicates = [], []
    for indices in same.values():
        shown = tuple(_shown(found[i].path, root) for i in indices)
        if len(indices) > 1:
            duplicates.append(shown)
        if len({found[i].label for i in indices}) > 1:
            others = "the same picture lies under more than one class"
            skipped += [Skipped(name, others) for name in shown]
            continue
        keep.append(indices[0])
        skipped += [Skipped(name, f"the same picture as {shown[0]}") for name in shown[1:]]
    return sorted(keep), duplicates


def _groups(hashes: Sequence[near_duplicates.Bits]) -> list[int]:
    if not hashes:
        return []
    return [int(group) for group in near_duplicates.groups(np.stack(hashes))]


def _group_table(root: Path) -> tuple[dict[str, str], str]:
    """File name -> patient (or slide ...) and the column's name; empty without such a table."""
    for file in sorted(root.glob("*.csv")):
        with file.open(newline="", encoding="utf-8-sig", errors="replace") as handle:
            rows = csv.DictReader(handle)
            columns = {name.strip().casefold(): name for name in rows.fieldnames or []}
            by = next((name for name in _GROUP_COLUMNS if name in columns), None)
            what = next((name for name in _FILE_COLUMNS if name in columns), None)
            if by and what:
                said = [(row[columns[what]], row[columns[by]]) for row in rows]
                return {Path(name).name: group for name, group in said if name and group}, by
    return {}, ""


def _joined(near: Sequence[int], said: Sequence[str | None]) -> list[int]:
    """Groups that join what is near and what is said to belong together."""
    parent = list(range(len(near)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[object, int] = {}
    for index, keys in enumerate(zip(near, said, strict=True)):
        for key in keys:
            if key is not None:
                parent[root(index)] = root(first.setdefault((type(key), key), index))
    return [root(i) for i in range(len(near))]


def _too_few(labels: Sequence[str], groups: Sequence[int]) -> dict[str, str]:
    members: dict[str, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        members[label].add(group)
    return {
        name: f"{len(found)} separate pictures, at least {MIN_GROUPS} are needed"
        for name, found in members.items()
        if len(found) < MIN_GROUPS
    }


def _problems(labels: Sequence[str], parts: Sequence[Sequence[int]]) -> list[str]:
    classes = set(labels)
    if len(classes) < 2:
        return [
            f"{len(classes)} {'class' if len(classes) == 1 else 'classes'} with enough cells; "
            f"at least two are needed, each with {MIN_GROUPS} separate pictures"
        ]
    return [
        f"no {name} falls into the {title} part; more groups of it are needed"
        for part, title in zip(parts, PARTS, strict=True)
        for name in sorted(classes - {labels[i] for i in part})
        if title != "test"
    ]
