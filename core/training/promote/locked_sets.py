"""Locked test sets: lists of files with hash and truth that a training set aside unseen."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Generic, Literal, Required, TypedDict, TypeVar

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
    """A locked test set; ``sha256`` is of its pictures and their truth.

    With ``anywhere`` a cell is the largest white cell of its field instead of the one in the middle
    of its picture.
    """

    title: str
    items: list[Item]
    sha256: str
    anywhere: bool = False


class TestSetBroken(ValueError):
    """A locked test set whose files are gone or were changed."""

    __test__ = False  # a class called Test... is not one of pytest's


class _Picture(TypedDict):
    path: str
    sha256: str


class _Cell(_Picture):
    label: str


class _Field(_Picture):
    counts: list[int]


class _Stored(TypedDict, total=False):
    """A locked test set in its file; it holds ``cells`` or ``fields``."""

    title: Required[str]
    anywhere: bool
    cells: list[_Cell]
    fields: list[_Field]


def lock(file: Path, title: str, cells: Sequence[LabelledCell], *, anywhere: bool = False) -> None:
    """Lock a set of cells; an existing file stays as it is."""
    if file.exists():
        return
    rows: list[_Cell] = [
        {"path": str(cell.path), "label": cell.label, "sha256": sha256_of(cell.path)}
        for cell in cells
        if cell.label and not cell.odd_background
    ]
    _write(file, {"title": title, "anywhere": anywhere, "cells": rows})


def lock_fields(file: Path, title: str, fields: Sequence[Counted]) -> None:
    """Lock a set of fields with their counts; an existing file stays as it is."""
    if file.exists():
        return
    rows: list[_Field] = [
        {
            "path": str(field.path),
            "counts": [int(n) for n in field.counts()],
            "sha256": sha256_of(field.path),
        }
        for field in fields
    ]
    _write(file, {"title": title, "fields": rows})


def _write(file: Path, stored: _Stored) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, stored)


def read(file: Path) -> LockedSet[LabelledCell]:
    """Its cells, and a hash that is the same for the same pictures under the same classes.

    Raises:
        FileNotFoundError: if there is no such list.
        TestSetBroken: if a picture is gone or was changed.
    """
    stored = _read(file, "cells")
    cells = [LabelledCell(Path(row["path"]), row["label"]) for row in stored["cells"]]
    sha256 = _hash_of(f"{row['sha256']} {row['label']}" for row in stored["cells"])
    return LockedSet(stored["title"], cells, sha256, stored.get("anywhere", False))


def read_fields(file: Path) -> LockedSet[CountedField]:
    """Read a set of fields; see :func:`read`."""
    stored = _read(file, "fields")
    counted = [
        CountedField(Path(row["path"]), np.array(row["counts"], np.int64))
        for row in stored["fields"]
    ]
    sha256 = _hash_of(f"{row['sha256']} {row['counts']}" for row in stored["fields"])
    return LockedSet(stored["title"], counted, sha256)


def _read(file: Path, items: Literal["cells", "fields"]) -> _Stored:
    """The list in a file, after checking that its pictures are unchanged.

    Raises:
        FileNotFoundError: if there is no such list.
        TestSetBroken: if it holds something else, or a picture is gone or was changed.
    """
    stored: _Stored = json.loads(file.read_bytes())
    if items not in stored:
        raise TestSetBroken(f"the locked test set {stored['title']} holds no {items}")
    for row in stored[items]:
        path = Path(row["path"])
        if not path.is_file() or sha256_of(path) != row["sha256"]:
            raise TestSetBroken(
                f"{path.name} of the locked test set {stored['title']} is gone or was changed; "
                "nothing can be compared on it"
            )
    return stored


def _hash_of(rows: Iterable[str]) -> str:
    """Hash of a set that does not depend on the order of its rows."""
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def hashes_of(file: Path) -> Locked | None:
    """The set in a file by its pictures' near-duplicate hashes; None if pictures are gone.

    The hashes are cached in a file beside it.
    """
    stored: _Stored = json.loads(file.read_bytes())
    rows: Sequence[_Picture] = stored["cells"] if "cells" in stored else stored.get("fields", [])
    cache = file.with_suffix(".hashes.npy")
    if cache.is_file():
        hashes = np.load(cache, allow_pickle=False)
        if len(hashes) == len(rows):
            return Locked(stored["title"], hashes)
    paths = [Path(row["path"]) for row in rows]
    if not all(path.is_file() for path in paths):
        return None
    hashes = near_duplicates.hash_files(paths)
    with atomic_path(cache) as temporary, temporary.open("wb") as handle:
        np.save(handle, hashes, allow_pickle=False)
    return Locked(stored["title"], hashes)


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
    # An earlier version wrote deepbionet.json, without the key ``anywhere``.
    file = settings().var / "test_sets" / "deepbionet_fields.json"
    if not file.exists():
        folder = settings().data / "wbc_other_lab"
        if not folder.is_dir():
            return None
        cells = other_labs.deepbionet(folder)
        lock(file, "another laboratory (DeepBioNet)", cells, anywhere=True)
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
