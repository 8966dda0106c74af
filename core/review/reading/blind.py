"""The blind sample: cells that are reviewed without the machine's answer.

Whoever sees an answer tends to agree with it. Cells reviewed without it give an error rate of the
machine without that bias, and the gap to the others measures anchoring.
"""

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require
from core.review.reading.reading_boxes import DELETED
from core.review.record import roster
from core.review.record.review_store import ReviewStore
from core.statistics.intervals import Interval, clopper_pearson
from core.store import review_schema as schema

_STEPS = 1 << 32


def chosen(picture_sha256: str, place: int, share: float) -> bool:
    """Whether a cell is in the sample: decided by a hash, so it is the same every time.

    Args:
        picture_sha256: hash of the stored picture.
        place: the cell's place in the finding.
        share: share of cells in the sample, in [0, 1].
    """
    digest = hashlib.sha256(f"blind:{picture_sha256}:{place}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * _STEPS


@dataclass(frozen=True)
class BlindEstimate:
    """How often readers differ from the machine, with and without its answer in sight.

    ``error`` is the share of blind cells that readers called otherwise, with its exact 95 %
    interval: the unbiased estimate. ``anchoring`` is the agreement with the answer shown minus the
    one without, with Newcombe's 95 % interval; above 0, readers lean on the machine. None where
    there are no cells to tell. Cells of one case are alike, so the intervals are, if anything, too
    narrow.
    """

    blind_cells: int
    blind_errors: int
    shown_cells: int
    shown_errors: int
    error_interval: Interval
    anchoring_interval: Interval | None

    @property
    def error(self) -> float | None:
        return self.blind_errors / self.blind_cells if self.blind_cells else None

    @property
    def shown_error(self) -> float | None:
        return self.shown_errors / self.shown_cells if self.shown_cells else None

    @property
    def anchoring(self) -> float | None:
        if self.error is None or self.shown_error is None:
            return None
        return self.error - self.shown_error


def estimate(
    store: ReviewStore,
    person: Person,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    model: str | None = None,
) -> BlindEstimate:
    """The estimate over cases whose first version was signed in a period.

    First readings of first versions only: later readers of a case have seen more. Unidentified
    cells are left out, since nobody knows whether the machine was right, and so are answers of
    those who may only pre-classify: they are proposals, which a reviewer confirms.

    Args:
        store: the database and its folder.
        person: who asks.
        since: begin of the period, with its zone.
        until: end of the period, exclusive.
        model: identity of the white-cell model; all by default.

    Raises:
        NotAllowed: without the right to read.
    """
    require(person, "read")
    answers, cells, edits = schema.answers, schema.case_cells, schema.box_edits
    signed, pictures = schema.signatures, schema.case_pictures
    query = (
        select(answers.c.blind, answers.c.label, cells.c.machine_label, pictures.c.models)
        .join(cells, cells.c.id == answers.c.cell_id)
        .join(pictures, pictures.c.id == cells.c.picture_id)
        .join(signed, (signed.c.case_id == answers.c.case_id) & (signed.c.version == 1))
        .outerjoin(
            edits,
            (edits.c.cell_id == cells.c.id) & (edits.c.version == 1) & (edits.c.reading == 1),
        )
        .where(answers.c.version == 1, answers.c.reading == 1, DELETED.is_(False))
        .where(answers.c.label.is_not(None), answers.c.label != "unidentified")
        .where(cells.c.machine_label.is_not(None))
    )
    if since is not None:
        query = query.where(signed.c.signed_at >= since)
    if until is not None:
        query = query.where(signed.c.signed_at < until)
    counted = Counter[tuple[bool, bool]]()
    with store.database.read() as connection:
        helpers = roster.who_may_not(connection, "review")
        query = query.where(answers.c.reader.not_in(helpers))
        for is_blind, label, machine, models in connection.execute(query):
            if model is None or json.loads(models).get("wbc") == model:
                counted[bool(is_blind), label != machine] += 1
    return of_counts(
        counted[True, True],
        counted[True, True] + counted[True, False],
        counted[False, True],
        counted[False, True] + counted[False, False],
    )


def of_counts(
    blind_errors: int, blind_cells: int, shown_errors: int, shown_cells: int
) -> BlindEstimate:
    """The estimate from four counts."""
    between = None
    if blind_cells and shown_cells:
        between = _newcombe(blind_errors, blind_cells, shown_errors, shown_cells)
    return BlindEstimate(
        blind_cells,
        blind_errors,
        shown_cells,
        shown_errors,
        clopper_pearson(blind_errors, blind_cells),
        between,
    )


def _newcombe(one: int, of_one: int, other: int, of_other: int) -> Interval:
    """95 % interval of the difference of two proportions.

    Source: Newcombe 1998, method 10, from two Wilson score intervals.
    """
    p, q = one / of_one, other / of_other
    (low_p, high_p), (low_q, high_q) = _wilson(one, of_one), _wilson(other, of_other)
    below = math.sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    above = math.sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return Interval(p - q - below, p - q + above)


def _wilson(count: int, total: int) -> tuple[float, float]:
    z = 1.959963984540054
    p = count / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total**2))
    return middle - reach, middle + reach
