"""Reading fields that a laboratory brings: with boxes, or with counts in a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.datasets.intake.box_formats import BoxedPicture, read_boxes
from core.datasets.intake.cell_names import class_of_folder
from core.datasets.intake.imported_set import (
    FILE_COLUMNS,
    MIN_GROUPS,
    PARTS,
    SHARES,
    Intake,
    Item,
    Locked,
    ReadPicture,
    Report,
    grouped,
    picture_paths,
    read_picture,
    rows_of,
    silent,
    taken,
    without_copies,
    without_locked,
)
from core.datasets.skipped import DataRefused, Skipped
from core.datasets.splits import grouped_split
from core.settings import Settings
from core.taxonomy import KINDS, NOT_LEUKOCYTES

_OTHER_NAMES: Final = {
    "rbc": "rbc rbcs redcell redcells redbloodcell redbloodcells erythrocyte erythrocytes",
    "wbc": "wbc wbcs whitecell whitecells whitebloodcell whitebloodcells leukocyte leukocytes",
    "platelet": "platelet platelets plt plts thrombocyte thrombocytes",
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
    picture_paths(root, "pictures and their boxes as VOC, YOLO or COCO")
    boxes = read_boxes(root)
    known = {**{name: kind_of_name(name) for p in boxes.pictures for name in p.names}}
    meant = {name: (names or {}).get(name, kind) for name, kind in known.items()}
    skipped, pictures, fields = list(boxes.skipped), [], []
    for done, boxed in enumerate(boxes.pictures):
        report(done, len(boxes.pictures))
        read = read_picture(root / boxed.file, root, settings, settings.min_side_px, skipped)
        if read is not None and (read.width_px, read.height_px) != (
            boxed.width_px,
            boxed.height_px,
        ):
            skipped.append(Skipped(boxed.file, "it is stored turned, so its boxes do not fit it"))
        elif read is not None:
            pictures.append(read)
            fields.append(_field(read.path, boxed, meant))
    unknown = tuple(sorted(name for name, kind in meant.items() if kind is None))
    notes = [f"{one.file}: {one.reason}" for one in boxes.mended]
    problems = [f"nobody said what kind of cell {name} is" for name in unknown]
    taken = _taken(root, pictures, fields, skipped, notes, problems, seed, locked)
    return Intake(**{**taken.__dict__, "unknown": unknown})


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
    files = picture_paths(root, expected)
    rows = rows_of(root, FILE_COLUMNS, *(_COLUMNS[kind] for kind in KINDS))
    if not rows:
        tables = ", ".join(file.name for file in sorted(root.glob("*.csv")))
        without = f"{tables} lacks a column that is needed" if tables else "no table of counts"
        raise DataRefused(f"{without} in {root.name}; expected is {expected}")
    said = {Path(row["file"]).name: row for row in rows if row["file"]}
    skipped: list[Skipped] = []
    pictures, fields = [], []
    for done, path in enumerate(files):
        report(done, len(files))
        row = said.pop(path.name, None)
        shown = path.relative_to(root).as_posix()
        if row is None:
            skipped.append(Skipped(shown, "the table has no row for it"))
            continue
        bad = [f"{kind} {row[kind]!r}" for kind in KINDS if not row[kind].isdecimal()]
        if bad:
            skipped.append(Skipped(shown, f"not a whole number of cells: {', '.join(bad)}"))
            continue
        picture = read_picture(path, root, settings, settings.min_side_px, skipped)
        if picture is not None:
            pictures.append(picture)
            counts = np.array([int(row[kind]) for kind in KINDS], np.int64)
            fields.append(CountedField(path, counts))
    skipped += [Skipped(name, "the table names it, but it is not there") for name in said]
    return _taken(root, pictures, fields, skipped, [], [], seed, locked)


def _field(path: Path, boxed: BoxedPicture, meant: Mapping[str, str | None]) -> LabelledField:
    kinds = [meant[name] for name in boxed.names]
    kept = [i for i, kind in enumerate(kinds) if kind]
    numbers = np.array([KINDS.index(kinds[i]) for i in kept], np.int64)
    return LabelledField(path, boxed.boxes_xyxy_px[kept].reshape(-1, 4), numbers)


def _taken(
    root: Path,
    pictures: Sequence[ReadPicture],
    fields: Sequence[Item],
    skipped: list[Skipped],
    notes: list[str],
    problems: list[str],
    seed: int,
    locked: Locked | None,
) -> Intake[Item]:
    keep, duplicates = without_copies(pictures, ["field"] * len(pictures), skipped)
    keep = without_locked(pictures, keep, locked, skipped, notes)
    groups = grouped([pictures[i] for i in keep], root)
    # Microscopes differ in the size of their pictures: each part gets some of each.
    labels = tuple(f"{pictures[i].width_px} x {pictures[i].height_px} pixels" for i in keep)
    parts = grouped_split(groups.numbers, labels, SHARES, seed) if keep else [[], [], []]
    if len(set(groups.numbers)) < MIN_GROUPS:
        problems = [
            *problems,
            f"{len(set(groups.numbers))} separate fields, at least {MIN_GROUPS} are needed",
        ]
    else:
        problems = problems + [
            f"no field falls into the {title} part; more groups of fields are needed"
            for part, title in zip(parts, PARTS, strict=True)
            if not part
        ]
    items = [fields[i] for i in keep]
    return taken(root, items, labels, groups, parts, skipped, duplicates, notes, problems)
