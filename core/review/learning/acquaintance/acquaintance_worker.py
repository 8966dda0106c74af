"""The process that reads the fields of a laboratory and chooses the cells to be named."""

from pathlib import Path

from core.access.people import Person
from core.imaging.read import ImageRefused, read_frames
from core.inference.smear import analyse
from core.jobs import worker
from core.jobs.worker import JobContext
from core.models import registry
from core.models.smear_models import SmearModels
from core.review.case import cases
from core.review.learning import queue
from core.review.learning.acquaintance.acquaintance import (
    CELLS,
    AcquaintanceResult,
    AcquaintanceTask,
    RefusedFile,
    SentFile,
)
from core.review.reading.cells import cells as cells_of
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore, review_store
from core.settings import settings

_REASON = "the same field may serve to get acquainted with the laboratory"


def work(folder: Path) -> None:
    """Do the job that was begun in a folder: what its process does."""

    def do(context: JobContext) -> AcquaintanceResult:
        task = context.job.task_as(AcquaintanceTask)
        sender = task["sender"]
        person = Person(
            sender["name"], sender["role"], sender["subject"], tuple(sender["more_roles"])
        )
        store, models = review_store(), registry.smear_models()
        refused: list[RefusedFile] = []
        for number, sent in enumerate(task["sent"]):
            context.report(number, len(task["sent"]), f"reading {sent['name']}")
            file = folder / sent["file"]
            # Gone: it was kept before this job was stopped, and goes on now.
            if file.is_file():
                why = _keep(store, person, task["case"], sent, file, models)
                if why:
                    refused.append({"file": sent["name"], "reason": why})
                # What a camera writes beside a picture may name the patient.
                file.unlink()
        context.report(len(task["sent"]), len(task["sent"]), "choosing the cells to name")
        return {"cells": _choose(store, person, task), "refused": refused}

    worker.work(folder, do)


def _keep(
    store: ReviewStore,
    person: Person,
    case_id: int,
    sent: SentFile,
    file: Path,
    models: SmearModels,
) -> str:
    """Analyse a file and keep its pictures in the case; returns why it cannot be used, or ""."""
    try:
        for opened in read_frames(sent["name"], file.read_bytes(), settings()):
            field = opened()
            finding = analyse(field, models)
            cases.keep_field(store, person, case_id, field, finding, same_picture_because=_REASON)
    except ImageRefused as refusal:
        return refusal.message
    except CaseRefused as refusal:
        return f"{refusal}."
    return ""


def _choose(store: ReviewStore, person: Person, task: AcquaintanceTask) -> list[int]:
    """Those named already, then what the queue puts first, ``CELLS`` in all."""
    earlier = set(task["earlier"])
    named = [
        cell.id
        for cell in cells_of(store, person, task["case"])
        if cell.id in earlier and cell.is_reviewed
    ]
    left = CELLS - len(named)
    best = queue.next_cells(store, person, left, case_id=task["case"]) if left > 0 else []
    return [*named, *(one.cell_id for one in best)]
