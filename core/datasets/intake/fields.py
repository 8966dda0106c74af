"""Reading fields that a laboratory brings: with boxes, or with counts in a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.datasets.intake.boxes.formats import BoxedPicture, read_boxes
from core.datasets.intake.cell_names import class_of_folder
from core.datasets.intake.class_folders import is_slide
from core.datasets.intake.columns import FILE, Column
from core.datasets.intake.copies import Locked, sifted
from core.datasets.intake.imported_set import Intake, Item, Report, silent
from core.datasets.intake.numbers import whole
from core.datasets.intake.pictures import LeftOut, ReadPicture, picture_files, read_labelled
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.split.division import divide
from core.datasets.intake.split.grouping import MIN_GROUPS, grouped
from core.datasets.intake.split.parts import PARTS
from core.datasets.intake.tables import Tables, no_row, read_tables, rows_of_pictures
from core.datasets.intake.tree import Tree, folders_of
from core.datasets.skipped import DataRefused, Skipped
from core.settings import Settings
from core.taxonomy import KINDS, is_leukocyte

_OTHER_NAMES: Final = {
    "rbc": "rbc rbcs redcell redcells redbloodcell redbloodcells erythrocyte erythrocytes "
    "erythrozyten globulesrouges hématies hematies érythrocytes eritrocitos eritrócitos hematíes "
    "glóbulosrojos globulosrojos hemácias hemacias eritrociti globulirossi 红细胞",
    "wbc": "wbc wbcs whitecell whitecells whitebloodcell whitebloodcells leukocyte leukocytes "
    "leucocyte leucocytes leukozyten globulesblancs leucocitos leucócitos glóbulosblancos "
    "globulosblancos leucociti globulibianchi 白细胞",
    "platelet": "platelet platelets plt plts thrombocyte thrombocytes thrombozyten plaquettes "
    "plaquetas trombocitos trombócitos piastrine 血小板",
}
_KIND_OF: Final = {other: kind for kind, names in _OTHER_NAMES.items() for other in names.split()}
_COLUMNS: Final = tuple(
    Column((kind, *_OTHER_NAMES[kind].split()), is_count=True) for kind in KINDS
)


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
    return "wbc" if label is not None and is_leukocyte(label) else None


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
        root: the folder; see :func:`core.datasets.intake.split.grouping.grouped` for its table.
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
    skipped = list(boxes.skipped)
    of_file = {boxed.file: boxed for boxed in boxes.pictures}

    def label_of(file: str) -> LabelledField:
        boxed = of_file[file]
        field = _field(tree.path(file), boxed, meant)
        if boxed.names and not len(field.kinds) and all(meant[n] == "" for n in boxed.names):
            raise LeftOut("all of its boxes are left out by their names")
        return field

    read = read_labelled(
        tree, [*of_file], label_of, settings, settings.min_side_px, skipped, report
    )
    fitting = _of_the_boxes_size(read, of_file, skipped)
    unknown = tuple(sorted(name for name, kind in meant.items() if kind is None))
    notes = [*boxes.notes, *(f"{one.file}: {one.reason}" for one in boxes.mended)]
    problems = [f"nobody said what kind of cell {name} is" for name in unknown]
    parts = [of_file[picture.shown].part for picture, _ in fitting]
    found = _fields(tree, fitting, skipped, notes, problems, seed, locked, parts)
    # A box without a kind is not learnt from, and not shown.
    class_names = {
        file: tuple(name for name in boxed.names if meant[name]) for file, boxed in of_file.items()
    }
    files = [item.path.relative_to(root).as_posix() for item in found.items]
    used = {name for file in files for name in of_file[file].names}
    gone = tuple(
        (name, "no picture with such a box can be used") for name in known if name not in used
    )
    return replace(found, unknown=unknown, vanished=gone, box_names=class_names)


def _of_the_boxes_size(
    read: Sequence[tuple[ReadPicture, LabelledField]],
    of_file: Mapping[str, BoxedPicture],
    skipped: list[Skipped],
) -> list[tuple[ReadPicture, LabelledField]]:
    """Pictures whose pixels are as many as their header, by which boxes were scaled, says."""
    fitting = []
    for picture, field in read:
        boxed = of_file[picture.shown]
        if (picture.width_px, picture.height_px) == (boxed.width_px, boxed.height_px):
            fitting.append((picture, field))
        else:
            skipped.append(Skipped(picture.shown, "its boxes were drawn on another size of it"))
    return fitting


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
    tables = read_tables(tree, FILE, *_COLUMNS)
    if not tables.rows:
        raise DataRefused(no_table(tree, tables, expected, "counts"))
    notes = [*tables.refused, *tables.notes]
    rows = rows_of_pictures(tables, tree.pictures, KINDS)

    def label_of(file: str) -> CountedField:
        row = rows.of_picture.get(file)
        if row is None:
            raise LeftOut(no_row(rows, file))
        counts, bad = [], []
        for kind in KINDS:
            try:
                counts.append(whole(row.cells[kind]))
            except ValueError as error:
                bad.append(f"{kind} {error}")
        if bad:
            raise LeftOut(f"not a whole number of cells: {', '.join(bad)}")
        return CountedField(tree.path(file), np.array(counts, np.int64))

    read = read_labelled(
        tree, tree.pictures, label_of, settings, settings.min_side_px, skipped, report
    )
    skipped += [Skipped(name, missing_picture(why)) for name, why in rows.unmatched]
    return _fields(tree, read, skipped, notes, [], seed, locked)


def no_table(tree: Tree, tables: Tables, expected: str, what: str) -> str:
    """Why a set without a table of ``what`` is refused."""
    there = tree.ending(".csv", ".tsv", ".xlsx")
    if tables.refused:
        return f"no table of {what} in {tree.root.name}: {'; '.join(tables.refused[:3])}"
    if there:
        lacks = f"{', '.join(there[:5])} lacks a column that is needed, or holds no rows"
        return f"{lacks}; expected is {expected}"
    return f"no table of {what} in {tree.root.name}; expected is {expected}"


def missing_picture(why: str) -> str:
    """What to say of a line of a table that means no picture."""
    return why if "equally well" in why else "the table names it, but it is not there"


def _field(path: Path, boxed: BoxedPicture, meant: Mapping[str, str | None]) -> LabelledField:
    kinds = [meant[name] for name in boxed.names]
    kept = [i for i, kind in enumerate(kinds) if kind]
    numbers = np.array([KINDS.index(kinds[i]) for i in kept], np.int64)
    return LabelledField(path, boxed.boxes_xyxy_px[kept].reshape(-1, 4), numbers)


def slide_folders(pictures: Sequence[ReadPicture], notes: list[str]) -> list[tuple[str, ...]]:
    """Slides, patients and cases that folders name; none of all where they are too few to cut by.

    A sentence about the latter is added to ``notes``.
    """
    folders = [
        tuple("/".join(path[: i + 1]) for i, folder in enumerate(path) if is_slide(folder))[-1:]
        for path in (folders_of(picture.shown) for picture in pictures)
    ]
    slides = {folder for folder in folders if folder}
    if 1 < len(slides) < MIN_GROUPS:
        notes.append(
            f"{len(slides)} folders of slides or patients are too few to cut the parts by them: "
            "one slide may stand in several"
        )
    return folders if len(slides) >= MIN_GROUPS else [()] * len(pictures)


def _fields(
    tree: Tree,
    read: Sequence[tuple[ReadPicture, Item]],
    skipped: list[Skipped],
    notes: list[str],
    problems: list[str],
    seed: int,
    locked: Locked | None,
    annotated: Sequence[str] = (),
) -> Intake[Item]:
    pictures, fields = [picture for picture, _ in read], [field for _, field in read]
    same = ["field"] * len(pictures)
    left = sifted(tree, pictures, same, skipped, notes, locked, annotated)
    every = grouped(left.pictures, tree, notes, slide_folders(left.pictures, notes))
    # Microscopes differ in the size of their pictures: each part gets some of each.
    labels = [f"{one.width_px} x {one.height_px} pixels" for one in left.pictures]
    division = divide(left.pictures, left.parts, every, labels, seed, skipped, notes)
    groups = every.of(division.chosen)
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
        items=tuple(fields[left.indices[n]] for n in division.chosen),
        labels=tuple(labels[n] for n in division.chosen),
        groups=tuple(groups.numbers),
        parts=tuple(tuple(part) for part in division.parts),
        grouped_by=groups.by,
        skipped=tuple(skipped),
        duplicates=tuple(left.duplicates),
        near_duplicates=groups.near,
        notes=tuple(notes),
        problems=tuple(problems),
        group_names=tuple(groups.names),
    )
