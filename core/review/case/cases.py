"""Cases: what was sent in for one patient, and where it stands."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select

from core.access.people import Person
from core.access.rights import require, require_any
from core.records import Field, SmearFinding
from core.review.case.identity import looks_like_identity
from core.review.case.same_picture import SamePicture, known_in_other_cases, look_of
from core.review.reading import blind
from core.review.record import pictures, stored_finding
from core.review.record.case_rows import (
    Case,
    CasePicture,
    CaseState,
    case_in,
    laboratory_of_pictures,
    mark_in_review,
    open_case,
    picture_in,
    picture_of,
    pictures_in,
    update_doubts,
)
from core.review.record.errors import CaseRefused, Conflict, LooksLikeIdentity, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.review_store import ReviewStore
from core.review.record.versions import code_version, preprocessing_version
from core.settings import settings
from core.slide import judgement
from core.slide.laboratory import Laboratory
from core.store.review_schema import case_cells, case_pictures, cases

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
        {
            "accession": accession.strip(),
            "pseudonym": pseudonym.strip(),
            "sex": sex,
            "age_years": age_years,
            "indication": indication.strip(),
        }
    )
    asked = _ask_about(values["pseudonym"], pseudonym_confirmed)
    with recording(store, person, "create_case", detail=asked) as book:
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
    **details: Any,
) -> Case:
    """Change accession, pseudonym, sex, age_years or indication of an unsigned case.

    Raises:
        NotAllowed: without the right to upload or review.
        LooksLikeIdentity: for a new pseudonym that looks like a name, unconfirmed.
        StaleEdit: if somebody changed the case since ``revision``.
        CaseRefused: if it is signed, or a value is not possible.
    """
    require_any(person, "upload", "review")
    unknown = details.keys() - {"accession", "pseudonym", "sex", "age_years", "indication"}
    if unknown:
        raise CaseRefused(f"a case has no {', '.join(sorted(unknown))} to change")
    values = _checked({k: v.strip() if isinstance(v, str) else v for k, v in details.items()})
    with recording(store, person, "change_case", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        if case.revision != revision:
            now = ", ".join(f"{name} {getattr(case, name)}" for name in values)
            mine = ", ".join(f"{name} {value}" for name, value in values.items())
            raise StaleEdit((Conflict("case", case_id, mine, now, "", None, case.revision),))
        if values.get("accession", case.accession).lower() != case.accession.lower():
            _accession_is_free(book.connection, values["accession"])
        changed = {k: v for k, v in values.items() if getattr(case, k) != v}
        if "pseudonym" in changed:
            book.detail = _ask_about(changed["pseudonym"], pseudonym_confirmed)
        if changed:
            book.update(cases, case_id, **changed)
        return case_in(book.connection, case_id)


def keep_field(
    store: ReviewStore,
    person: Person,
    case_id: int,
    field: Field,
    finding: SmearFinding,
    *,
    slide: str = "",
    same_picture_because: str = "",
) -> CasePicture:
    """Keep a field with its finding in a case: the picture as a file, its cells as rows.

    Kept once: the same picture (by the hash of the bytes sent) sent again is returned as it is.

    Args:
        same_picture_because: why the picture is right although another patient's case has it; the
            ledger keeps it.

    Raises:
        NotAllowed: without the right to upload.
        SamePicture: if another patient's case has the picture, and no reason is given.
        CaseRefused: if the case is signed, the finding is of another picture, the field was drawn
            by the program, or it does not say which locator found its cells.
    """
    require(person, "upload")
    if judgement.is_synthetic(finding):
        raise CaseRefused(
            f"{field.name} was drawn by the program and belongs to no patient, so no case can hold "
            "it"
        )
    if (finding.width, finding.height) != (field.width, field.height):
        raise CaseRefused(f"the finding is not of {field.name}: its size is another")
    text = stored_finding.as_text(finding)
    calls = [cell.wbc for cell in finding.cells if cell.wbc]
    models = {"locator": _locator_of(finding), "preprocessing": preprocessing_version()}
    if finding.regression_model:
        models["counts"] = finding.regression_model
    if calls:
        models["wbc"] = calls[0].model
    codes = sorted({f.code for f in finding.flags} | {f.code for call in calls for f in call.flags})
    sha256 = pictures.keep(store, field.pixels)
    with recording(
        store, person, "keep_field", case_id=case_id, model=_model_words(models)
    ) as book:
        open_case(book.connection, case_id)
        known = _kept(book.connection, case_id, field.sha256)
        if known is not None:
            return known
        _ask_about_copies(book, case_id, field, sha256, same_picture_because)
        row = _picture_row(book, person, case_id, "field", field, slide, sha256, codes)
        row |= {
            "finding": text,
            "models": json.dumps(models, sort_keys=True),
            "included": finding.included_by_person,
        }
        number = book.insert(case_pictures, row)
        book.insert_many(case_cells, _cell_rows(case_id, number, sha256, finding))
        update_doubts(book, case_id)
        return picture_in(book.connection, number)


def keep_palm(
    store: ReviewStore,
    person: Person,
    case_id: int,
    field: Field,
    call: dict[str, Any],
    *,
    models: dict[str, str] | None = None,
    slide: str = "",
    same_picture_because: str = "",
) -> CasePicture:
    """Keep a palm photo with what the program said of it (the JSON of the palm command).

    Raises:
        NotAllowed: without the right to upload.
        SamePicture: if another patient's case has the picture, and no reason is given.
        CaseRefused: if the case is signed.
    """
    require(person, "upload")
    named = models or {"palm": str(call.get("model", "unknown"))}
    codes = sorted({str(flag["code"]) for flag in call.get("flags", [])})
    sha256 = pictures.keep(store, field.pixels)
    with recording(store, person, "keep_palm", case_id=case_id, model=_model_words(named)) as book:
        open_case(book.connection, case_id)
        known = _kept(book.connection, case_id, field.sha256)
        if known is not None:
            return known
        _ask_about_copies(book, case_id, field, sha256, same_picture_because)
        row = _picture_row(book, person, case_id, "palm", field, slide, sha256, codes)
        row |= {
            "finding": json.dumps(call, sort_keys=True),
            "models": json.dumps(named, sort_keys=True),
        }
        return picture_in(book.connection, book.insert(case_pictures, row))


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


def _kept(connection: Connection, case_id: int, source_sha256: str) -> CasePicture | None:
    query = select(case_pictures).where(
        case_pictures.c.case_id == case_id, case_pictures.c.source_sha256 == source_sha256
    )
    row = connection.execute(query).first()
    return None if row is None else picture_of(row)


def _picture_row(
    book: Recording,
    person: Person,
    case_id: int,
    kind: str,
    field: Field,
    slide: str,
    sha256: str,
    codes: Sequence[str],
) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "kind": kind,
        "name": field.name[:255],
        "slide": slide.strip()[:64],
        "sha256": sha256,
        "source_sha256": field.sha256,
        "width": field.width,
        "height": field.height,
        "look": look_of(field.pixels),
        "code_version": code_version(),
        "flag_codes": " ".join(codes),
        "added_by": person.subject,
        "added_at": book.now,
    }


def _cell_rows(
    case_id: int, picture_id: int, sha256: str, finding: SmearFinding
) -> list[dict[str, Any]]:
    rows = []
    for place, cell in enumerate(finding.cells):
        x0, y0, x1, y1 = cell.box_xyxy_px
        call = cell.wbc
        rows.append(
            {
                "case_id": case_id,
                "picture_id": picture_id,
                "place": place,
                "kind": cell.kind,
                "x0_px": x0,
                "y0_px": y0,
                "x1_px": x1,
                "y1_px": y1,
                "machine_label": call.label if call else None,
                "machine_probability": call.probability if call else None,
                "abstained": judgement.call_is_doubtful(call),
                "novel": bool(call and any("novel" in flag.code for flag in call.flags)),
                # What is critical must be seen as such, so it is never in the blind sample.
                "blind": call is not None
                and not judgement.call_is_critical(call)
                and blind.chosen(sha256, place, settings().blind_share),
                "deleted": False,
                "revision": 1,
            }
        )
    return rows


def _locator_of(finding: SmearFinding) -> str:
    """Identity of the locator that found the cells, whichever method counted them."""
    if finding.method == "locator":
        return finding.model
    if finding.locator is not None:
        return finding.locator.model
    raise CaseRefused(
        f"the finding of {finding.file} does not say which locator found its cells; analyse the "
        "picture again"
    )


def _ask_about(pseudonym: str, confirmed: bool) -> str:
    """The words for the ledger where a person confirmed a pseudonym that looks like a name."""
    looks_like = looks_like_identity(pseudonym)
    if not looks_like:
        return ""
    if not confirmed:
        raise LooksLikeIdentity(pseudonym, looks_like)
    return f"pseudonym looks like {looks_like}; confirmed that it is none"


def _ask_about_copies(
    book: Recording, case_id: int, field: Field, sha256: str, because: str
) -> None:
    known = known_in_other_cases(
        book.connection,
        case_in(book.connection, case_id),
        sha256=sha256,
        source_sha256=field.sha256,
        look=look_of(field.pixels),
    )
    if known and not because.strip():
        raise SamePicture(field.name, known)
    if known:
        where = ", ".join(one.accession for one in known)
        book.detail = f"also in {where}, because: {because.strip()}"


def _model_words(models: dict[str, str]) -> str:
    return " ".join(f"{name}={identity}" for name, identity in sorted(models.items()))


def _accession_is_free(connection: Connection, accession: str) -> None:
    # Without regard to case: A-12 and a-12 are one label to whoever reads it aloud.
    same = func.lower(cases.c.accession) == accession.lower()
    if connection.execute(select(cases.c.id).where(same)).first() is not None:
        raise CaseRefused(f"there is already a case with the accession number {accession}")


def _checked(values: dict[str, Any]) -> dict[str, Any]:
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
    age = values.get("age_years")
    if age is not None and not (isinstance(age, int) and 0 <= age <= 130):
        raise CaseRefused(f"age must be 0 to 130 years, got {age!r}")
    if len(values.get("indication", "")) > 2000:
        raise CaseRefused("an indication has at most 2,000 characters")
    return values
