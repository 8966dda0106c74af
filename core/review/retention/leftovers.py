"""Files that hold something of a case: its pictures, cells in training sets, fields that were sent.

Each function can be repeated: what is gone already is left alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from core.files import JsonObject, read_json, write_atomically
from core.jobs import job
from core.review.learning.set_folder import GROUPS, MANIFEST
from core.review.record import feature_files, pictures
from core.review.record.integrity import pictures_in_use
from core.review.record.ledger import Recording
from core.review.record.review_store import ReviewStore
from core.store.review_schema import training_sets

# Any: what a manifest's line holds besides; `core.review.learning.training_set_files` types it.
Item = dict[str, Any]


def remove_pictures(store: ReviewStore, connection: Connection, names: Collection[str]) -> None:
    """Remove stored pictures by their hash, with what the network made of their cells, but those
    that another case or acceptance has.

    Raises:
        OSError: if one cannot be removed.
    """
    in_use = pictures_in_use(connection)
    for sha256 in names:
        if sha256 not in in_use:
            feature_files.remove_answers(store, sha256)
        if sha256 not in in_use and pictures.exists(store, sha256):
            pictures.remove(store, sha256)


def sets_with(
    store: ReviewStore, connection: Connection, cases: Collection[int]
) -> tuple[str, ...]:
    """Training sets with cells or fields of these cases, such as ``cells v2``."""
    return tuple(
        f"{row.name} v{row.version}"
        for row in connection.execute(select(training_sets).order_by(training_sets.c.id))
        if _items_of(_manifest(store.folder / row.folder), cases)
    )


def record_sets_without(store: ReviewStore, book: Recording, cases: Collection[int]) -> None:
    """Record what each set is without these cases; :func:`remove_from_sets` makes it so."""
    for row in book.connection.execute(select(training_sets)).all():
        manifest = _manifest(store.folder / row.folder)
        if manifest is None or not _items_of(manifest, cases):
            continue
        text = _text_without(manifest, cases)
        left = json.loads(text)["items"]
        book.update(
            training_sets,
            row.id,
            manifest_sha256=hashlib.sha256(text.encode()).hexdigest(),
            cases=len({item["case"] for item in left}),
            items=len(left),
        )


def remove_from_sets(store: ReviewStore, connection: Connection, cases: Collection[int]) -> None:
    """Remove the files of these cases from every training set, and then their lines.

    The manifest comes last: as long as it names a file there may be one to remove.

    Raises OSError.
    """
    for row in connection.execute(select(training_sets)):
        folder = store.folder / row.folder
        manifest = _manifest(folder)
        if manifest is None:
            continue
        gone = {name for item in _items_of(manifest, cases) for name in item["files"]}
        if not gone:
            continue
        for name in gone:
            (folder / name).unlink(missing_ok=True)
        write_atomically(folder / GROUPS, _table_without(folder / GROUPS, gone))
        write_atomically(folder / MANIFEST, _text_without(manifest, cases))


def remove_acquaintances(store: ReviewStore, cases: Collection[int]) -> None:
    """Remove the fields that were sent to get acquainted, of the cases that hold them."""
    for one in job.find(store.folder / "acquaintance"):
        if one.task.get("case") in cases:
            shutil.rmtree(one.folder)


def _manifest(folder: Path) -> JsonObject | None:
    try:
        return read_json(folder / MANIFEST)
    except ValueError:
        return None  # `changed_files` reports it


def _items_of(manifest: JsonObject | None, cases: Collection[int]) -> list[Item]:
    items = manifest.get("items") if manifest else None
    return [one for one in _objects(items) if one["case"] in cases]


def _objects(items: object) -> list[Item]:
    """The lines of a manifest. One that was changed by hand may hold anything."""
    if not isinstance(items, list):
        return []
    return [one for one in items if isinstance(one, dict) and one.keys() >= {"case", "files"}]


def _text_without(manifest: JsonObject, cases: Collection[int]) -> str:
    left = [one for one in _objects(manifest.get("items")) if one["case"] not in cases]
    changed = {
        **manifest,
        "items": left,
        "cases": len({one["case"] for one in left}),
        "classes": Counter(one["class"] for one in left if "class" in one),
    }
    return json.dumps(changed, indent=1, sort_keys=True) + "\n"


def _table_without(file: Path, gone: Collection[str]) -> str:
    return "".join(_lines_without(file, gone)) if file.is_file() else "file,patient\n"


def _lines_without(file: Path, gone: Collection[str]) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
        cells = next(csv.reader(io.StringIO(line)), [""])
        if cells[0] not in gone:
            yield line
