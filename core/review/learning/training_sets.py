"""Training sets made of what was verified: a folder, a version, a manifest with every hash.

Cells become class folders and fields YOLO boxes, as the intake of the Fine-tune page reads them. A
table says which files belong to one patient, so that no split ever divides one.
"""

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import func, select

from core.access.people import Person
from core.access.rights import require
from core.review.learning.harvest import VerifiedField, verified_fields
from core.review.learning.set_folder import GROUPS, MANIFEST
from core.review.learning.training_set_files import (
    SetItem,
    framed,
    group_table,
    write_cells,
    write_fields,
    write_file,
)
from core.review.record.errors import CaseRefused
from core.review.record.ledger import moment, recording
from core.review.record.review_store import ReviewStore
from core.settings import settings
from core.store import review_schema as schema

__all__ = [
    "GROUPS", "MANIFEST", "Proposal", "SetKind", "TrainingSet", "all_sets", "changed_files",
    "framed", "make", "proposal",
]  # fmt: skip

SetKind = Literal["cells", "fields"]
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class TrainingSet:
    """One version of a set. ``folder`` is below the store's folder.

    ``corrections`` is how many corrections there were in all when it was made.
    """

    id: int
    name: str
    version: int
    kind: SetKind
    folder: str
    manifest_sha256: str
    cases: int
    items: int
    corrections: int
    made_by: str
    made_at: datetime

    def path(self, store: ReviewStore) -> Path:
        """Where it lies: what the Fine-tune page is given."""
        return store.folder / self.folder


@dataclass(frozen=True)
class Proposal:
    """Whether it is time to train again. A person starts it."""

    new_corrections: int
    needed: int
    by_class: Mapping[str, int]
    verified_cells: int

    @property
    def is_due(self) -> bool:
        return self.new_corrections >= self.needed


def make(store: ReviewStore, person: Person, name: str, kind: SetKind) -> TrainingSet:
    """A new version of a set, of all cases that are signed now.

    Args:
        store: the database and its folder.
        person: who makes it.
        name: small letters, digits and hyphens; the same name again is the next version.
        kind: ``cells`` of the white cells by class, ``fields`` with all their boxes, of which
            only those whose boxes a person confirmed or changed.

    Raises:
        NotAllowed: without the right to train.
        CaseRefused: for a name that is none, or where nothing is verified.
        PictureLost: if a stored picture is gone or was changed.
    """
    require(person, "train")
    if not _NAME.fullmatch(name):
        raise CaseRefused(
            f"a set's name has up to 60 small letters, digits and hyphens, got {name!r}"
        )
    table = schema.training_sets
    with store.database.read() as connection:
        fields = list(verified_fields(connection))
        last = select(func.max(table.c.version)).where(table.c.name == name)
        version = (connection.execute(last).scalar() or 0) + 1
    corrections = sum(_corrections(fields).values())
    folder = store.training_sets / f"{name}-v{version}"
    making = folder.with_name(f".{folder.name}.making")
    items = _write_items(store, fields, kind, making)
    with recording(store, person, "make_training_set", detail=f"{name} v{version}") as book:
        again = book.connection.execute(
            select(table.c.id).where(table.c.name == name, table.c.version == version)
        ).first()
        if again is not None:
            raise CaseRefused(f"somebody else made {name} v{version} just now; see what is in it")
        text = _manifest(name, version, kind, items, person, book.now)
        write_file(making / MANIFEST, text.encode())
        shutil.rmtree(folder, ignore_errors=True)  # left by one who was stopped at this place
        making.replace(folder)
        number = book.insert(
            table,
            {
                "name": name,
                "version": version,
                "kind": kind,
                "folder": folder.relative_to(store.folder).as_posix(),
                "manifest_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "cases": len({item["case"] for item in items}),
                "items": len(items),
                "corrections": corrections,
                "made_by": person.subject,
                "made_at": book.now,
            },
        )
        row = book.connection.execute(select(table).where(table.c.id == number)).one()
        return TrainingSet(**row._mapping)


def _write_items(
    store: ReviewStore, fields: Sequence[VerifiedField], kind: SetKind, folder: Path
) -> list[SetItem]:
    """Write a set's files into a fresh folder. Raises CaseRefused where nothing is verified."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    items = list((write_cells if kind == "cells" else write_fields)(store, fields, folder))
    if not items:
        shutil.rmtree(folder)
        what = "cells" if kind == "cells" else "fields whose boxes a person confirmed or changed"
        raise CaseRefused(f"nothing is verified yet: no signed case has {what} to learn from")
    write_file(folder / GROUPS, group_table(items))
    return items


def _manifest(
    name: str,
    version: int,
    kind: SetKind,
    items: Sequence[SetItem],
    person: Person,
    at: datetime,
) -> str:
    manifest = {
        "format": 1,
        "name": name,
        "version": version,
        "kind": kind,
        "made_by": person.name,
        "made_at": moment(at),
        "cases": len({item["case"] for item in items}),
        "classes": Counter(item["class"] for item in items if "class" in item),
        "items": items,
    }
    return json.dumps(manifest, indent=1, sort_keys=True) + "\n"


def all_sets(store: ReviewStore, person: Person, kind: SetKind | None = None) -> list[TrainingSet]:
    """Sets that were made, newest first. Raises NotAllowed."""
    require(person, "view")
    table = schema.training_sets
    query = select(table).order_by(table.c.id.desc())
    if kind is not None:
        query = query.where(table.c.kind == kind)
    with store.database.read() as connection:
        return [TrainingSet(**row._mapping) for row in connection.execute(query)]


def changed_files(store: ReviewStore, person: Person, chosen: TrainingSet) -> list[str]:
    """Files of a set that are gone or not what its manifest says; empty if it is whole.

    Raises:
        NotAllowed: without the right to view.
    """
    require(person, "view")
    folder = chosen.path(store)
    try:
        text = (folder / MANIFEST).read_bytes()
    except OSError:
        return [MANIFEST]
    if hashlib.sha256(text).hexdigest() != chosen.manifest_sha256:
        return [MANIFEST]
    wrong = []
    for item in json.loads(text)["items"]:
        for name, sha256 in item["files"].items():
            file = folder / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
                wrong.append(name)
    return wrong


def proposal(store: ReviewStore, person: Person) -> Proposal:
    """How many corrections came since the last set of cells, and whether they are enough.

    Raises:
        NotAllowed: without the right to view.
    """
    require(person, "view")
    table = schema.training_sets
    with store.database.read() as connection:
        fields = list(verified_fields(connection))
        last = select(table.c.corrections).where(table.c.kind == "cells")
        known = connection.execute(last.order_by(table.c.id.desc()).limit(1)).scalar() or 0
    found = _corrections(fields)
    labelled = sum(cell.label is not None for field in fields for cell in field.cells)
    new = max(0, sum(found.values()) - known)
    return Proposal(new, settings().corrections_before_proposal, dict(found), labelled)


def _corrections(fields: Iterable[VerifiedField]) -> Counter[str]:
    return Counter(str(cell.label) for field in fields for cell in field.cells if cell.corrected)
