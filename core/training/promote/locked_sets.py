"""Test sets that a training wrote down and never looked at: each file with its hash and truth."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np

from core.datasets import near_duplicates
from core.datasets.fields import Counted
from core.datasets.intake.copies import Locked
from core.datasets.intake.fields import CountedField
from core.datasets.public import cbc, other_labs, pbc
from core.datasets.public.pbc import LabelledCell
from core.evaluation import locator_suite
from core.files import atomic_path, sha256_of, write_json
from core.settings import settings

FILE: Final = "test_set.json"


Item = TypeVar("Item")


@dataclass(frozen=True)
class LockedSet(Generic[Item]):
    """A set as it was written down; ``sha256`` is of its pictures and their truth.

    ``anywhere``: its cells are not in the middle of their pictures, but the largest white cell of
    a field.
    """

    title: str
    items: list[Item]
    sha256: str
    anywhere: bool = False


class TestSetBroken(ValueError):
    """A locked test set whose files are gone or were changed."""

    __test__ = False  # a class called Test... is not one of pytest's


def lock(file: Path, title: str, cells: Sequence[LabelledCell], *, anywhere: bool = False) -> None:
    """Write a set of cells down, once: an existing file stays as it is."""
    rows = [
        {"path": str(cell.path), "label": cell.label}
        for cell in cells
        if cell.label and not cell.odd_background
    ]
    _write(file, title, "cells", rows, anywhere=anywhere)


def lock_fields(file: Path, title: str, fields: Sequence[Counted]) -> None:
    """Write a set of fields down with the cells counted in them, once."""
    rows = [{"path": str(f.path), "counts": [int(n) for n in f.counts()]} for f in fields]
    _write(file, title, "fields", rows)


def read(file: Path) -> LockedSet[LabelledCell]:
    """Its cells, and a hash that is the same for the same pictures under the same classes.

    Raises:
        FileNotFoundError: if there is no such list.
        TestSetBroken: if a picture is gone or is not what it was.
    """
    said, sha256 = _read(file, "cells", "label")
    cells = [LabelledCell(Path(row["path"]), row["label"]) for row in said["cells"]]
    return LockedSet(said["title"], cells, sha256, said.get("anywhere", False))


def read_fields(file: Path) -> LockedSet[CountedField]:
    """The same of a set of fields; see :func:`read`."""
    said, sha256 = _read(file, "fields", "counts")
    counted = [
        CountedField(Path(row["path"]), np.array(row["counts"], np.int64)) for row in said["fields"]
    ]
    return LockedSet(said["title"], counted, sha256)


def _write(file: Path, title: str, what: str, rows: list[dict[str, Any]], **more: bool) -> None:
    if file.exists():
        return
    hashed = [{**row, "sha256": sha256_of(Path(row["path"]))} for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, {"title": title, **more, what: hashed})


def _read(file: Path, what: str, truth: str) -> tuple[dict[str, Any], str]:
    said: dict[str, Any] = json.loads(file.read_bytes())
    if what not in said:
        raise TestSetBroken(f"the locked test set {said['title']} holds no {what}")
    for row in said[what]:
        path = Path(row["path"])
        if not path.is_file() or sha256_of(path) != row["sha256"]:
            raise TestSetBroken(
                f"{path.name} of the locked test set {said['title']} is gone or was changed; "
                "nothing can be compared on it"
            )
    rows = sorted(f"{row['sha256']} {row[truth]}" for row in said[what])
    sha256 = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return said, sha256


def hashes_of(file: Path) -> Locked | None:
    """The set in a file by the hashes of its pictures, kept beside it; None if they are gone."""
    said = json.loads(file.read_bytes())
    rows = said.get("cells", said.get("fields", ()))
    kept = file.with_suffix(".hashes.npy")
    if kept.is_file():
        hashes = np.load(kept, allow_pickle=False)
        if len(hashes) == len(rows):
            return Locked(str(said["title"]), hashes)
    paths = [Path(row["path"]) for row in rows]
    if not all(path.is_file() for path in paths):
        return None
    hashes = near_duplicates.hash_files(paths)
    with atomic_path(kept) as temporary, temporary.open("wb") as handle:
        np.save(handle, hashes, allow_pickle=False)
    return Locked(str(said["title"]), hashes)


def original() -> Path | None:
    """The list of PBC's test part, locked now if it never was; None without the set."""
    file = settings().var / "test_sets" / "pbc.json"
    if not file.exists():
        if not (settings().data / "pbc").is_dir():
            return None
        lock(file, "PBC test part", _pbc_test_part(settings().data / "pbc"))
    return file


@lru_cache(maxsize=1)
def _pbc_test_part(root: Path) -> tuple[LabelledCell, ...]:
    return tuple(pbc.split(pbc.load(root), seed=0)[2])


def laboratory_left_out() -> Path | None:
    """DeepBioNet's cells, which nothing here is trained on; None without the set."""
    # An earlier version wrote deepbionet.json without where the cells are.
    file = settings().var / "test_sets" / "deepbionet_fields.json"
    if not file.exists():
        folder = settings().data / "wbc_other_lab"
        if not folder.is_dir():
            return None
        cells = other_labs.deepbionet(folder)
        lock(file, "a laboratory nobody learnt from (DeepBioNet)", cells, anywhere=True)
    return file


def original_fields() -> Path | None:
    """The 60 CBC test fields with TXL-PBC's labels of them; None without the sets."""
    file = settings().var / "test_sets" / "cbc_fields.json"
    if not file.exists():
        data = settings().data
        if not (data / "cbc").is_dir() or not (data / "txl").is_dir():
            return None
        fields = cbc.load(data / "cbc", "Testing")
        relabelled = locator_suite.relabelled_copies(data, fields)
        counted = [
            CountedField(f.path, t.counts()) for f, t in zip(fields, relabelled, strict=True)
        ]
        lock_fields(file, "60 CBC test fields, TXL-PBC's labels", counted)
    return file
