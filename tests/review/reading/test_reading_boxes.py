"""Each reader's boxes are their own until both have read; then where they differ is settled."""

from __future__ import annotations

import pytest

from core.review.case import cases, lifecycle, worklist
from core.review.exchange.contents import gather
from core.review.exchange.notes import readers_sentences
from core.review.exchange.signed_contents import gather_signed
from core.review.learning import queue
from core.review.reading import answers, boxes, cells, undo
from core.review.reading.answers import NewAnswer
from core.review.record import integrity
from core.review.record.errors import CaseRefused, SignatureBlocked, StaleEdit
from core.review.record.ledger import recording
from core.review.record.readings import NotYourReading
from core.review.signature import signing, verified
from core.store.review_schema import case_cells
from tests.fixtures.review import call_of, field_of, finding_of, the


def _boxes(store, who, case, **more):
    found = cells.cells(store, who, case.id, kind=None, **more)
    return {cell.id: cell for cell in sorted(found, key=lambda cell: cell.id)}


def _call(store, who, case, label="lymphocyte"):
    given = [
        NewAnswer(c.id, label, c.answer.revision if c.answer else 0)
        for c in cells.cells(store, who, case.id)
    ]
    answers.answer(store, who, case.id, given)


def _counts(store, who, case):
    return verified.counts(cells.cells(store, who, case.id, kind=None))


@pytest.fixture
def two(people):
    return people.pathologist, people.second


def test_the_second_reader_begins_with_the_machines_boxes(store, make_case, two):
    first, second = two
    case = make_case(store)
    before = _boxes(store, first, case)
    white, red = (next(c for c in before.values() if c.kind == k) for k in ("wbc", "rbc"))
    drawn = boxes.add_box(store, first, case.id, white.picture_id, "wbc", (30, 20, 40, 30))
    boxes.change_box(store, first, case.id, red.id, red.revision, deleted=True)
    boxes.change_box(store, first, case.id, white.id, white.revision, box_xyxy_px=(0, 0, 9, 9))
    _call(store, first, case)
    assert _counts(store, first, case) == {"rbc": 1, "wbc": 4, "platelet": 0}
    signing.finish_reading(store, first, case.id)

    seen = _boxes(store, second, case, with_deleted=True)
    assert {i: (c.kind, c.box_xyxy_px, c.deleted) for i, c in seen.items()} == {
        i: (c.kind, c.box_xyxy_px, c.deleted) for i, c in before.items()
    }
    assert _boxes(store, first, case)[white.id].box_xyxy_px == (0, 0, 9, 9), (
        "the first keeps theirs"
    )
    with pytest.raises(CaseRefused, match="no cell"):
        answers.answer(store, second, case.id, [NewAnswer(drawn.id, "blast")])
    with pytest.raises(CaseRefused, match="no cell"):
        boxes.change_box(store, second, case.id, drawn.id, drawn.revision, deleted=True)
    with pytest.raises(NotYourReading):
        boxes.change_box(store, first, case.id, red.id, red.revision, deleted=False)
    (row,) = worklist.worklist(store, second)
    assert (row.white_cells, row.reviewed) == (3, 0)
    assert boxes.differences(store, second, case.id) == []


def test_who_only_corrected_boxes_is_a_first_reader(store, make_case, two, people):
    first, second = two
    case = make_case(store, ["lymphocyte"])
    red = next(c for c in _boxes(store, first, case).values() if c.kind == "rbc")
    boxes.change_box(store, first, case.id, red.id, red.revision, deleted=True)
    _call(store, second, case)
    signing.finish_reading(store, second, case.id)
    with pytest.raises(NotYourReading):
        boxes.add_box(store, first, case.id, red.picture_id, "rbc", (1, 1, 9, 9))


def _read_by_both(store, case, two):
    """Both correct boxes; returns the numbers of cells by what was done with them."""
    first, _ = two
    made: dict[str, int] = {}
    for who in two:
        found = _boxes(store, who, case)
        white = [c for c in found.values() if c.kind == "wbc"]
        red = [c for c in found.values() if c.kind == "rbc"]
        picture = white[0].picture_id
        is_first = who is first

        def change(cell, who=who, **what):
            boxes.change_box(store, who, case.id, cell.id, cell.revision, **what)

        if is_first:
            change(white[0], deleted=True)
            change(white[1], box_xyxy_px=(4.0, 2.0, 8.0, 9.0))  # overlap well over one half
            change(red[0], deleted=True)
            change(red[1], kind="platelet")
            made |= {"gone for the first": white[0].id, "moved a little": white[1].id}
            made |= {"gone for both": red[0].id, "another kind": red[1].id}
        else:
            change(red[0], deleted=True)
        shift = 0.0 if is_first else 1.0
        both = boxes.add_box(store, who, case.id, picture, "wbc", (40, 20 + shift, 50, 30 + shift))
        own = boxes.add_box(
            store,
            who,
            case.id,
            picture,
            "platelet",
            (20, 30, 24, 34) if is_first else (5, 40, 9, 44),
        )
        made[f"both, {who.subject}"], made[f"only {who.subject}"] = both.id, own.id
        _call(store, who, case)
        signing.finish_reading(store, who, case.id)
    return made


def test_boxes_are_laid_together_and_differences_settled_before_the_signature(
    store, make_case, two, people
):
    first, second = two
    case = make_case(store)
    made = _read_by_both(store, case, two)
    together = _boxes(store, first, case)
    assert made["gone for both"] not in together
    assert together[made["moved a little"]].box_xyxy_px == (4.0, 2.0, 8.0, 9.0)
    one = together[made["both, paul"]]
    assert made["both, petra"] not in _boxes(store, first, case, with_deleted=True)
    assert (the(one.first).reader, the(one.second).reader) == ("paul", "petra")
    assert one.label == "lymphocyte", "both readers called the cell that both drew"

    open_ = {d.cell.id: d for d in boxes.differences(store, people.viewer, case.id)}
    names = ("gone for the first", "another kind", "only paul", "only petra")
    assert open_.keys() == {made[name] for name in names}
    gone, kind = open_[made["gone for the first"]], open_[made["another kind"]]
    assert (gone.first, the(gone.second).kind) == (None, "wbc")
    assert (the(kind.first).kind, the(kind.second).kind) == ("platelet", "rbc")
    assert open_[made["only petra"]].first is None
    (row,) = worklist.worklist(store, first)
    assert row.white_cells == len(cells.cells(store, first, case.id)) == 4
    told = readers_sentences(gather(store, first, case.id))
    gone_for_first = made["gone for the first"]
    assert f"Box of cell {gone_for_first}: Paul no cell, Petra a white cell; not settled." in told
    with pytest.raises(SignatureBlocked, match="differ in 4 boxes"):
        signing.sign(store, first, case.id, "no reason lifts this")

    boxes.adjudicate(store, second, case.id, [(gone.cell, 2), (kind.cell, 1)])
    with pytest.raises(StaleEdit):
        boxes.adjudicate(store, first, case.id, [(gone.cell, 1)])
    with pytest.raises(CaseRefused, match="do not differ"):
        boxes.adjudicate(store, first, case.id, [(_boxes(store, first, case)[one.id], 1)])
    undo.undo(store, second, case.id)
    assert len(boxes.differences(store, first, case.id)) == 4
    again = {d.cell.id: d.cell for d in boxes.differences(store, first, case.id)}
    chosen = {"gone for the first": 2, "another kind": 1, "only paul": 1, "only petra": 1}
    boxes.adjudicate(
        store, second, case.id, [(again[made[n]], whose) for n, whose in chosen.items()]
    )
    assert _counts(store, first, case) == {"rbc": 0, "wbc": 4, "platelet": 2}
    (left,) = signing.blockers(store, first, case.id)
    assert (left.code, left.cells) == ("unreviewed", (made["gone for the first"],))
    answers.answer(store, second, case.id, [NewAnswer(made["gone for the first"], "monocyte")])
    said = signing.sign(store, first, case.id).snapshot
    there = {c["id"] for c in said["cells"] if not c["deleted"]}
    assert there == _boxes(store, first, case).keys()
    assert said["pictures"][0]["counts"] == {"rbc": 0, "wbc": 4, "platelet": 2}
    assert integrity.verify(store).is_sound
    told = readers_sentences(gather(store, first, case.id))
    assert [sentence for sentence in told if sentence.startswith("Box of cell")] == [
        f"Box of cell {made[name]}: Paul {one}, Petra {two}; settled by Petra as {settled}."
        for name, one, two, settled in (
            ("gone for the first", "no cell", "a white cell", "a white cell"),
            ("another kind", "a platelet", "a red cell", "a platelet"),
            ("only paul", "a platelet", "no cell", "a platelet"),
            ("only petra", "no cell", "a platelet", "no cell"),
        )
    ]
    # The signed version tells the same for good, with what each reader called a cell.
    assert readers_sentences(gather_signed(store, first, case.id, 1)) == told

    signing.amend(store, first, case.id, "one more look")
    assert readers_sentences(gather_signed(store, first, case.id, 1)) == told
    carried = _boxes(store, second, case)
    assert {i: (c.kind, c.box_xyxy_px) for i, c in carried.items()} == {
        c["id"]: (c["kind"], tuple(c["box_xyxy_px"])) for c in said["cells"] if not c["deleted"]
    }
    assert integrity.verify(store).is_sound


def test_a_box_taken_back_is_as_it_was(store, make_case, two):
    paul, _ = two
    case = make_case(store)
    before = _boxes(store, paul, case)
    red = next(c for c in before.values() if c.kind == "rbc")
    boxes.change_box(store, paul, case.id, red.id, red.revision, deleted=True)
    drawn = boxes.add_box(store, paul, case.id, red.picture_id, "rbc", (1, 30, 9, 40))
    moved = boxes.change_box(
        store, paul, case.id, drawn.id, drawn.revision, box_xyxy_px=(2, 30, 9, 40)
    )
    undo.undo(store, paul, case.id)
    assert _boxes(store, paul, case)[drawn.id].box_xyxy_px == (1, 30, 9, 40)
    with pytest.raises(StaleEdit):
        boxes.change_box(store, paul, case.id, drawn.id, moved.revision, deleted=True)
    undo.undo(store, paul, case.id)
    undo.undo(store, paul, case.id)
    now = _boxes(store, paul, case, with_deleted=True)
    assert {i: (c.kind, c.box_xyxy_px, c.deleted) for i, c in now.items()} == {
        i: (c.kind, c.box_xyxy_px, c.deleted) for i, c in before.items()
    }
    assert integrity.verify(store).is_sound


def test_a_case_corrected_before_readings_had_boxes_keeps_them(store, make_case, two):
    """As it was written then: the row of the cell itself changed, with its entry."""
    first, second = two
    case = make_case(store)
    red = next(c for c in _boxes(store, first, case).values() if c.kind == "rbc")
    with recording(store, first, "change_box", case_id=case.id) as book:
        book.update(case_cells, red.id, deleted=True)
    with recording(store, first, "add_box", case_id=case.id) as book:
        corners = {"x0_px": 30.0, "y0_px": 20.0, "x1_px": 40.0, "y1_px": 30.0}
        flags = dict.fromkeys(("abstained", "novel", "blind", "deleted"), False)
        own = {"case_id": case.id, "picture_id": red.picture_id, "kind": "wbc", "revision": 1}
        drawn = book.insert(case_cells, {**own, **corners, **flags})
    _call(store, first, case)
    signing.finish_reading(store, first, case.id)
    for who in two:
        assert _counts(store, who, case) == {"rbc": 1, "wbc": 4, "platelet": 0}
    _call(store, second, case)
    signing.finish_reading(store, second, case.id)
    assert boxes.differences(store, second, case.id) == []
    said = signing.sign(store, second, case.id).snapshot
    assert drawn in {c["id"] for c in said["cells"] if not c["deleted"]}
    assert integrity.verify(store).is_sound


def test_the_queue_asks_for_cells_as_their_reading_has_them(sqlite_store, make_case, two):
    store, (paul, _) = sqlite_store, two
    case = make_case(store)
    white = cells.cells(store, paul, case.id)
    boxes.change_box(store, paul, case.id, white[0].id, white[0].revision, deleted=True)
    drawn = boxes.add_box(store, paul, case.id, white[0].picture_id, "wbc", (30, 20, 40, 30))
    asked = {one.cell_id for one in queue.next_cells(store, paul)}
    assert asked == {white[1].id, white[2].id, drawn.id}


def test_the_queue_leaves_out_cancelled_cases_and_fields_that_do_not_count(
    sqlite_store, make_case, two, people
):
    store, (paul, _) = sqlite_store, two
    cancelled, case = make_case(store), make_case(store, accession="A-2", seed=1)
    out = field_of(2)
    kept = cases.keep_field(
        store, people.technologist, case.id, out, finding_of(out, [call_of("monocyte")])
    )
    lifecycle.include_field(store, paul, case.id, kept.id, False)
    wanted = {cell.id for cell in cells.cells(store, paul, case.id) if cell.included}
    lifecycle.cancel(store, paul, cancelled.id, "wrong patient")
    asked = [one.cell_id for one in queue.next_cells(store, paul)]
    assert asked and set(asked) == wanted
