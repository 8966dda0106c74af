"""Everything of one case that a report or an export may contain, read in one transaction."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from core.access.people import Person
from core.access.rights import require
from core.imaging.view import shrink
from core.records import Box, RgbImage
from core.review.acceptance.status import LabAcceptance, LabAcceptances, acceptances_in
from core.review.case.critical_calls import CriticalCall, calls_in
from core.review.case.patient import SmearOfPatient, previous_smear
from core.review.reading.abnormalities import Seen, seen_in
from core.review.reading.box_confirmations import confirmed_in
from core.review.reading.cells import ReviewCell, cells_in
from core.review.reading.grades import Grade, grades_in
from core.review.reading.red_cells.summary import red_cells_of_case, with_confirmed
from core.review.reading.remarks import Remark, remarks_in
from core.review.record import pictures, readings
from core.review.record.case_rows import (
    Case,
    CasePicture,
    case_in,
    laboratory_of_pictures,
    pictures_in,
)
from core.review.record.ledger import Head, entries
from core.review.record.review_store import ReviewStore
from core.review.signature.differences import (
    box_difference_rows,
    grade_difference_rows,
    readers_in,
)
from core.review.signature.signing import Signature, signatures_in
from core.review.signature.snapshot_format import (
    BoxDifferenceRow,
    GradeDifferenceRow,
    ReaderRow,
    ReleaseRow,
)
from core.review.signature.verified import Verified, verified_in
from core.settings import settings
from core.slide import judgement
from core.slide.foreign_laboratory import Laboratory
from core.slide.red_cells.summary import RedCellsJson
from core.slide.reference_ranges import RANGES_FILE
from core.slide.usual_shares import UsualShares, site_shares
from core.taxonomy import KINDS, UNIDENTIFIED, CellKind, titled

Others = ParamSpec("Others")
Form = TypeVar("Form")
_VIEW_PX: Final = 480
"""Longer side of a field in a report."""


@dataclass(frozen=True)
class CaseContents:
    """A case as it stands at ``made_at``, as one person may see it.

    ``cells`` are those of every kind that are there, by picture and number; the machine's answer
    to a blind cell is absent until the case is signed. ``signature`` is of the version that
    stands, None for a draft. ``ledger`` is the case's last entry. ``readers``,
    ``grade_differences`` and ``box_differences`` are as the signed snapshot has them;
    ``usual`` are reference ranges; ``previous`` is the patient's last smear signed before this one.
    ``seen`` are abnormalities, ``calls`` those about critical findings.
    ``confirmed`` are those who confirmed each field's boxes. ``acceptances`` are the laboratory's,
    signed before the signature of a signed version, or until now for a draft. ``red_cells`` are
    shares, proposed and confirmed grades; None without a model of shapes.
    """

    case: Case
    pictures: tuple[CasePicture, ...]
    cells: tuple[ReviewCell, ...]
    standing: Verified
    grades: dict[str, Grade]
    remarks: tuple[Remark, ...]
    signature: Signature | None
    ledger: Head | None
    made_at: datetime
    readers: tuple[ReaderRow, ...]
    grade_differences: tuple[GradeDifferenceRow, ...]
    box_differences: tuple[BoxDifferenceRow, ...]
    minimum_cells: int
    confirmed: dict[int, tuple[str, ...]]
    acceptances: LabAcceptances
    seen: tuple[Seen, ...]
    calls: tuple[CriticalCall, ...]
    target_cells: int
    usual: UsualShares
    previous: SmearOfPatient | None
    red_cells: RedCellsJson | None
    _store: ReviewStore

    @property
    def released(self) -> ReleaseRow | None:
        """The rule under which it was signed in a batch; None where a person read it."""
        return self.signature.snapshot.get("released") if self.signature else None

    @property
    def is_draft(self) -> bool:
        return self.signature is None

    @property
    def is_preliminary(self) -> bool:
        """Whether the differential rests on fewer white cells than the site asks for."""
        return bool(self.fields) and judgement.is_preliminary(
            self.standing.verified.leukocytes, self.minimum_cells
        )

    @property
    def is_below_target(self) -> bool:
        """Whether fewer white cells were counted than this laboratory counts to."""
        return bool(self.fields) and self.standing.verified.leukocytes < self.target_cells

    @property
    def laboratory(self) -> Laboratory:
        """Whether the laboratory that the fields come from is one the white-cell model knows."""
        return laboratory_of_pictures(self.pictures)

    @property
    def left_out(self) -> tuple[judgement.LeftOut, ...]:
        """The fields that do not count, under the names they leave with."""
        return tuple(
            replace(out, file=self.file_name(picture))
            for picture in self.fields
            if (out := picture.left_out) is not None
        )

    @property
    def counting_fields(self) -> tuple[CasePicture, ...]:
        """The fields that count."""
        return tuple(picture for picture in self.fields if picture.left_out is None)

    @property
    def fields(self) -> tuple[CasePicture, ...]:
        return tuple(picture for picture in self.pictures if picture.kind == "field")

    def cells_of(self, picture: CasePicture) -> tuple[ReviewCell, ...]:
        return tuple(cell for cell in self.cells if cell.picture_id == picture.id)

    def counts(self, picture: CasePicture) -> dict[CellKind, int]:
        """Cells of each kind in one field, as they stand after the boxes were corrected."""
        found = Counter(cell.kind for cell in self.cells_of(picture))
        return {kind: found[kind] for kind in KINDS}

    def acceptance_of(self, picture: CasePicture) -> LabAcceptance:
        """Whether this laboratory has accepted the models that answered for a picture."""
        return self.acceptances.of_picture(picture.models)

    def file_name(self, picture: CasePicture) -> str:
        """A file name for the picture that names the case and nothing else.

        What a person called the file may name the patient.
        """
        return f"{slug(self.case.accession)}_{picture.id:06d}.png"

    def png(self, picture: CasePicture) -> bytes:
        """The stored picture. Raises PictureLost."""
        return pictures.read_bytes(self._store, picture.sha256)

    def view(self, picture: CasePicture) -> RgbImage:
        """A field as a small picture. Raises PictureLost."""
        return shrink(pictures.read(self._store, picture.sha256).pixels, _VIEW_PX)

    def place(self, picture: CasePicture, box_xyxy_px: Box) -> RgbImage:
        """A place in a field with as much again round it. Raises PictureLost."""
        return cut(pictures.read(self._store, picture.sha256).pixels, box_xyxy_px, 0.5)

    def crops(self, wanted: list[ReviewCell], margin: float = 0.15) -> Iterator[RgbImage]:
        """The cells cut from their pictures with a margin, in order. Raises PictureLost."""
        by_id = {picture.id: picture for picture in self.pictures}
        opened: tuple[int, RgbImage] | None = None
        for cell in wanted:
            if opened is None or opened[0] != cell.picture_id:
                picture = by_id[cell.picture_id]
                opened = picture.id, pictures.read(self._store, picture.sha256).pixels
            yield cut(opened[1], cell.box_xyxy_px, margin)


def gather(store: ReviewStore, person: Person, case_id: int) -> CaseContents:
    """What ``person`` may see of a case. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        reading = readings.seen_by(connection, case, person)
        signed = [s for s in signatures_in(connection, case_id) if s.version == case.version]
        history = entries(connection, case_id)
        there = tuple(pictures_in(connection, case_id))
        graded = grades_in(connection, case, reading)
        cells = sorted(
            cells_in(connection, case, reading, kind=None),
            key=lambda cell: (cell.picture_id, cell.id),
        )
        return CaseContents(
            case=case,
            pictures=there,
            cells=tuple(cells),
            standing=verified_in(connection, case, reading),
            grades=graded,
            remarks=tuple(remarks_in(connection, case, reading)),
            signature=signed[0] if signed else None,
            ledger=Head(history[-1].number, history[-1].hash) if history else None,
            made_at=datetime.now(UTC),
            readers=tuple(readers_in(connection, case)) if reading == case.reading else (),
            grade_differences=tuple(grade_difference_rows(connection, case)),
            box_differences=tuple(box_difference_rows(connection, case)),
            minimum_cells=settings().minimum_cells,
            confirmed=confirmed_in(connection, case, reading),
            acceptances=acceptances_in(connection, signed[0].signed_at if signed else None),
            seen=tuple(seen_in(connection, case, reading)),
            calls=tuple(calls_in(connection, case_id)),
            target_cells=settings().target_cells,
            usual=UsualShares.of(
                case.sex,
                case.age_years,
                site_shares(settings().var / RANGES_FILE, case.sex, case.age_years),
            ),
            previous=previous_smear(connection, case, signed[0].signed_at if signed else None),
            red_cells=with_confirmed(red_cells_of_case(cells, there), graded),
            _store=store,
        )


def in_signed_words(
    export: Callable[Concatenate[CaseContents, Others], Form],
) -> Callable[Concatenate[CaseContents, Others], Form]:
    """Make a form of a signed case call the site's classes what they were called when it was."""

    @wraps(export)
    def made(contents: CaseContents, /, *others: Others.args, **named: Others.kwargs) -> Form:
        signed = contents.signature
        with titled(signed.snapshot.get("titles", {}) if signed else {}):
            return export(contents, *others, **named)

    return made


def verified_label(cell: ReviewCell) -> str | None:
    """The class a person gave a white cell; None where nobody did, or nobody could tell."""
    return None if cell.label == UNIDENTIFIED else cell.label


def cut(pixels: RgbImage, box_xyxy_px: Box, margin: float) -> RgbImage:
    """The box with a margin (share of its longer side) on each side, cut off at the edges."""
    x0, y0, x1, y1 = box_xyxy_px
    extra = margin * max(x1 - x0, y1 - y0)
    height, width = pixels.shape[:2]
    left, top = max(0, int(x0 - extra)), max(0, int(y0 - extra))
    right, bottom = min(width, int(x1 + extra) + 1), min(height, int(y1 + extra) + 1)
    return pixels[top:bottom, left:right]


def slug(text: str) -> str:
    """A file name of letters, digits, points and dashes."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.") or "case"
