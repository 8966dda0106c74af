"""Pictures kept in a case: the file, what the program found in it, and its cells as rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select

from core.access.people import Person
from core.access.rights import require
from core.records import Field, SmearFinding
from core.review.case.same_picture import SamePicture, known_in_other_cases, look_of
from core.review.reading import blind
from core.review.record import pictures, stored_finding
from core.review.record.case_rows import (
    CasePicture,
    case_in,
    open_case,
    picture_in,
    picture_of,
    update_doubts,
)
from core.review.record.errors import CaseRefused
from core.review.record.ledger import Recording, recording
from core.review.record.review_store import ReviewStore
from core.review.record.versions import code_version, preprocessing_version
from core.settings import settings
from core.slide import judgement
from core.store.review_schema import case_cells, case_pictures


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
    _check(field, finding)
    calls = [cell.wbc for cell in finding.cells if cell.wbc]
    models = {"locator": _locator_of(finding), "preprocessing": preprocessing_version()}
    if finding.regression_model:
        models["counts"] = finding.regression_model
    if calls:
        models["wbc"] = calls[0].model
    shapes = [cell.shape for cell in finding.cells if cell.shape]
    if shapes:
        models["red_cells"] = shapes[0].model
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
        name = _name_in_case(book.connection, case_id, "field", field)
        row = _picture_row(book, person, case_id, "field", field, slide, sha256, codes)
        row |= {
            "name": name,
            "finding": stored_finding.as_text(replace(finding, file=name)),
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
    call: Mapping[str, Any],
    *,
    models: dict[str, str] | None = None,
    slide: str = "",
    same_picture_because: str = "",
) -> CasePicture:
    """Keep a palm photo with the program's answer (``call``, the JSON of the palm command).

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
        name = _name_in_case(book.connection, case_id, "palm", field)
        row = _picture_row(book, person, case_id, "palm", field, slide, sha256, codes)
        row |= {
            "name": name,
            "finding": json.dumps(
                {**call, "file": name} if "file" in call else call, sort_keys=True
            ),
            "models": json.dumps(named, sort_keys=True),
        }
        return picture_in(book.connection, book.insert(case_pictures, row))


def _check(field: Field, finding: SmearFinding) -> None:
    # In a demo drawn fields stand for patients' ones; its store is opened by nothing else.
    if judgement.is_synthetic(finding) and not settings().is_demo:
        raise CaseRefused(
            f"{field.name} was drawn by the program and belongs to no patient, so no case can hold "
            "it"
        )
    if (finding.width, finding.height) != (field.width, field.height):
        raise CaseRefused(f"the finding is not of {field.name}: its size is another")


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
) -> dict[str, object]:
    return {
        "case_id": case_id,
        "kind": kind,
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


def _name_in_case(connection: Connection, case_id: int, kind: str, field: Field) -> str:
    """What a picture is called in its case: ``field 3``, or the sent file's name if the site asks.

    A file is often named after its patient, and what stands in the ledger once stays there.
    """
    if settings().keep_file_names:
        return field.name[:255]
    before = connection.execute(
        select(func.count())
        .select_from(case_pictures)
        .where(case_pictures.c.case_id == case_id, case_pictures.c.kind == kind)
    ).scalar_one()
    return f"{kind} {before + 1}"


def _cell_rows(
    case_id: int, picture_id: int, sha256: str, finding: SmearFinding
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
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
