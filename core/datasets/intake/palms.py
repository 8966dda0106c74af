"""Reading palm photos that a clinic brings, with a table of who is anemic."""

from pathlib import Path
from typing import Final

from core.datasets.intake.imported_set import (
    FILE_COLUMNS,
    PARTS,
    SHARES,
    Intake,
    Report,
    grouped,
    picture_paths,
    read_picture,
    rows_of,
    silent,
    taken,
    too_few,
    without_copies,
)
from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.skipped import DataRefused, Skipped
from core.datasets.splits import grouped_split
from core.settings import Settings

MIN_SIDE_PX: Final = 64
LABELS: Final = ("not anemic", "anemic")
_LABEL_COLUMNS: Final = ("anemic", "anaemic", "anemia", "anaemia", "label")
_YES: Final = frozenset({"1", "yes", "true", "anemic", "anaemic"})
_NO: Final = frozenset({"0", "no", "false", "not anemic", "non-anemic", "nonanemic", "normal"})


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
    files = picture_paths(root, expected)
    rows = rows_of(root, FILE_COLUMNS, _LABEL_COLUMNS)
    if not rows:
        raise DataRefused(f"no table of labels in {root.name}; expected is {expected}")
    said = {Path(row["file"]).name: row for row in rows if row["file"]}
    skipped: list[Skipped] = []
    pictures, photos = [], []
    for done, path in enumerate(files):
        report(done, len(files))
        shown, row = path.relative_to(root).as_posix(), said.pop(path.name, None)
        word = "" if row is None else row["anemic"].casefold()
        if row is None:
            skipped.append(Skipped(shown, "the table has no row for it"))
        elif word not in _YES | _NO:
            skipped.append(Skipped(shown, f"anemic must be 1 or 0, got {row['anemic']!r}"))
        elif row.get("label_conflict", "0") not in ("", "0"):
            skipped.append(Skipped(shown, "the table marks its label as contradicted"))
        elif (picture := read_picture(path, root, settings, MIN_SIDE_PX, skipped)) is not None:
            pictures.append(picture)
            group, block = row.get("photo_group", ""), row.get("session_block", "")
            photos.append(PalmPhoto(path, word in _YES, group or shown, block or shown))
    skipped += [Skipped(name, "the table names it, but it is not there") for name in said]

    keep, duplicates = without_copies(pictures, [photo.anemic for photo in photos], skipped)
    groups = grouped([pictures[i] for i in keep], root)
    labels = tuple(LABELS[bool(photos[i].anemic)] for i in keep)
    parts = grouped_split(groups.numbers, labels, SHARES, seed) if keep else [[], [], []]
    few = too_few(labels, groups.numbers)
    problems = [f"{name}: {why}" for name, why in few.items()]
    problems += [f"no photo is {name}" for name in LABELS if name not in labels]
    problems += [
        f"no {name} photo falls into the {title} part; more groups of them are needed"
        for part, title in zip(parts, PARTS, strict=True)
        for name in LABELS
        if not problems and name not in {labels[i] for i in part}
    ]
    alone = groups.by == "near-duplicates"
    notes = ("no column says whose photos these are: each photo counts as a person",) * alone
    items = [photos[i] for i in keep]
    return taken(root, items, labels, groups, parts, skipped, duplicates, notes, problems)
