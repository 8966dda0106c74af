"""Test sets that a training wrote down and never looked at: each file with its hash and class."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.datasets import pbc
from core.datasets.pbc import LabelledCell
from core.settings import settings

FILE: Final = "test_set.json"


class TestSetBroken(ValueError):
    """A locked test set whose files are gone or were changed."""

    __test__ = False  # a class called Test... is not one of pytest's


def lock(file: Path, title: str, cells: Sequence[LabelledCell]) -> None:
    """Write the set down, once: an existing file stays as it is."""
    if file.exists():
        return
    rows = [
        {"path": str(cell.path), "label": cell.label, "sha256": _hash(cell.path)}
        for cell in cells
        if cell.label and not cell.odd_background
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".writing")
    temporary.write_text(json.dumps({"title": title, "cells": rows}))
    temporary.replace(file)


def read(file: Path) -> tuple[str, list[LabelledCell], str]:
    """Title, cells, and a hash that is the same for the same pictures under the same classes.

    Raises:
        FileNotFoundError: if there is no such list.
        TestSetBroken: if a picture is gone or is not what it was.
    """
    said = json.loads(file.read_bytes())
    cells = []
    for row in said["cells"]:
        path = Path(row["path"])
        if not path.is_file() or _hash(path) != row["sha256"]:
            raise TestSetBroken(
                f"{path.name} of the locked test set {said['title']} is gone or was changed; "
                "nothing can be compared on it"
            )
        cells.append(LabelledCell(path, row["label"]))
    rows = sorted(f"{row['sha256']} {row['label']}" for row in said["cells"])
    return str(said["title"]), cells, hashlib.sha256("\n".join(rows).encode()).hexdigest()


def original() -> Path | None:
    """The list of PBC's test part, locked now if it never was; None without the set."""
    file = settings().var / "test_sets" / "pbc.json"
    if not file.exists():
        if not (settings().data / "pbc").is_dir():
            return None
        lock(file, "PBC test part", pbc.split(pbc.load(settings().data / "pbc"), seed=0)[2])
    return file


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
