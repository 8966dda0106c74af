"""Which cells to label next, so that few labels teach much.

First come cells of which the network is unsure, which are unlike those it learnt from, or which it
gives a class with few examples; of cells that resemble each other only one comes. What that gains
is measured on PBC by `python -m core cases queue-gain`; docs/learning-queue.md has the figures.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sqlalchemy import Select, select

from core.access.people import Person
from core.access.rights import require
from core.records import Box
from core.review.learning.cell_features import Array, SeenCell, are_kept, look
from core.review.learning.harvest import verified_fields
from core.review.reading.halves import in_other_half
from core.review.reading.reading_boxes import DELETED, KIND, corners_of, select_boxes
from core.review.record.case_rows import Case, CasePicture, pictures_in
from core.review.record.review_store import ReviewStore
from core.store.review_schema import answers, case_cells, cases

LOOKED_AT_EACH: Final = 2
"""Cells whose pictures are opened for one that is listed, of those that the live network has not
seen yet: it takes 10 ms for each. Of cells it has seen, every one is ranked."""

LOOKED_AT_LEAST: Final = 200


@dataclass(frozen=True)
class Queued:
    """A cell to be labelled, and why: each reason in [0, 1].

    ``label`` is the class in the finding, for a cell that a person drew the live network's;
    ``runner_up`` what the live network holds likely besides. ``abstained``: the finding names no
    class for sure.
    """

    case_id: int
    accession: str
    cell_id: int
    picture: CasePicture
    box_xyxy_px: Box
    label: str
    runner_up: str
    abstained: bool
    score: float
    uncertainty: float
    novelty: float
    rarity: float


def next_cells(
    store: ReviewStore, person: Person, number: int = 50, *, case_id: int | None = None
) -> list[Queued]:
    """Cells of open cases that nobody has answered, the most useful first.

    Blind ones are left out: their place in the list would tell what the machine thinks of them.
    With ``case_id`` only that case's are listed.

    Raises:
        NotAllowed: without the right to read.
        PictureLost, WeightsRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        rows = connection.execute(_unanswered(case_id)).all()
        numbers = {row.case_id for row in rows}
        # A cell of the half that a second reader will read is not on the first one's desk.
        query = select(cases).where(cases.c.id.in_(numbers))
        named = [Case(**row._mapping) for row in connection.execute(query)]
        accessions = {case.id: case.accession for case in named}
        others = {n for case in named for n in in_other_half(connection, case, case.reading)}
        known = {
            picture.id: picture
            for case_id in numbers
            for picture in pictures_in(connection, case_id)
        }
        labelled = Counter(
            cell.label
            for field in verified_fields(connection)
            for cell in field.cells
            if cell.label is not None
        )
    # A field that is left out is in no differential, and its cells need no answer.
    rows = [row for row in rows if known[row.picture_id].left_out is None and row.id not in others]
    if not rows:
        return []
    rows = _to_look_at(store, rows, known, labelled, max(LOOKED_AT_LEAST, LOOKED_AT_EACH * number))
    seen = look(
        store,
        [SeenCell(row.id, known[row.picture_id], corners_of(row)) for row in rows],
    )
    unsure = uncertainty(seen.probabilities)
    novel = np.array([1.0 if row.novel or row.abstained else 0.0 for row in rows])
    rare = seen.probabilities @ rarity([labelled[name] for name in seen.classes])
    score = unsure + 0.5 * novel + 0.5 * rare
    found = []
    for i in order(score, seen.features, number):
        row, likely = rows[i], [seen.classes[n] for n in seen.probabilities[i].argsort()[::-1]]
        label = row.machine_label or likely[0]
        found.append(
            Queued(
                case_id=row.case_id,
                accession=accessions[row.case_id],
                cell_id=row.id,
                picture=known[row.picture_id],
                box_xyxy_px=corners_of(row),
                label=label,
                runner_up=next(name for name in likely if name != label),
                abstained=bool(row.abstained),
                score=float(score[i]),
                uncertainty=float(unsure[i]),
                novelty=float(novel[i]),
                rarity=float(rare[i]),
            )
        )
    return found


def _to_look_at(
    store: ReviewStore,
    rows: Sequence[Any],
    known: Mapping[int, CasePicture],
    labelled: Mapping[str, int],
    most: int,
) -> list[Any]:
    """Every cell whose features are kept, and of the others the ``most`` that promise most."""
    cells = [SeenCell(row.id, known[row.picture_id], corners_of(row)) for row in rows]
    kept = are_kept(store, cells)
    there = [row for row, is_kept in zip(rows, kept, strict=True) if is_kept]
    others = [row for row, is_kept in zip(rows, kept, strict=True) if not is_kept]
    return [*there, *(others[i] for i in shortlist(others, labelled, most))]


# Any: the columns of select_boxes.
def _unanswered(case_id: int | None) -> Select[Any]:
    """White cells of open cases that nobody has answered."""
    answered = select(answers.c.cell_id).where(answers.c.label.is_not(None))
    query = (
        select_boxes(cases.c.version, cases.c.reading)
        .where(cases.c.state.in_(["new", "in_review"]), cases.c.cancelled_at.is_(None))
        .where(KIND == "wbc", DELETED.is_(False), case_cells.c.blind.is_(False))
        .where(case_cells.c.id.not_in(answered))
        .order_by(case_cells.c.id)
    )
    return query if case_id is None else query.where(cases.c.id == case_id)


def shortlist(rows: Sequence[Any], labelled: Mapping[str, int], most: int) -> list[int]:
    """Indices of the ``most`` rows that promise most by what is stored of each cell.

    The same three reasons as of the list itself, read from the database instead of the network:
    a list of thousands of cells would take a minute to compute. A cell without a stored class was
    drawn by a person and comes first.

    Args:
        rows: with ``machine_label``, ``machine_probability``, ``novel`` and ``abstained``.
        labelled: how many verified cells each class has.
    """
    names = sorted({row.machine_label for row in rows if row.machine_label})
    rare = dict(zip(names, rarity([labelled.get(name, 0) for name in names]), strict=True))

    def promise(row: Any) -> float:
        if row.machine_label is None:
            return 2.0
        # The second-best class is not stored: at most what the best one leaves.
        unsure = min(1.0, 2 * (1 - float(row.machine_probability or 0.0)))
        novel = 0.5 if row.novel or row.abstained else 0.0
        return unsure + novel + 0.5 * float(rare[row.machine_label])

    ranked = sorted(range(len(rows)), key=lambda i: -promise(rows[i]))
    return ranked[:most]


def uncertainty(probabilities: Array) -> Array:
    """One minus the gap between the two best classes, ``(N,)`` in [0, 1].

    Source: Scheffer 2001, margin sampling.
    """
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities))
    best = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(1 - (best[:, 1] - best[:, 0]))


def rarity(counts: list[int]) -> Array:
    """How rare each class is among the labels, 1 for one without any, 0 for the most frequent."""
    found = np.asarray(counts, np.float64)
    most = found.max(initial=0)
    return 1 - found / most if most else np.ones(len(found))


def order(score: Array, features: Array, number: int) -> list[int]:
    """Indices of ``number`` items with a high score, none much like one chosen before.

    Greedy: the score is multiplied by the distance to the nearest one chosen, in cosine from 0 (the
    same) to 1 (nothing in common). Of two equal pictures the second comes last of all.

    Args:
        score: ``(N,)``, 0 or more.
        features: ``(N, width)``, rows of length 1.
        number: how many.
    """
    chosen: list[int] = []
    apart = np.ones(len(score))
    left = np.ones(len(score), bool)
    for _ in range(min(number, len(score))):
        worth = np.where(left, score * np.sqrt(apart) + 1e-6 * apart, -1.0)
        best = int(worth.argmax())
        chosen.append(best)
        left[best] = False
        apart = np.minimum(apart, np.clip(1 - features @ features[best], 0, 1))
    return chosen
