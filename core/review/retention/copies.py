"""A copy of a case to keep elsewhere before it is erased: report, JSON, and its pictures."""

import io
import zipfile
from collections.abc import Iterator

from core.access.people import Person
from core.review.case.cases import case_pictures_of, picture_png
from core.review.exchange.contents import gather, slug
from core.review.exchange.formats import FORMATS
from core.review.record.review_store import ReviewStore


def case_files(store: ReviewStore, person: Person, case_id: int) -> Iterator[tuple[str, bytes]]:
    """Files of a copy: their path, which begins with the accession number, and their content.

    Raises NotAllowed, CaseRefused, PictureLost.
    """
    contents = gather(store, person, case_id)
    folder = slug(contents.case.accession)
    for name in ("pdf", "json"):
        form = FORMATS[name]
        yield f"{folder}/{form.file_name(contents.case)}", form.make(contents)
    for picture in case_pictures_of(store, person, case_id):
        yield f"{folder}/pictures/{picture.id}.png", picture_png(store, person, picture)


def case_zip(store: ReviewStore, person: Person, case_id: int) -> bytes:
    """The files of :func:`case_files` as one ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in case_files(store, person, case_id):
            archive.writestr(name, data)
    return out.getvalue()
