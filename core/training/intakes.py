"""Which of a laboratory's own pictures each recipe can learn from, and how they are read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.datasets.intake.cells import read_cells
from core.datasets.intake.copies import Locked
from core.datasets.intake.fields import read_boxed_fields, read_counted_fields
from core.datasets.intake.imported_set import Intake, Report, silent
from core.datasets.intake.palms import read_palms
from core.datasets.intake.tree import check_folder
from core.datasets.intake.verified import read_verified_cells, read_verified_fields
from core.datasets.skipped import DataRefused
from core.models.registry import Task
from core.settings import Settings

LAYOUTS: Final[dict[str, tuple[str, ...]]] = {
    "wbc": ("folders",),
    "locator": ("boxes",),
    "counts": ("counts", "boxes"),
    "palm": ("photos",),
    "red_cells": (),
}
"""Recipe -> layouts of its own pictures that it learns from, the usual one first."""

EXPECTED: Final = {
    "folders": "a folder for each class, named as your laboratory calls it (SNE, Lymphocytes, "
    "monocyte), with pictures of single cells in it.",
    "boxes": "pictures and their boxes as VOC (.xml), YOLO (.txt and classes.txt) or COCO (.json).",
    "counts": "pictures and a CSV with the columns file, rbc, wbc, platelet.",
    "verified cells": "a set made of verified cells.",
    "verified fields": "a set made of verified fields.",
    "photos": "a folder images with photos of palms, and labels.csv with the columns file and "
    "anemic (1 or 0), and such as photo_group and session_block.",
}


def read_own(
    layout: str,
    root: Path,
    settings: Settings,
    *,
    names: Mapping[str, str] | None = None,
    report: Report = silent,
) -> Intake[Any]:
    """Read a folder of that layout, without copies of the pictures that new models are tested on.

    Raises:
        DataRefused: if there is nothing of the kind in it.
        ValueError: for an unknown layout.
    """
    if layout not in EXPECTED:
        raise ValueError(f"unknown layout {layout!r}; known are {', '.join(EXPECTED)}")
    if layout == "photos":
        return read_palms(root, settings, report=report)
    check_folder(root)
    judged = judged_on("wbc" if layout in ("folders", "verified cells") else "locator")
    if layout == "verified cells":
        return read_verified_cells(root, settings, report=report, locked=judged)
    if layout == "verified fields":
        return read_verified_fields(root, settings, report=report, locked=judged)
    if layout == "folders":
        return read_cells(root, settings, names=names, report=report, locked=judged)
    if layout == "boxes":
        return read_boxed_fields(root, settings, names=names, report=report, locked=judged)
    return read_counted_fields(root, settings, report=report, locked=judged)


def judged_on(task: Task) -> Locked | None:
    """The public test set on which a task's new models are judged; None where it is not here.

    It is built at the first call in an installation, which takes some seconds.
    """
    # A heavy library: imported when it is needed, not when the screen opens.
    from core.training.promote import locked_sets

    file = locked_sets.original() if task == "wbc" else locked_sets.original_fields()
    return locked_sets.hashes_of(file) if file else None


def trainable(
    layout: str, root: Path, settings: Settings, names: Mapping[str, str] | None = None
) -> Intake[Any]:
    """As :func:`read_own`, but refuse what cannot be trained on.

    Raises:
        DataRefused: also if what was found cannot be trained on.
    """
    imported = read_own(layout, root, settings, names=names)
    if imported.problems:
        raise DataRefused(f"{root.name} cannot be trained on: {'; '.join(imported.problems)}")
    return imported
