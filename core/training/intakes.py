"""Which of a laboratory's own pictures each recipe can learn from, and how they are taken in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.datasets.gathering import Intake, Report, silent
from core.datasets.intake import read_cells
from core.datasets.intake_fields import read_boxed_fields, read_counted_fields
from core.datasets.intake_palms import read_palms
from core.settings import Settings

LAYOUTS: Final[dict[str, tuple[str, ...]]] = {
    "wbc": ("folders",),
    "locator": ("boxes",),
    "regression": ("boxes",),
    "palm": ("photos",),
}
"""Recipe -> layouts of its own pictures that it learns from, the usual one first."""

EXPECTED: Final = {
    "folders": "a folder for each class, named as your laboratory calls it (SNE, Lymphocytes, "
    "monocyte), with pictures of single cells in it.",
    "boxes": "pictures and their boxes as VOC (.xml), YOLO (.txt and classes.txt) or COCO (.json).",
    "counts": "pictures and a CSV with the columns file, rbc, wbc, platelet.",
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
    """Take in a folder laid out that way.

    Raises:
        DataRefused: if there is nothing of the kind in it.
        ValueError: for an unknown layout.
    """
    if layout == "folders":
        return read_cells(root, settings, names=names, report=report)
    if layout == "boxes":
        return read_boxed_fields(root, settings, names=names, report=report)
    if layout == "counts":
        return read_counted_fields(root, settings, report=report)
    if layout == "photos":
        return read_palms(root, settings, report=report)
    raise ValueError(f"unknown layout {layout!r}; known are {', '.join(EXPECTED)}")
