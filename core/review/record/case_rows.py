"""Cases and their pictures as they stand in the database, read within a transaction."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from core.records import SmearFinding
from core.review.record import stored_finding
from core.review.record.errors import CaseRefused
from core.review.record.ledger import Recording
from core.slide import judgement
from core.slide.foreign_laboratory import Laboratory, laboratory_of
from core.store.review_schema import case_cells, case_pictures, cases

CaseState = Literal["new", "in_review", "second_review", "signed", "amended"]


@dataclass(frozen=True)
class Case:
    """One case. ``version`` is 1 until it is amended; ``reading`` is 1 first reader, 2 second, 3
    settling where the two differ. ``revision`` goes up with every change of the case itself.
    ``halves``: each of two readers reads a half of the white cells, see
    :mod:`core.review.reading.halves`; None counts as no.
    """

    id: int
    accession: str
    pseudonym: str
    sex: str
    age_years: int | None
    indication: str
    state: CaseState
    version: int
    reading: int
    second_reader: bool
    assigned_to: str | None
    assigned_name: str | None
    assigned_since: datetime | None
    created_by: str
    created_at: datetime
    signed_at: datetime | None
    revision: int
    cancelled_at: datetime | None = None
    cancelled_reason: str | None = None
    halves: bool | None = None

    @property
    def is_cancelled(self) -> bool:
        """Nobody works on it: it was cancelled with a reason, and can be opened again."""
        return self.cancelled_at is not None

    @property
    def is_closed(self) -> bool:
        """Signed: nothing changes any more, except by an amendment."""
        return self.state in ("signed", "amended")


@dataclass(frozen=True)
class CasePicture:
    """A picture of a case. ``finding_text`` is what the program found in it, as JSON.

    ``models`` names what found it: ``locator``, ``wbc`` (or ``palm``) and ``preprocessing``.
    ``included`` is what a person decided about a field: it counts, it is left out, or (None) its
    flags decide. ``look`` is the picture's difference hash, None for one kept without.
    ``in_foreign_laboratory`` is judged over all fields of the case (``of_one_laboratory``).
    """

    id: int
    case_id: int
    kind: Literal["field", "palm"]
    name: str
    slide: str
    sha256: str
    source_sha256: str
    width: int
    height: int
    finding_text: str
    models: dict[str, str]
    code_version: str
    flag_codes: tuple[str, ...]
    added_by: str
    added_at: datetime
    included: bool | None = None
    look: str | None = None
    in_foreign_laboratory: bool = False

    def finding(self) -> SmearFinding:
        """What the program found in a field, with what a person decided about it.

        Where the case comes from a foreign laboratory its limits hold for every cell.

        Raises ValueError for a palm.
        """
        found = self.as_analysed()
        return found.in_foreign_laboratory() if self.in_foreign_laboratory else found

    def as_analysed(self) -> SmearFinding:
        """The same by the field alone, whatever the other fields of the case look like."""
        found = stored_finding.from_text(self.finding_text)
        return found if self.included is None else replace(found, included_by_person=self.included)

    @property
    def left_out(self) -> judgement.LeftOut | None:
        """Why this field does not count; None for one that does, and for a palm."""
        return judgement.left_out(self.as_analysed()) if self.kind == "field" else None

    def palm(self) -> dict[str, Any]:
        """The program's answer to a palm, as the palm command gives it."""
        return dict(json.loads(self.finding_text))


def case_in(connection: Connection, case_id: int) -> Case:
    """A case within a transaction. Raises CaseRefused if there is none."""
    row = connection.execute(select(cases).where(cases.c.id == case_id)).first()
    if row is None:
        raise CaseRefused(f"there is no case {case_id}")
    return Case(**row._mapping)


def open_case(connection: Connection, case_id: int) -> Case:
    """Like :func:`case_in`; raises CaseRefused where it is signed or cancelled."""
    case = case_in(connection, case_id)
    if case.is_cancelled:
        raise CaseRefused(
            f"case {case.accession} is cancelled ({case.cancelled_reason}); open it again first"
        )
    if case.is_closed:
        raise CaseRefused(
            f"case {case.accession} is signed; it can only be amended, as a new version"
        )
    return case


def mark_in_review(book: Recording, case: Case) -> None:
    """A new case is in review from its first change on."""
    if case.state == "new":
        book.update(cases, case.id, state="in_review")


def pictures_in(connection: Connection, case_id: int) -> list[CasePicture]:
    """Pictures of a case within a transaction; its fields are taken as one laboratory's."""
    query = select(case_pictures).where(case_pictures.c.case_id == case_id)
    rows = connection.execute(query.order_by(case_pictures.c.id))
    return of_one_laboratory([picture_of(row) for row in rows])


def of_one_laboratory(pictures: Sequence[CasePicture]) -> list[CasePicture]:
    """The same pictures; where their laboratory is foreign its limits hold for every cell."""
    is_foreign = laboratory_of_pictures(pictures).is_foreign
    return [replace(picture, in_foreign_laboratory=is_foreign) for picture in pictures]


def laboratory_of_pictures(pictures: Iterable[CasePicture]) -> Laboratory:
    """Whether the laboratory that the fields come from is one the white-cell model knows."""
    return laboratory_of(picture.as_analysed() for picture in pictures if picture.kind == "field")


def update_doubts(book: Recording, case_id: int) -> None:
    """Mark the cells as doubtful that are so by all fields of a case, as they stand now.

    A field that comes or goes can make the laboratory a foreign one, and so change what is sure.
    """
    fields = {
        picture.id: picture.finding()
        for picture in pictures_in(book.connection, case_id)
        if picture.kind == "field"
    }
    query = select(case_cells).where(
        case_cells.c.case_id == case_id,
        case_cells.c.place.is_not(None),
        case_cells.c.machine_label.is_not(None),
    )
    for row in book.connection.execute(query.order_by(case_cells.c.id)).all():
        doubtful = judgement.call_is_doubtful(fields[row.picture_id].cells[row.place].wbc)
        if row.abstained != doubtful:
            # No new revision: whoever has the cell open changes something else of it.
            book.update(case_cells, row.id, abstained=doubtful, revision=row.revision)


def picture_in(connection: Connection, picture_id: int) -> CasePicture:
    """One picture within a transaction. Raises CaseRefused if there is none."""
    query = select(case_pictures.c.case_id).where(case_pictures.c.id == picture_id)
    case_id = connection.execute(query).scalar()
    if case_id is None:
        raise CaseRefused(f"there is no picture {picture_id}")
    return next(one for one in pictures_in(connection, case_id) if one.id == picture_id)


def picture_of(row: Any) -> CasePicture:
    """A picture from its row."""
    values = dict(row._mapping)
    values["finding_text"] = values.pop("finding")
    values["models"] = json.loads(values["models"])
    values["flag_codes"] = tuple(values["flag_codes"].split())
    return CasePicture(**values)
