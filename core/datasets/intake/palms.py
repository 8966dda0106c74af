"""Reading palm photos that a clinic brings, with a table of who is anemic."""

from pathlib import Path
from typing import Final

from core.datasets.intake.fields import no_table
from core.datasets.intake.imported_set import (
    PARTS,
    Intake,
    Report,
    divide,
    grouped,
    parts_of,
    picture_files,
    read_picture,
    silent,
    too_few,
    without_copies,
)
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.tables import FILE_COLUMNS, no_row, read_tables, rows_of_pictures
from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.skipped import DataRefused, Skipped
from core.settings import Settings

MIN_SIDE_PX: Final = 64
LABELS: Final = ("not anemic", "anemic")
_LABEL_COLUMNS: Final = ("anemic", "anaemic", "anemia", "anaemia", "label")
_YES: Final = frozenset({"1", "1.0", "1,0", "yes", "y", "positive", "true", "anemic", "anaemic"})
_NO: Final = frozenset(
    {
        "0",
        "0.0",
        "0,0",
        "no",
        "n",
        "negative",
        "false",
        "not anemic",
        "non-anemic",
        "nonanemic",
        "normal",
    }
)


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
    tables = read_tables(tree, FILE_COLUMNS, _LABEL_COLUMNS)
    if not tables.rows:
        raise DataRefused(no_table(tree, tables, expected, "labels"))
    rows = rows_of_pictures(tables.rows, tree.pictures, ("anemic",))
    notes = list(tables.refused)
    pictures, photos = [], []
    for done, file in enumerate(tree.pictures):
        report(done, len(tree.pictures))
        row = rows.of_picture.get(file)
        word = "" if row is None else row.cells["anemic"].casefold()
        if row is None:
            skipped.append(Skipped(file, no_row(rows, file)))
        elif word not in _YES | _NO:
            got = row.cells["anemic"][:30]
            skipped.append(Skipped(file, f"anemic must be 1 or 0, got {got!r}"))
        elif row.cells.get("label_conflict", "0") not in ("", "0", "0.0"):
            skipped.append(Skipped(file, "the table marks its label as contradicted"))
        elif (
            picture := read_picture(tree.path(file), root, settings, MIN_SIDE_PX, skipped)
        ) is not None:
            pictures.append(picture)
            group, block = (row.cells.get(name, "") for name in ("photo_group", "session_block"))
            photos.append(PalmPhoto(picture.path, word in _YES, group or file, block or file))
    for name, why in rows.unmatched:
        there = why if "equally well" in why else "the table names it, but it is not there"
        skipped.append(Skipped(name, there))

    given = parts_of(pictures)
    keep, duplicates = without_copies(pictures, [photo.anemic for photo in photos], skipped, given)
    kept = [pictures[i] for i in keep]
    every = grouped(kept, tree, notes)
    division = divide(
        kept,
        [given[i] for i in keep],
        every,
        [LABELS[bool(photos[i].anemic)] for i in keep],
        seed,
        skipped,
        notes,
    )
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
        duplicates=tuple(duplicates),
        near_duplicates=every.near,
        notes=tuple(notes),
        problems=tuple(problems),
        group_names=tuple(every.names[n] for n in chosen),
    )
