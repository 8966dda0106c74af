"""Reading palm photos that a clinic brings, with a table of who is anemic."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.datasets.intake.columns import FILE, Column
from core.datasets.intake.copies import sifted
from core.datasets.intake.fields import missing_picture, no_table, slide_folders
from core.datasets.intake.imported_set import Intake, Report, silent
from core.datasets.intake.numbers import decimal
from core.datasets.intake.pictures import LeftOut, picture_files, read_labelled
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.split.division import divide
from core.datasets.intake.split.grouping import grouped, too_few
from core.datasets.intake.split.parts import PARTS
from core.datasets.intake.tables import no_row, read_tables, rows_of_pictures
from core.datasets.intake.tree import folders_of
from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.skipped import DataRefused, Skipped
from core.settings import Settings

MIN_SIDE_PX: Final = 64
LABELS: Final = ("not anemic", "anemic")
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
_HAEMOGLOBIN_COLUMNS: Final = (
    "haemoglobin_g_dl", "hemoglobin_g_dl", "haemoglobin", "hemoglobin", "hb", "hgb",
)  # fmt: skip


@never_breaks
def read_palms(
    root: Path, settings: Settings, *, seed: int = 0, report: Report = silent
) -> Intake[PalmPhoto]:
    """Take in photos of palms with a CSV that has the columns file and anemic.

    Args:
        root: the folder. Columns such as patient, photo_group or session_block say what belongs
            together: photos of one person, or taken in one light, must not be divided.
        settings: limits of pictures.
        seed: same seed, same split.
        report: told how many of how many photos are done.

    Raises:
        DataRefused: if there is no such folder, photo or table.
    """
    expected = "photos and a CSV with the columns file and anemic (1 or 0)"
    skipped: list[Skipped] = []
    tree = picture_files(root, expected, skipped)
    tables = read_tables(tree, FILE, _LABEL)
    if not tables.rows:
        raise DataRefused(no_table(tree, tables, expected, "labels"))
    rows = rows_of_pictures(tables, tree.pictures, ("anemic",))
    notes = [*tables.refused, *tables.notes]
    if any(row.header.casefold() == "label" for row in tables.rows[:1]):
        notes.append("the column label is read as 1 for anemic and 0 for not anemic")

    def photo_of(file: str) -> PalmPhoto:
        row = rows.of_picture.get(file)
        if row is None:
            raise LeftOut(no_row(rows, file))
        word = row.cells["anemic"].casefold()
        if word not in _YES | _NO:
            raise LeftOut(f"anemic must be 1 or 0, got {row.cells['anemic'][:30]!r}")
        if row.cells.get("label_conflict", "0") not in ("", "0", "0.0"):
            raise LeftOut("the table marks its label as contradicted")
        anemic = word in _YES
        for folder in folders_of(file):
            if (_NO if anemic else _YES) >= {folder.casefold()}:
                raise LeftOut(f"the table says {LABELS[anemic]}, its folder {folder}")
        group, block = (row.cells.get(name, "") for name in ("photo_group", "session_block"))
        return PalmPhoto(
            tree.path(file),
            anemic,
            group or file,
            block or group or file,
            haemoglobin_g_dl=_haemoglobin(row.cells),
        )

    read = read_labelled(tree, tree.pictures, photo_of, settings, MIN_SIDE_PX, skipped, report)
    skipped += [Skipped(name, missing_picture(why)) for name, why in rows.unmatched]
    pictures, photos = [picture for picture, _ in read], [photo for _, photo in read]
    left = sifted(tree, pictures, [photo.anemic for photo in photos], skipped, notes)
    keep = left.indices
    every = grouped(left.pictures, tree, notes, slide_folders(left.pictures, notes))
    every_label = [LABELS[bool(photos[i].anemic)] for i in keep]
    division = divide(left.pictures, left.parts, every, every_label, seed, skipped, notes)
    chosen, parts = division.chosen, division.parts
    labels = tuple(LABELS[bool(photos[keep[n]].anemic)] for n in chosen)
    numbers = [every.numbers[n] for n in chosen]
    few = too_few(labels, numbers)
    problems = [f"{name}: {why}" for name, why in few.items()]
    problems += [f"no photo is {name}" for name in LABELS if name not in labels]
    problems += [
        f"no {name} photo falls into the {title} part; more groups of them are needed"
        for part, title in zip(parts, PARTS, strict=True)
        for name in LABELS
        if not problems and name not in {labels[i] for i in part}
    ]
    if every.by == "near-duplicates":
        notes.append("no column says whose photos these are: each photo counts as a person")
    return Intake(
        root=root,
        items=tuple(photos[keep[n]] for n in chosen),
        labels=labels,
        groups=tuple(numbers),
        parts=tuple(tuple(part) for part in parts),
        grouped_by=every.by,
        skipped=tuple(skipped),
        duplicates=tuple(left.duplicates),
        near_duplicates=every.near,
        notes=tuple(notes),
        problems=tuple(problems),
        group_names=tuple(every.names[n] for n in chosen),
    )


def _haemoglobin(cells: Mapping[str, str]) -> float | None:
    """Grams a decilitre; None where the table has no such column or no number in it."""
    for name in _HAEMOGLOBIN_COLUMNS:
        if cells.get(name):
            try:
                return decimal(cells[name])
            except ValueError:
                return None
    return None
