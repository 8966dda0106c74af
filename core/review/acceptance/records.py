"""Signed acceptances: kept for good and recorded in the ledger, any number for a pair of models."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from core.access.people import Person
from core.access.rights import require
from core.review.acceptance.limits import Limit, Verdict, judged
from core.review.acceptance.limits import accepted as all_met
from core.review.acceptance.measured import Measured, from_json
from core.review.record import pictures
from core.review.record.errors import CaseRefused
from core.review.record.ledger import canonical, recording
from core.review.record.review_store import ReviewStore
from core.review.record.versions import code_version
from core.slide.tables import disclaimer
from core.store.review_schema import acceptances, ledger


@dataclass(frozen=True)
class Acceptance:
    """One signed acceptance. ``entry`` and ``entry_hash`` are its place in the ledger."""

    id: int
    title: str
    wbc_model: str
    locator_model: str
    accepted: bool
    measured: Measured
    verdicts: tuple[Verdict, ...]
    note: str
    code_version: str
    record_sha256: str
    signed_by: str
    signed_name: str
    signed_at: datetime
    entry: int
    entry_hash: str
    _store: ReviewStore = field(compare=False, repr=False)

    def png(self, name: str) -> bytes:
        """A picture of a discordant cell or field. Raises PictureLost."""
        return pictures.read_bytes(self._store, name)


def sign(
    store: ReviewStore,
    person: Person,
    title: str,
    measured: Measured,
    limits: list[Limit],
    note: str = "",
) -> Acceptance:
    """Sign what was measured, whether or not the limits are met.

    The pictures of discordant cells and fields are kept as files beside those of the cases.

    Raises:
        NotAllowed: without the right to sign an acceptance.
        CaseRefused: without a title, a limit or a picture.
    """
    require(person, "accept")
    if not title.strip():
        raise CaseRefused("an acceptance needs a title, such as the month and the stain")
    if not limits:
        raise CaseRefused("choose at least one limit: without any there is nothing to accept")
    if not measured.fields:
        raise CaseRefused("no picture was analysed, so there is nothing to sign")
    verdicts = judged(measured.figures, limits)
    record = {
        "note": disclaimer(),
        "code_version": code_version(),
        "measured": measured.as_json(),
        "verdicts": [verdict.as_json() for verdict in verdicts],
        "remark": note.strip(),
    }
    text = canonical(record)
    models = measured.models
    for data in measured.pictures.values():
        # Before the row that names them: a row without its pictures must never be there.
        pictures.keep_png(store, data)
    with recording(
        store,
        person,
        "sign_acceptance",
        detail=title.strip(),
        model=" ".join(f"{k}={v}" for k, v in sorted(models.items())),
    ) as book:
        number = book.insert(
            acceptances,
            {
                "title": title.strip()[:120],
                "wbc_model": models["wbc"],
                "locator_model": models["locator"],
                "accepted": all_met(verdicts),
                "record": text,
                "record_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "signed_by": person.subject,
                "signed_name": person.name,
                "signed_at": book.now,
            },
        )
    return next(one for one in every(store, person) if one.id == number)


def every(store: ReviewStore, person: Person) -> list[Acceptance]:
    """All acceptances, the newest first. Raises NotAllowed."""
    require(person, "view")
    with store.database.read() as connection:
        rows = connection.execute(select(acceptances).order_by(acceptances.c.id.desc())).all()
        signings = select(ledger.c.number, ledger.c.hash, ledger.c.changes).where(
            ledger.c.action == "sign_acceptance"
        )
        places = {
            change["row"]: (entry.number, entry.hash)
            for entry in connection.execute(signings)
            for change in json.loads(entry.changes)
            if change["table"] == acceptances.name
        }
    return [_acceptance(store, row._mapping, places.get(row.id, (0, ""))) for row in rows]


def _acceptance(store: ReviewStore, row: RowMapping, place: tuple[int, str]) -> Acceptance:
    record = json.loads(row["record"])
    return Acceptance(
        id=row["id"],
        title=row["title"],
        wbc_model=row["wbc_model"],
        locator_model=row["locator_model"],
        accepted=row["accepted"],
        measured=from_json(record["measured"]),
        verdicts=tuple(_verdict(one) for one in record["verdicts"]),
        note=record["remark"],
        code_version=record["code_version"],
        record_sha256=row["record_sha256"],
        signed_by=row["signed_by"],
        signed_name=row["signed_name"],
        signed_at=row["signed_at"],
        entry=place[0],
        entry_hash=place[1],
        _store=store,
    )


# Any: as Verdict.as_json() wrote it; "words" follow from the rest.
def _verdict(stored: Mapping[str, Any]) -> Verdict:
    values = {key: value for key, value in stored.items() if key not in ("limit", "words")}
    return Verdict(limit=Limit(**stored["limit"]), **values)
