"""Test sets that a training wrote down and never looked at: each file with its hash and truth."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from core.datasets import cbc, other_labs, pbc
from core.datasets.intake_fields import CountedField
from core.datasets.pbc import LabelledCell
from core.evaluation import locator_suite
from core.settings import settings

FILE: Final = "test_set.json"


class Counted(Protocol):
    """A field whose cells a person counted or boxed."""

    @property
    def path(self) -> Path: ...

    def counts(self) -> npt.NDArray[np.int64]: ...


class TestSetBroken(ValueError):
    """A locked test set whose files are gone or were changed."""

    __test__ = False  # a class called Test... is not one of pytest's


def lock(file: Path, title: str, cells: Sequence[LabelledCell]) -> None:
    """Write a set of cells down, once: an existing file stays as it is."""
    rows = [
        {"path": str(cell.path), "label": cell.label}
        for cell in cells
        if cell.label and not cell.odd_background
    ]
    _write(file, title, "cells", rows)


def lock_fields(file: Path, title: str, fields: Sequence[Counted]) -> None:
    """Write a set of fields down with the cells counted in them, once."""
    rows = [{"path": str(f.path), "counts": [int(n) for n in f.counts()]} for f in fields]
    _write(file, title, "fields", rows)


def read(file: Path) -> tuple[str, list[LabelledCell], str]:
    """Title, cells, and a hash that is the same for the same pictures under the same classes.

    Raises:
        FileNotFoundError: if there is no such list.
        TestSetBroken: if a picture is gone or is not what it was.
    """
    title, rows, sha256 = _read(file, "cells", "label")
    return title, [LabelledCell(Path(row["path"]), row["label"]) for row in rows], sha256


def read_fields(file: Path) -> tuple[str, list[CountedField], str]:
    """The same of a set of fields; see :func:`read`."""
    title, rows, sha256 = _read(file, "fields", "counts")
    counted = [CountedField(Path(r["path"]), np.array(r["counts"], np.int64)) for r in rows]
    return title, counted, sha256


def _write(file: Path, title: str, what: str, rows: list[dict[str, Any]]) -> None:
    if file.exists():
        return
    hashed = [{**row, "sha256": _hash(Path(row["path"]))} for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".writing")
    temporary.write_text(json.dumps({"title": title, what: hashed}))
    temporary.replace(file)


def _read(file: Path, what: str, truth: str) -> tuple[str, list[dict[str, Any]], str]:
    said = json.loads(file.read_bytes())
    if what not in said:
        raise TestSetBroken(f"the locked test set {said['title']} holds no {what}")
    for row in said[what]:
        path = Path(row["path"])
        if not path.is_file() or _hash(path) != row["sha256"]:
            raise TestSetBroken(
                f"{path.name} of the locked test set {said['title']} is gone or was changed; "
                "nothing can be compared on it"
            )
    rows = sorted(f"{row['sha256']} {row[truth]}" for row in said[what])
    sha256 = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return str(said["title"]), said[what], sha256


def original() -> Path | None:
    """The list of PBC's test part, locked now if it never was; None without the set."""
    file = settings().var / "test_sets" / "pbc.json"
    if not file.exists():
        if not (settings().data / "pbc").is_dir():
            return None
        lock(file, "PBC test part", pbc.split(pbc.load(settings().data / "pbc"), seed=0)[2])
    return file


def laboratory_left_out() -> Path | None:
    """DeepBioNet's cells, which nothing here is trained on; None without the set."""
    file = settings().var / "test_sets" / "deepbionet.json"
    if not file.exists():
        folder = settings().data / "wbc_other_lab"
        if not folder.is_dir():
            return None
        lock(file, "a laboratory nobody learnt from (DeepBioNet)", other_labs.deepbionet(folder))
    return file


def original_fields() -> Path | None:
    """The 60 CBC test fields with TXL-PBC's labels of them; None without the sets."""
    file = settings().var / "test_sets" / "cbc_fields.json"
    if not file.exists():
        data = settings().data
        if not (data / "cbc").is_dir() or not (data / "txl").is_dir():
            return None
        fields = cbc.load(data / "cbc", "Testing")
        twins = locator_suite.txl_twins(data, fields)
        counted = [CountedField(f.path, t.counts()) for f, t in zip(fields, twins, strict=True)]
        lock_fields(file, "60 CBC test fields, TXL-PBC's labels", counted)
    return file


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
