"""Reading fields that a laboratory brings: with boxes, or with counts in a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.datasets.intake.boxes.formats import BoxedPicture, read_boxes
from core.datasets.intake.cell_names import class_of_folder
from core.datasets.intake.imported_set import (
    MIN_GROUPS,
    PARTS,
    Groups,
    Intake,
    Item,
    Locked,
    ReadPicture,
    Report,
    divide,
    grouped,
    parts_of,
    picture_files,
    read_picture,
    silent,
    without_copies,
    without_locked,
)
from core.datasets.intake.numbers import whole
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.tables import FILE_COLUMNS, Tables, no_row, read_tables, rows_of_pictures
from core.datasets.intake.tree import Tree
from core.datasets.skipped import DataRefused, Skipped
from core.settings import Settings
from core.taxonomy import KINDS, NOT_LEUKOCYTES

_OTHER_NAMES: Final = {
    "rbc": "rbc rbcs redcell redcells redbloodcell redbloodcells erythrocyte erythrocytes "
    "erythrozyten",
    "wbc": "wbc wbcs whitecell whitecells whitebloodcell whitebloodcells leukocyte leukocytes "
    "leucocyte leucocytes leukozyten",
    "platelet": "platelet platelets plt plts thrombocyte thrombocytes thrombozyten",
}
_KIND_OF: Final = {other: kind for kind, said in _OTHER_NAMES.items() for other in said.split()}
_COLUMNS: Final = {kind: (kind, *said.split()) for kind, said in _OTHER_NAMES.items()}


@dataclass(frozen=True)
class CountedField:
    """A field and how many cells of each kind a person counted, ``(3,)`` in order of ``KINDS``."""

    path: Path
    cells: npt.NDArray[np.int64]

    def counts(self) -> npt.NDArray[np.int64]:
        """The same as of a field with boxes."""
        return self.cells


def kind_of_name(name: str) -> str | None:
    """Kind of cell that a box's name stands for: any white-cell class is a white cell."""
    plain = re.sub(r"[^a-z]", "", name.casefold())
    if plain in _KIND_OF:
        return _KIND_OF[plain]
    label = class_of_folder(name)
    return "wbc" if label is not None and label not in NOT_LEUKOCYTES else None


@never_breaks
def read_boxed_fields(
    root: Path,
    settings: Settings,
    *,
    names: Mapping[str, str] | None = None,
    seed: int = 0,
    report: Report = silent,
    locked: Locked | None = None,
) -> Intake[LabelledField]:
    """Take in fields with VOC, YOLO or COCO boxes.

    Args:
        root: the folder; see :func:`core.datasets.intake.imported_set.grouped` for its table.
        settings: limits of pictures.
        names: a box's name -> kind of cell, "" to leave such boxes out.
        seed: same seed, same split.
        report: told how many of how many pictures are done.
        locked: a test set whose pictures and copies are left out.

    Raises:
        DataRefused: if there is no such folder, or nothing with boxes in it.
    """
    tree = picture_files(root, "pictures and their boxes as VOC, YOLO or COCO", [])
    boxes = read_boxes(root)
    known = {**{name: kind_of_name(name) for p in boxes.pictures for name in p.names}}
    meant = {name: (names or {}).get(name, kind) for name, kind in known.items()}
    skipped, pictures, fields, parts = list(boxes.skipped), [], [], []
    for done, boxed in enumerate(boxes.pictures):
        report(done, len(boxes.pictures))
        read = read_picture(root / boxed.file, root, settings, settings.min_side_px, skipped)
        if read is None:
            continue
        field = _field(read.path, boxed, meant)
        if (read.width_px, read.height_px) != (boxed.width_px, boxed.height_px):
            skipped.append(Skipped(boxed.file, "it is stored turned, so its boxes do not fit it"))
        elif boxed.names and not len(field.kinds) and all(meant[n] == "" for n in boxed.names):
            skipped.append(Skipped(boxed.file, "all of its boxes are left out by their names"))
        else:
            pictures.append(read)
            fields.append(field)
            parts.append(boxed.part)
    unknown = tuple(sorted(name for name, kind in meant.items() if kind is None))
    notes = [*boxes.notes, *(f"{one.file}: {one.reason}" for one in boxes.mended)]
    problems = [f"nobody said what kind of cell {name} is" for name in unknown]
    found = _fields(tree, pictures, fields, skipped, notes, problems, seed, locked, parts)
    of_file = {boxed.file: boxed.names for boxed in boxes.pictures}
    used = {n for item in found.items for n in of_file[item.path.relative_to(root).as_posix()]}
    # A box without a kind is not learnt from, and not shown.
    called = {
        file: tuple(name for name in names_ if meant[name]) for file, names_ in of_file.items()
    }
    gone = tuple(
        (name, "no picture with such a box can be used") for name in known if name not in used
    )
    return Intake(**{**found.__dict__, "unknown": unknown, "vanished": gone, "box_names": called})


@never_breaks
def read_counted_fields(
    root: Path,
    settings: Settings,
    *,
    seed: int = 0,
    report: Report = silent,
    locked: Locked | None = None,
) -> Intake[CountedField]:
    """Take in fields with a CSV that has a file column and the columns rbc, wbc and platelet.

    See :func:`read_boxed_fields` for the rest.

    Raises:
        DataRefused: if there is no such folder, picture or table.
    """
    expected = "pictures and a CSV with the columns file, rbc, wbc, platelet"
    skipped: list[Skipped] = []
    tree = picture_files(root, expected, skipped)
    tables = read_tables(tree, FILE_COLUMNS, *(_COLUMNS[kind] for kind in KINDS))
    if not tables.rows:
        raise DataRefused(no_table(tree, tables, expected, "counts"))
    notes = list(tables.refused)
    rows = rows_of_pictures(tables.rows, tree.pictures, KINDS)
    pictures, fields = [], []
    for done, file in enumerate(tree.pictures):
        report(done, len(tree.pictures))
        row = rows.of_picture.get(file)
        if row is None:
            skipped.append(Skipped(file, no_row(rows, file)))
            continue
        counts, bad = [], []
        for kind in KINDS:
            try:
                counts.append(whole(row.cells[kind]))
            except ValueError as error:
                bad.append(f"{kind} {error}")
        if bad:
            skipped.append(Skipped(file, f"not a whole number of cells: {', '.join(bad)}"))
            continue
        picture = read_picture(tree.path(file), root, settings, settings.min_side_px, skipped)
        if picture is not None:
            pictures.append(picture)
            fields.append(CountedField(tree.path(file), np.array(counts, np.int64)))
    skipped += [Skipped(name, _missing(why)) for name, why in rows.unmatched]
    return _fields(tree, pictures, fields, skipped, notes, [], seed, locked)


def no_table(tree: Tree, tables: Tables, expected: str, what: str) -> str:
    """Why a set without a table of ``what`` is refused."""
    there = tree.ending(".csv", ".tsv", ".xlsx")
    if tables.refused:
        return f"no table of {what} in {tree.root.name}: {'; '.join(tables.refused[:3])}"
    if there:
        lacks = f"{', '.join(there[:5])} lacks a column that is needed, or holds no rows"
        return f"{lacks}; expected is {expected}"
    return f"no table of {what} in {tree.root.name}; expected is {expected}"


def _missing(why: str) -> str:
    return why if "equally well" in why else "the table names it, but it is not there"


def _field(path: Path, boxed: BoxedPicture, meant: Mapping[str, str | None]) -> LabelledField:
    kinds = [meant[name] for name in boxed.names]
    kept = [i for i, kind in enumerate(kinds) if kind]
    numbers = np.array([KINDS.index(kinds[i]) for i in kept], np.int64)
    return LabelledField(path, boxed.boxes_xyxy_px[kept].reshape(-1, 4), numbers)


def _fields(
    tree: Tree,
    pictures: Sequence[ReadPicture],
    fields: Sequence[Item],
    skipped: list[Skipped],
    notes: list[str],
    problems: list[str],
    seed: int,
    locked: Locked | None,
    annotated: Sequence[str] = (),
) -> Intake[Item]:
    given = parts_of(pictures, annotated)
    keep, duplicates = without_copies(pictures, ["field"] * len(pictures), skipped, given)
    keep = without_locked(pictures, keep, locked, skipped, notes)
    kept = [pictures[i] for i in keep]
    groups = grouped(kept, tree, notes)
    # Microscopes differ in the size of their pictures: each part gets some of each.
    labels = [f"{one.width_px} x {one.height_px} pixels" for one in kept]
    division = divide(kept, [given[i] for i in keep], groups, labels, seed, skipped, notes)
    groups = Groups(
        [groups.numbers[n] for n in division.chosen],
        groups.by,
        groups.near,
        [groups.names[n] for n in division.chosen],
    )
    if len(set(groups.numbers)) < MIN_GROUPS:
        problems = [
            *problems,
            f"{len(set(groups.numbers))} separate fields, at least {MIN_GROUPS} are needed",
        ]
    else:
        problems = problems + [
            f"no field falls into the {title} part; more groups of fields are needed"
            for part, title in zip(division.parts, PARTS, strict=True)
            if not part
        ]
    return Intake(
        root=tree.root,
        items=tuple(fields[keep[n]] for n in division.chosen),
        labels=tuple(labels[n] for n in division.chosen),
        groups=tuple(groups.numbers),
        parts=tuple(tuple(part) for part in division.parts),
        grouped_by=groups.by,
        skipped=tuple(skipped),
        duplicates=tuple(duplicates),
        near_duplicates=groups.near,
        notes=tuple(notes),
        problems=tuple(problems),
        group_names=tuple(groups.names),
    )
