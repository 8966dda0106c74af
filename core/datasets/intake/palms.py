"""Reading palm photos that a clinic brings, with a table of who is anemic."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from core.datasets.intake.columns import FILE, Column
from core.datasets.intake.copies import sifted
from core.datasets.intake.fields import missing_picture, no_table, slide_folders
from core.datasets.intake.imported_set import Intake, Report, silent
from core.datasets.intake.numbers import decimal
from core.datasets.intake.palm_folders import anemic_by_folders, person_of_folders
from core.datasets.intake.pictures import LeftOut, picture_files, read_labelled
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.split.division import divide
from core.datasets.intake.split.grouping import grouped, too_few
from core.datasets.intake.split.parts import PARTS
from core.datasets.intake.tables import Row, no_row, read_tables, rows_of_pictures
from core.datasets.intake.tree import Tree, folders_of
from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.skipped import DataRefused, Skipped
from core.settings import Settings

MIN_SIDE_PX: Final = 64
LABELS: Final = ("not anemic", "anemic")
_EXPECTED: Final = (
    "photos and a CSV with the columns file and anemic (1 or 0), or a folder called anemic and one "
    "called non_anemic"
)
_LABEL: Final = Column(("anemic", "anaemic", "anemia", "anaemia", "label"))
_YES_WORDS: Final = (
    "1", "1.0", "1,0", "yes", "y", "positive", "true", "anemic", "anaemic", "anemia", "anaemia",
    "ja", "oui", "sim", "sí", "si",
)  # fmt: skip
_NO_WORDS: Final = (
    "0", "0.0", "0,0", "no", "n", "negative", "false", "not anemic", "not anaemic", "non-anemic",
    "non-anaemic", "nonanemic", "nonanaemic", "non anemic", "non anaemic", "non_anemic",
    "non_anaemic", "normal", "healthy", "nein", "non", "não", "nao",
)  # fmt: skip
_YES, _NO = frozenset(_YES_WORDS), frozenset(_NO_WORDS)
_HAEMOGLOBIN: Final = ("haemoglobin", "hemoglobin", "hämoglobin", "hb", "hgb")
_FACTORS: Final = {"": 1.0, "gdl": 1.0, "gl": 0.1, "mmoll": 1.6114}
"""From the unit in a column's name to g/dl."""
_HAEMOGLOBIN_G_DL: Final = (2.0, 25.0)


@never_breaks
def read_palms(
    root: Path, settings: Settings, *, seed: int = 0, report: Report = silent
) -> Intake[PalmPhoto]:
    """Take in photos of palms with a CSV that has the columns file and anemic, or by folders.

    Where no table says it, folders called anemic and non_anemic do, and folders below them are
    persons.

    Args:
        root: the folder. Columns such as patient, photo_group or session_block say what belongs
            together: photos of one person, or taken in one light, must not be divided.
        settings: limits of pictures.
        seed: same seed, same split.
        report: told how many of how many photos are done.

    Raises:
        DataRefused: if there is no such folder, photo or table.
    """
    skipped: list[Skipped] = []
    tree = picture_files(root, _EXPECTED, skipped)
    tables = read_tables(tree, FILE, _LABEL)
    by_folders = not tables.rows
    if by_folders and all(anemic_by_folders(file)[0] is None for file in tree.pictures):
        raise DataRefused(no_table(tree, tables, _EXPECTED, "labels"))
    rows = rows_of_pictures(tables, tree.pictures, ("anemic",))
    notes = [*tables.refused, *tables.notes]
    if by_folders:
        notes.append("no table has the column anemic: the names of the folders say it")
    if any(row.header.casefold() == "label" for row in tables.rows[:1]):
        notes.append("the column label is read as 1 for anemic and 0 for not anemic")
    haemoglobin = _HaemoglobinColumn(tables.rows)

    def photo_of(file: str) -> PalmPhoto:
        if by_folders:
            return _photo_in_folder(tree, file)
        row = rows.of_picture.get(file)
        if row is None:
            raise LeftOut(no_row(rows, file))
        return _photo(tree, file, row.cells, haemoglobin)

    read = read_labelled(tree, tree.pictures, photo_of, settings, MIN_SIDE_PX, skipped, report)
    skipped += [Skipped(name, missing_picture(why)) for name, why in rows.unmatched]
    notes += haemoglobin.notes()
    photos = [photo for _, photo in read]
    pictures = [picture for picture, _ in read]
    left = sifted(tree, pictures, [photo.anemic for photo in photos], skipped, notes)
    photos = [photos[i] for i in left.indices]
    labels = [LABELS[bool(photo.anemic)] for photo in photos]
    if by_folders:
        folders = [person_of_folders(picture.shown) for picture in left.pictures]
    else:
        folders = slide_folders(left.pictures, notes)
    every = grouped(left.pictures, tree, notes, folders)
    division = divide(left.pictures, left.parts, every, labels, seed, skipped, notes)
    labels = [labels[n] for n in division.chosen]
    groups = every.of(division.chosen)
    if every.by == "near-duplicates":
        notes.append("nothing says whose photos these are: each photo counts as a person")
    return Intake(
        root=root,
        items=tuple(photos[n] for n in division.chosen),
        labels=tuple(labels),
        groups=tuple(groups.numbers),
        parts=tuple(tuple(part) for part in division.parts),
        grouped_by=every.by,
        skipped=tuple(skipped),
        duplicates=tuple(left.duplicates),
        near_duplicates=every.near,
        notes=tuple(notes),
        problems=tuple(_problems(labels, groups.numbers, division.parts)),
        group_names=tuple(groups.names),
    )


def _photo_in_folder(tree: Tree, file: str) -> PalmPhoto:
    """A photo by its folders. Raises LeftOut with the reason why it is not used."""
    anemic, why = anemic_by_folders(file)
    if anemic is None:
        raise LeftOut(why)
    return PalmPhoto(tree.path(file), anemic, file, file)


def _photo(
    tree: Tree, file: str, cells: Mapping[str, str], haemoglobin: "_HaemoglobinColumn"
) -> PalmPhoto:
    """A photo by its row. Raises LeftOut with the reason why it is not used."""
    word = cells["anemic"].casefold()
    if word not in _YES | _NO:
        raise LeftOut(f"anemic must be 1 or 0, got {cells['anemic'][:30]!r}")
    if cells.get("label_conflict", "0") not in ("", "0", "0.0"):
        raise LeftOut("the table marks its label as contradicted")
    anemic = word in _YES
    for folder in folders_of(file):
        if folder.casefold() in (_NO if anemic else _YES):
            raise LeftOut(f"the table says {LABELS[anemic]}, its folder {folder}")
    group, block = (cells.get(name, "") for name in ("photo_group", "session_block"))
    return PalmPhoto(
        tree.path(file),
        anemic,
        group or file,
        block or group or file,
        haemoglobin_g_dl=haemoglobin.grams_per_decilitre(cells),
    )


def _problems(
    labels: Sequence[str], groups: Sequence[int], parts: Sequence[Sequence[int]]
) -> list[str]:
    problems = [f"{name}: {why}" for name, why in too_few(labels, groups).items()]
    problems += [f"no photo is {name}" for name in LABELS if name not in labels]
    return problems or [
        f"no {name} photo falls into the {part_name} part; more groups of them are needed"
        for part, part_name in zip(parts, PARTS, strict=True)
        for name in LABELS
        if name not in {labels[i] for i in part}
    ]


class _HaemoglobinColumn:
    """The haemoglobin of photos, by a column whose name says the unit: g/dl unless it does."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._factors: dict[str, float] = {}
        self._unread: list[str] = []
        self._out_of_range = 0
        for name in dict.fromkeys(name for row in rows for name in row.cells):
            words = re.findall(r"[^\W\d_]+", name)
            if not words or words[0] not in _HAEMOGLOBIN:
                continue
            factor = None if "%" in name else _FACTORS.get("".join(words[1:]))
            if factor is None:
                self._unread.append(name)
            else:
                self._factors[name] = factor

    def grams_per_decilitre(self, cells: Mapping[str, str]) -> float | None:
        """None where there is no such column, no number in it, or one that no living person has."""
        for name, factor in self._factors.items():
            try:
                value = decimal(cells.get(name, "")) * factor
            except ValueError:
                continue
            if _HAEMOGLOBIN_G_DL[0] <= value <= _HAEMOGLOBIN_G_DL[1]:
                return value
            self._out_of_range += 1
        return None

    def notes(self) -> list[str]:
        """What was not used, in sentences."""
        low, high = _HAEMOGLOBIN_G_DL
        notes = [
            f"the column {name} has a unit that is not known: g/dl, g/l and mmol/l are"
            for name in self._unread
        ]
        if self._out_of_range:
            notes.append(
                f"{self._out_of_range} values of haemoglobin are not used: they lie outside "
                f"{low:g} to {high:g} g/dl. Write the unit into the column's name, as in Hb (g/l)"
            )
        return notes
