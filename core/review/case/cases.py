"""Cases: what was sent in for one patient, and where it stands."""

import re
from collections.abc import Mapping
from typing import Final, TypedDict, Unpack

from sqlalchemy import Connection, func, or_, select

from core.access.people import Person
from core.access.rights import require, require_any
from core.records import Field
from core.review.case.identity import looks_like_identity
from core.review.case.keep import keep_field, keep_palm
from core.review.record import pictures
from core.review.record.case_rows import (
    Case,
    CasePicture,
    CaseState,
    case_in,
    laboratory_of_pictures,
    mark_in_review,
    open_case,
    picture_in,
    pictures_in,
)
from core.review.record.errors import CaseRefused, Conflict, LooksLikeIdentity, StaleEdit
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.settings import DEMO_PREFIX, settings
from core.slide.foreign_laboratory import Laboratory
from core.store.review_schema import cases

__all__ = [
    "SEXES",
    "Case",
    "CasePicture",
    "CaseState",
    "case_in",
    "case_pictures_of",
    "change",
    "create",
    "find",
    "find_accession",
    "get",
    "keep_field",
    "keep_palm",
    "laboratory",
    "mark_in_review",
    "open_case",
    "picture_field",
    "picture_in",
    "picture_png",
    "pictures_in",
]

SEXES: Final = ("unknown", "female", "male", "other")
_ACCESSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}")


class CaseDetails(TypedDict, total=False):
    """What a person says of a case and may correct until it is signed; ``sex`` one of ``SEXES``."""

    accession: str
    pseudonym: str
    sex: str
    age_years: int | None
    indication: str


_DETAIL_WORDS: Final = {
    "accession": "accession number",
    "pseudonym": "pseudonym",
    "sex": "sex",
    "age_years": "age",
    "indication": "indication",
}


def create(
    store: ReviewStore,
    person: Person,
    accession: str,
    *,
    pseudonym: str = "",
    sex: str = "unknown",
    age_years: int | None = None,
    indication: str = "",
    pseudonym_confirmed: bool = False,
) -> Case:
    """A new case.

    Args:
        pseudonym_confirmed: a person was asked about a pseudonym that looks like a name, and said
            that it is none.

    Raises:
        NotAllowed: without the right to upload.
        LooksLikeIdentity: for a pseudonym that looks like a name or a date of birth, unconfirmed.
        CaseRefused: for an accession number that is taken or not one, or details that are not
            possible.
    """
    require(person, "upload")
    values = _checked(
        _stripped(
            {
                "accession": accession,
                "pseudonym": pseudonym,
                "sex": sex,
                "age_years": age_years,
                "indication": indication,
            }
        )
    )
    confirmation = _ask_about(pseudonym.strip(), pseudonym_confirmed)
    with recording(store, person, "create_case", detail=confirmation) as book:
        _accession_is_free(book.connection, values["accession"])
        number = book.insert(
            cases,
            {
                **values,
                "state": "new",
                "version": 1,
                "reading": 1,
                "second_reader": False,
                "created_by": person.subject,
                "created_at": book.now,
                "revision": 1,
            },
        )
        return case_in(book.connection, number)


def change(
    store: ReviewStore,
    person: Person,
    case_id: int,
    revision: int,
    *,
    pseudonym_confirmed: bool = False,
    **details: Unpack[CaseDetails],
) -> Case:
    """Change accession, pseudonym, sex, age_years or indication of an unsigned case.

    Raises:
        NotAllowed: without the right to upload or review.
        LooksLikeIdentity: for a new pseudonym that looks like a name, unconfirmed.
        StaleEdit: if somebody changed the case since ``revision``.
        CaseRefused: if it is signed, or a value is not possible.
    """
    require_any(person, "upload", "review")
    unknown = details.keys() - _DETAIL_WORDS.keys()
    if unknown:
        raise CaseRefused(f"a case has no {', '.join(sorted(unknown))} to change")
    values = _checked(_stripped(details))
    with recording(store, person, "change_case", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        if case.revision != revision:
            now = _words({name: getattr(case, name) for name in values})
            mine = _words(values)
            raise StaleEdit((Conflict("case", case_id, mine, now, "", None, case.revision),))
        accession = values.get("accession", case.accession)
        if accession.lower() != case.accession.lower():
            _accession_is_free(book.connection, accession)
        changed = {k: v for k, v in values.items() if getattr(case, k) != v}
        if "pseudonym" in values and "pseudonym" in changed:
            book.detail = _ask_about(values["pseudonym"], pseudonym_confirmed)
        if changed:
            book.update(cases, case_id, **changed)
        return case_in(book.connection, case_id)


def get(store: ReviewStore, person: Person, case_id: int) -> Case:
    """A case by its number. Raises NotAllowed, CaseRefused if there is none."""
    require(person, "read")
    with store.database.read() as connection:
        return case_in(connection, case_id)


def find(store: ReviewStore, person: Person, which: str) -> Case:
    """A case by its accession number, or else its own number. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        # "7" may be both; what the laboratory calls a case comes first.
        same = [cases.c.accession == which]
        if which.isdecimal() and len(which) < 10:
            same.append(cases.c.id == int(which))
        rows = connection.execute(select(cases).where(or_(*same))).all()
        if not rows:
            raise CaseRefused(f"there is no case {which}")
        best = min(rows, key=lambda row: row.accession != which)
        return Case(**best._mapping)


def find_accession(store: ReviewStore, person: Person, accession: str) -> Case | None:
    """The case with exactly this accession number, in any case of letters; None without one.

    Raises NotAllowed.
    """
    require(person, "read")
    same = func.lower(cases.c.accession) == accession.strip().lower()
    with store.database.read() as connection:
        number = connection.execute(select(cases.c.id).where(same)).scalar()
        return None if number is None else case_in(connection, number)


def case_pictures_of(store: ReviewStore, person: Person, case_id: int) -> list[CasePicture]:
    """Pictures of a case in the order they came. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case_in(connection, case_id)
        return pictures_in(connection, case_id)


def laboratory(store: ReviewStore, person: Person, case_id: int) -> Laboratory:
    """Whether the laboratory that a case comes from is one the white-cell model knows.

    Raises NotAllowed, CaseRefused.
    """
    return laboratory_of_pictures(case_pictures_of(store, person, case_id))


def picture_png(store: ReviewStore, person: Person, picture: CasePicture) -> bytes:
    """The stored picture as a PNG. Raises NotAllowed, PictureLost."""
    require(person, "read")
    return pictures.read_bytes(store, picture.sha256)


def picture_field(store: ReviewStore, person: Person, picture: CasePicture) -> Field:
    """The stored picture; ``sha256`` is the stored file's. Raises NotAllowed, PictureLost."""
    require(person, "read")
    return pictures.read(store, picture.sha256, picture.name)


def _ask_about(pseudonym: str, confirmed: bool) -> str:
    """The words for the ledger where a person confirmed a pseudonym that looks like a name."""
    looks_like = looks_like_identity(pseudonym)
    if not looks_like:
        return ""
    if not confirmed:
        raise LooksLikeIdentity(pseudonym, looks_like)
    return f"pseudonym looks like {looks_like}; confirmed that it is none"


def _accession_is_free(connection: Connection, accession: str) -> None:
    # Without regard to case: A-12 and a-12 are one label to whoever reads it aloud.
    same = func.lower(cases.c.accession) == accession.lower()
    if connection.execute(select(cases.c.id).where(same)).first() is not None:
        raise CaseRefused(f"there is already a case with the accession number {accession}")


def _stripped(details: CaseDetails) -> CaseDetails:
    found = details.copy()
    if "accession" in found:
        found["accession"] = found["accession"].strip()
        # Whatever leaves a demo carries its accession number, and so says what it is.
        is_marked = found["accession"].startswith(DEMO_PREFIX)
        if settings().is_demo and found["accession"] and not is_marked:
            found["accession"] = DEMO_PREFIX + found["accession"]
    if "pseudonym" in found:
        found["pseudonym"] = found["pseudonym"].strip()
    if "indication" in found:
        found["indication"] = found["indication"].strip()
    return found


def _words(values: Mapping[str, object]) -> str:
    """``age 41, sex not given``: details as a person reads them."""
    return ", ".join(
        f"{_DETAIL_WORDS[name]} {'not given' if value in (None, '') else value}"
        for name, value in values.items()
    )


def _checked(values: CaseDetails) -> CaseDetails:
    """The values unchanged. Raises CaseRefused for one that is not possible."""
    accession = values.get("accession")
    if accession is not None and not _ACCESSION.fullmatch(accession):
        raise CaseRefused(
            "an accession number has 1 to 64 letters, digits, spaces, points, slashes, hyphens or "
            f"underscores, and begins with a letter or digit; {accession!r} does not"
        )
    if len(values.get("pseudonym", "")) > 64:
        raise CaseRefused("a pseudonym has at most 64 characters")
    if values.get("sex", "unknown") not in SEXES:
        raise CaseRefused(f"sex must be one of {', '.join(SEXES)}, got {values['sex']!r}")
    age: object = values.get("age_years")  # a form may send anything
    if age is not None and not (isinstance(age, int) and 0 <= age <= 130):
        raise CaseRefused(f"age must be 0 to 130 years, got {age!r}")
    if len(values.get("indication", "")) > 2000:
        raise CaseRefused("an indication has at most 2,000 characters")
    return values
