"""A guided first use: some fields of a laboratory, and the cells whose names teach most.

The fields become a case of their own, which is no patient's: its cells, answers and ledger are
those of any case. A job reads the fields and chooses the cells; its folder below ``acquaintance``
of the store is all that is remembered, so another session or a restart finds everything again.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from typing_extensions import TypedDict

from core.access.people import Person
from core.access.rights import Role, require
from core.imaging.view import png
from core.jobs import job
from core.jobs.job import Job, JobRunning
from core.review.case import cases
from core.review.case.cases import Case
from core.review.learning.adaptation_offer import AdaptationOffer
from core.review.learning.training_set_files import framed, write_file
from core.review.reading.cells import ReviewCell
from core.review.reading.cells import cells as cells_of
from core.review.record import pictures
from core.review.record.case_rows import laboratory_of_pictures, picture_of
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore
from core.slide.foreign_laboratory import Laboratory
from core.store.review_schema import case_pictures
from core.taxonomy import UNIDENTIFIED

CELLS: Final = 60
"""Cells that are chosen to be named."""

FIELDS: Final = (10, 20)
"""How many fields are asked for; any number up to ``MOST_FIELDS`` is taken."""

MOST_FIELDS: Final = 100

_INDICATION: Final = "Fields to get acquainted with this laboratory; no patient's case"
_NEWEST: Final = 20
_SENT: Final = "sent"


class Sender(TypedDict):
    """The person in whose name the job puts fields into the case."""

    name: str
    role: Role
    subject: str
    more_roles: list[Role]


class SentFile(TypedDict):
    """A file below the job's folder, and the name that the person gave it."""

    file: str
    name: str


class AcquaintanceTask(TypedDict):
    """What the job is told; ``earlier`` are cells that were chosen before."""

    case: int
    sender: Sender
    sent: list[SentFile]
    earlier: list[int]


class RefusedFile(TypedDict):
    """A file that could not be used."""

    file: str
    reason: str


class AcquaintanceResult(TypedDict):
    """The cells to be named, and the files that could not be used."""

    cells: list[int]
    refused: list[RefusedFile]


@dataclass(frozen=True)
class Acquaintance:
    """The one that was begun last. ``cells`` is empty until its job is done."""

    job: Job
    case_id: int
    cells: tuple[int, ...]
    refused: tuple[RefusedFile, ...]

    @property
    def is_ready(self) -> bool:
        """Are the cells chosen, so that they can be named."""
        return self.job.state == "done"


def start(
    store: ReviewStore,
    person: Person,
    files: Sequence[tuple[str, bytes]],
    *,
    add_to: Acquaintance | None = None,
) -> Job:
    """Read fields in the background and choose the cells to be named.

    Args:
        files: name and content of each picture.
        add_to: more fields for this one; what was named stays named.

    Raises:
        NotAllowed: without the right to upload.
        CaseRefused: without a file, with too many, or while others are read.
        OSError: if the folder cannot be written.
    """
    require(person, "upload")
    if not files:
        raise CaseRefused("no field was sent")
    if len(files) > MOST_FIELDS:
        raise CaseRefused(
            f"{len(files)} files were sent, at most {MOST_FIELDS} are taken; "
            f"{FIELDS[0]} to {FIELDS[1]} fields are enough"
        )
    last = latest(store)
    if last is not None and last.job.state == "running":
        raise CaseRefused("other fields are being read; wait for their end, or stop them")
    case_id = _new_case(store, person).id if add_to is None else add_to.case_id
    folder = _root(store) / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    sent: list[SentFile] = []
    for number, (name, data) in enumerate(files):
        write_file(folder / _SENT / f"{number:03d}", data)
        sent.append({"file": f"{_SENT}/{number:03d}", "name": name})
    task: AcquaintanceTask = {
        "case": case_id,
        "sender": {
            "name": person.name,
            "role": person.role,
            "subject": person.subject,
            "more_roles": list(person.more_roles),
        },
        "sent": sent,
        "earlier": [] if add_to is None else list(add_to.cells),
    }
    return _order(folder, task, person)


def again(store: ReviewStore, person: Person) -> Job:
    """Begin the last job again, which failed, was stopped or was lost: it goes on where it was.

    Raises:
        NotAllowed: without the right to upload.
        CaseRefused: if there is none, or it is going on.
    """
    require(person, "upload")
    last = latest(store)
    if last is None:
        raise CaseRefused("no fields were sent yet")
    return _order(last.job.folder, last.job.task_as(AcquaintanceTask), person)


def ask_to_stop(store: ReviewStore, person: Person) -> None:
    """End the reading after the present field. Raises NotAllowed without the right to upload."""
    require(person, "upload")
    last = latest(store)
    if last is not None:
        job.ask_to_stop(last.job.folder, person.name)


def latest(store: ReviewStore) -> Acquaintance | None:
    """The one that was begun last; None before the first. Raises ValueError if it is damaged."""
    found = job.find(_root(store))
    if not found:
        return None
    last = found[0]
    task = last.task_as(AcquaintanceTask)
    result = last.result_as(AcquaintanceResult) if last.state == "done" else None
    return Acquaintance(
        last,
        task["case"],
        tuple(result["cells"]) if result else (),
        tuple(result["refused"]) if result else (),
    )


def cells_to_name(store: ReviewStore, person: Person, one: Acquaintance) -> list[ReviewCell]:
    """The chosen cells that are still there, those that teach most first. Raises NotAllowed."""
    place = {number: at for at, number in enumerate(one.cells)}
    there = [cell for cell in cells_of(store, person, one.case_id) if cell.id in place]
    return sorted(there, key=lambda cell: place[cell.id])


def offer_of(cells: Sequence[ReviewCell]) -> AdaptationOffer:
    """What the named ones of these cells offer to adapting."""
    by_class = Counter(label for cell in cells if (label := _named(cell)) is not None)
    return AdaptationOffer.of(dict(by_class.most_common()), cases=1)


def write_named(store: ReviewStore, person: Person, one: Acquaintance) -> Path:
    """Write the named ones of the chosen cells as class folders, which adapting reads.

    Raises:
        NotAllowed: without the right to train.
        CaseRefused: if too few cells are named.
        PictureLost: if a stored picture is gone or was changed.
        OSError: if they cannot be written.
    """
    require(person, "train")
    chosen = cells_to_name(store, person, one)
    if not offer_of(chosen).is_enough:
        raise CaseRefused("adapting takes at least twenty named cells, two of each of two classes")
    folder = one.job.folder / f"named-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    by_id = {picture.id: picture for picture in cases.case_pictures_of(store, person, one.case_id)}
    for cell in chosen:
        label = _named(cell)
        if label is not None:
            picture = by_id[cell.picture_id]
            pixels = pictures.read(store, picture.sha256).pixels
            diameter = picture.finding().rbc_diameter_px
            data = png(framed(pixels, cell.box_xyxy_px, diameter))
            write_file(folder / label / f"cell{cell.id}.png", data)
    return folder


def laboratory_now(store: ReviewStore, person: Person, model: str) -> Laboratory:
    """Judge the laboratory by the newest fields in which ``model`` named the white cells.

    Raises NotAllowed.
    """
    require(person, "view")
    query = (
        select(case_pictures)
        .where(case_pictures.c.kind == "field")
        .order_by(case_pictures.c.id.desc())
        .limit(_NEWEST)
    )
    with store.database.read() as connection:
        newest = [picture_of(row) for row in connection.execute(query).all()]
    return laboratory_of_pictures(one for one in newest if one.models.get("wbc") == model)


def _named(cell: ReviewCell) -> str | None:
    return cell.label if cell.is_reviewed and cell.label != UNIDENTIFIED else None


def _order(folder: Path, task: AcquaintanceTask, person: Person) -> Job:
    command = ["core", "cases", "get-acquainted", "--folder", str(folder)]
    try:
        return job.start(folder, command, task, person.name)
    except JobRunning as error:
        raise CaseRefused("these fields are being read; wait for their end") from error


def _new_case(store: ReviewStore, person: Person) -> Case:
    accession = f"Acquaintance {datetime.now(UTC):%Y-%m-%d %H.%M.%S}"
    return cases.create(store, person, accession, indication=_INDICATION)


def _root(store: ReviewStore) -> Path:
    return store.folder / "acquaintance"
