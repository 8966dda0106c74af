"""What people corrected in a set that was sent: another class for a picture, or left out.

The pictures stay as they came. A file beside the set's folder holds every correction with who made
it and when, the newest last; reading the set applies the last one of each picture.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.files import json_as, read_json, write_json

LEFT_OUT = ""
"""The class of a picture that is left out."""


@dataclass(frozen=True)
class Correction:
    """``file`` is the picture's path below the set's folder; ``label`` None takes all back."""

    file: str
    label: str | None
    by: str
    at: str


def file_of(root: Path) -> Path:
    """The file that holds the corrections of the set in the folder ``root``."""
    return root.with_name(f"{root.name}.corrections.json")


def history(root: Path) -> tuple[Correction, ...]:
    """All corrections of a set, the oldest first. Raises ValueError if the file is damaged."""
    stored = read_json(file_of(root))
    rows = (stored or {}).get("corrections", [])
    if not isinstance(rows, list):
        raise ValueError(f"{file_of(root).name} holds no list of corrections")
    return tuple(
        json_as(row, Correction, file_of(root).name) for row in rows if isinstance(row, dict)
    )


def correct(root: Path, files: Iterable[str], label: str | None, by: str) -> None:
    """Add a correction of each file to the set's. Raises ValueError if the old ones are damaged."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [*history(root), *(Correction(file, label, by, now) for file in files)]
    write_json(file_of(root), {"corrections": [asdict(row) for row in rows]}, indent=1)


def standing(root: Path) -> Mapping[str, str]:
    """File -> its corrected class, ``LEFT_OUT`` for none; only what is corrected now."""
    last = {row.file: row.label for row in history(root)}
    return {file: label for file, label in last.items() if label is not None}


def digest(root: Path) -> str:
    """Hash of what is corrected now, empty where nothing is: the labels' part of a version."""
    rows = sorted(standing(root).items())
    return hashlib.sha256(repr(rows).encode()).hexdigest() if rows else ""
