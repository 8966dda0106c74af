"""What somebody had on Analyse smear and in no case yet: kept for a week, for them alone.

A browser that is reloaded begins with an empty page. Here lie the pictures as they were read, what
the models found in them and what the person entered, in a folder for each person. Nothing of it is
in the database or in a backup: it is a work table, not a record.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from core.files import copy_atomically, read_json, write_json
from core.imaging.view import pixels_of
from core.records import Field, SmearFinding
from core.review.record import stored_finding
from core.settings import settings

FOLDER: Final = "drafts"
KEPT: Final = timedelta(days=7)
_WHAT: Final = "draft.json"

Entry = str | float | None


@dataclass(frozen=True)
class DraftField:
    """A field of a draft: ``key`` is the picture's hash, then the models that answered."""

    key: tuple[str, ...]
    finding: SmearFinding
    synthetic: bool


@dataclass(frozen=True)
class Draft:
    """``included`` is what was decided of a field, by its picture's hash; ``entries`` are those of
    the tab Blood count.
    """

    fields: tuple[DraftField, ...]
    accession: str = ""
    included: Mapping[str, bool] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    saved_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def save(subject: str, draft: Draft, picture: Callable[[str], Path]) -> None:
    """Keep a draft in place of the one before.

    Args:
        subject: whose it is.
        draft: what to keep.
        picture: the PNG of a picture by its hash.

    Raises:
        OSError: if it cannot be written; the draft before is then still there.
    """
    place = _place(subject)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in draft.fields:
        _keep_picture(picture(one.key[0]), place / f"{one.key[0]}.png")
    write_json(
        place / _WHAT,
        {
            "saved_at": draft.saved_at.isoformat(),
            "accession": draft.accession,
            "included": dict(draft.included),
            "entries": dict(draft.entries),
            "fields": [
                {
                    "key": list(one.key),
                    "synthetic": one.synthetic,
                    "finding": stored_finding.as_text(one.finding),
                }
                for one in draft.fields
            ],
        },
    )
    kept = {f"{one.key[0]}.png" for one in draft.fields}
    for file in place.glob("*.png"):
        if file.name not in kept:
            file.unlink(missing_ok=True)


def load(subject: str, now: datetime | None = None) -> Draft | None:
    """Somebody's draft; None without one, after a week, and where it is damaged.

    Those of everybody that are older than a week are removed on the way.
    """
    now = now or datetime.now(UTC)
    _remove_old(now)
    stored = read_json(_place(subject) / _WHAT)
    try:
        draft = None if stored is None else _draft(stored)
    except (KeyError, TypeError, ValueError):
        return None
    return None if draft is None or now - draft.saved_at > KEPT else draft


def picture_of(subject: str, one: DraftField) -> Field:
    """The picture of a field. Raises OSError or ValueError where it is gone or damaged."""
    data = (_place(subject) / f"{one.key[0]}.png").read_bytes()
    return Field(one.finding.file, pixels_of(data), one.key[0])


def erase(subject: str) -> None:
    """Remove somebody's draft."""
    shutil.rmtree(_place(subject), ignore_errors=True)


def _place(subject: str) -> Path:
    # A subject is an address or anything else that a sign-in sends: no name for a folder.
    name = hashlib.sha256(subject.encode()).hexdigest()[:24]
    return settings().var / FOLDER / name


def _keep_picture(source: Path, target: Path) -> None:
    if target.exists():
        return
    try:
        os.link(source, target)  # the same disk: nothing is copied
    except OSError:
        copy_atomically(source, target)


def _draft(stored: Mapping[str, Any]) -> Draft:
    return Draft(
        tuple(
            DraftField(
                tuple(map(str, row["key"])),
                stored_finding.from_text(row["finding"]),
                bool(row["synthetic"]),
            )
            for row in stored["fields"]
        ),
        str(stored["accession"]),
        {str(name): bool(value) for name, value in stored["included"].items()},
        dict(stored["entries"]),
        datetime.fromisoformat(stored["saved_at"]),
    )


def _remove_old(now: datetime) -> None:
    for folder in (settings().var / FOLDER).glob("*"):
        # A draft that was written lately is none of them, so it need not be read.
        if now - _written(folder) <= KEPT:
            continue
        stored = read_json(folder / _WHAT) or {}
        try:
            saved = datetime.fromisoformat(str(stored["saved_at"]))
        except (KeyError, ValueError):  # unfinished or damaged: as old as its folder
            saved = _written(folder)
        if now - saved > KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def _written(folder: Path) -> datetime:
    for place in (folder / _WHAT, folder):
        try:
            return datetime.fromtimestamp(place.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue
    return datetime.now(UTC)  # somebody else has just removed it
