"""Hand photos (11K Hands) with the side that is seen and the tone of the skin; for finding the
palm, not for anemia.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class HandPhoto:
    """One hand on a white ground."""

    path: Path
    aspect: Literal["palmar", "dorsal"]
    skin: Literal["fair", "medium", "dark"]


def load(root: Path) -> list[HandPhoto]:
    """The labelled photos, in the table's order.

    Raises:
        FileNotFoundError: if there is no table.
        ValueError: if the table lacks a column.
    """
    table = root / "labels.csv"
    if not table.is_file():
        raise FileNotFoundError(f"no hand photos in {root}: labels.csv is not there")
    with table.open(newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [c for c in ("file", "aspect", "skin") if c not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{table} lacks the column {' and '.join(missing)}")
        return [
            HandPhoto(root / "images" / row["file"], row["aspect"], row["skin"])  # type: ignore[arg-type]  # the table's own words
            for row in reader
        ]


def phone_photos(root: Path) -> list[Path]:
    """Photos of a palm taken with a telephone, by name."""
    return sorted((root / "phone").glob("*.jpg"))
