"""The same picture in the cases of two patients: somebody may have mixed up slides or files."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, or_, select

from core.datasets.near_duplicates import MAX_DISTANCE, difference_hash
from core.records import RgbImage
from core.review.record.case_rows import Case
from core.review.record.errors import CaseRefused
from core.store.review_schema import case_pictures, cases


@dataclass(frozen=True)
class KnownPicture:
    """A picture that another case has: ``exact`` byte for byte or pixel for pixel, else a copy."""

    case_id: int
    accession: str
    name: str
    exact: bool


class SamePicture(CaseRefused):
    """Another patient's case has this picture; keep it with ``same_picture_because`` or not."""

    def __init__(self, name: str, known: tuple[KnownPicture, ...]) -> None:
        where = ", ".join(
            f"case {one.accession} ({'the same picture' if one.exact else 'a copy of it'})"
            for one in known
        )
        super().__init__(
            f"{name} is already in another patient's case: {where}. Keep it only if that is right, "
            "and say why"
        )
        self.name, self.known = name, known


def look_of(pixels: RgbImage) -> str:
    """Difference hash of a picture in hexadecimal, 256 characters."""
    return bytes(np.packbits(difference_hash(pixels))).hex()


def known_in_other_cases(
    connection: Connection, case: Case, *, sha256: str, source_sha256: str, look: str
) -> tuple[KnownPicture, ...]:
    """Other patients' cases with this picture or a copy of it, each once.

    Cases with the same pseudonym are one patient's. Cancelled cases count too: what was mixed up
    once is often mixed up again.

    Args:
        sha256: of the stored picture, so that another file of the same pixels is found.
        source_sha256: of the bytes that were sent.
        look: of :func:`look_of`.
    """
    columns = (
        case_pictures.c.case_id,
        cases.c.accession,
        cases.c.pseudonym,
        case_pictures.c.name,
        case_pictures.c.sha256,
        case_pictures.c.source_sha256,
        case_pictures.c.look,
    )
    query = (
        select(*columns)
        .join(cases, cases.c.id == case_pictures.c.case_id)
        .where(case_pictures.c.case_id != case.id)
    )
    same = or_(case_pictures.c.sha256 == sha256, case_pictures.c.source_sha256 == source_sha256)
    rows = connection.execute(query.where(or_(same, case_pictures.c.look.is_not(None)))).all()
    mine = _bits(look)
    found: dict[int, KnownPicture] = {}
    for row in rows:
        if case.pseudonym and row.pseudonym == case.pseudonym:
            continue
        exact = sha256 == row.sha256 or source_sha256 == row.source_sha256
        if exact or (row.look and float((mine != _bits(row.look)).mean()) <= MAX_DISTANCE):
            earlier = found.get(row.case_id)
            if earlier is None or not earlier.exact:
                found[row.case_id] = KnownPicture(row.case_id, row.accession, row.name, exact)
    return tuple(found.values())


def _bits(look: str) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(look), np.uint8))
