"""A case of which each of two readers reads a half."""

from __future__ import annotations

import pytest

from core.review.case import states
from core.review.case.worklist import worklist
from core.review.exchange.contents import gather
from core.review.exchange.notes import readers_sentences
from core.review.exchange.signed_contents import gather_signed
from core.review.learning import queue
from core.review.reading import boxes
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.reading.halves import halves_of, read_in_halves
from core.review.record import integrity
from core.review.record.errors import CaseRefused, SignatureBlocked
from core.review.signature import signing
from core.review.signature.two_readers import reader_shares
from core.review.signature.verified import verified


def _mine(store, who, case):
    found = [cell for cell in cells(store, who, case.id) if cell.asked]
    return sorted(found, key=lambda cell: cell.id)


def _read(store, who, case, label):
    found = _mine(store, who, case)
    given = [NewAnswer(one.id, label, one.answer.revision if one.answer else 0) for one in found]
    answer(store, who, case.id, given)
    return {cell.id for cell in found}


def test_each_opens_a_half_and_the_whole_is_signed(store, people, make_case):
    paul, petra = people.pathologist, people.second
    case = make_case(store, ["lymphocyte"] * 21)
    read_in_halves(store, paul, case.id, True)
    everything = {cell.id for cell in cells(store, paul, case.id)}
    other = min(cell.id for cell in cells(store, paul, case.id) if not cell.asked)
    with pytest.raises(CaseRefused, match="other reader's half"):
        answer(store, paul, case.id, [NewAnswer(other, "lymphocyte")])
    first = _read(store, paul, case, "lymphocyte")
    standing = verified(store, paul, case.id)
    assert (len(first), standing.white_cells, standing.reviewed) == (11, 11, 11)
    (row,) = worklist(store, paul)
    assert (row.white_cells, row.reviewed) == (11, 11)
    # The half alone is not signed, whatever reason is given.
    with pytest.raises(SignatureBlocked, match="other half"):
        signing.sign(store, paul, case.id, "in a hurry")
    signing.finish_reading(store, paul, case.id)
    (row,) = worklist(store, petra)
    assert (row.white_cells, row.reviewed) == (10, 0)
    second = _read(store, petra, case, "monocyte")
    assert (len(second), first & second, first | second) == (10, set(), everything)
    case = signing.finish_reading(store, petra, case.id)
    (row,) = worklist(store, petra)
    assert (row.white_cells, row.reviewed) == (21, 21)
    shares = {one.label: one for one in reader_shares(cells(store, paul, case.id), apart=True)}
    one = shares["lymphocyte"]
    assert (one.first, one.of_first, one.second, one.of_second) == (11, 11, 0, 10)
    assert signing.blockers(store, paul, case.id) == ()
    draft = readers_sentences(gather(store, paul, case.id))
    signed = signing.sign(store, paul, case.id).snapshot
    assert signed["reviewed"] == 21 and signed["case"]["halves"] is True
    said = "Each reader read a half of the cells: the first 11, the second 10."
    assert said in draft
    assert said in readers_sentences(gather_signed(store, paul, case.id, 1))
    # An amendment is read as any other case, with both readers' classes.
    case = signing.amend(store, paul, case.id, "to look again")
    assert not case.halves and verified(store, paul, case.id).reviewed == 21
    assert integrity.verify(store).is_sound


def test_halves_are_decided_before_the_first_answer(sqlite_store, people, make_case):
    store, paul = sqlite_store, people.pathologist
    case = make_case(store, ["lymphocyte", "monocyte"])
    found = _mine(store, paul, case)
    given = answer(store, paul, case.id, [NewAnswer(found[0].id, "lymphocyte")])
    with pytest.raises(CaseRefused, match="answered already"):
        read_in_halves(store, paul, case.id, True)
    back = [NewAnswer(found[0].id, None, given[found[0].id].revision)]
    answer(store, paul, case.id, back)
    assert read_in_halves(store, paul, case.id, True).halves
    # A person alone can still read all, so that no case lies for good.
    _read(store, paul, case, "lymphocyte")
    assert read_in_halves(store, paul, case.id, False).halves is False
    assert len(_mine(store, paul, case)) == 2
    single = make_case(store, ["lymphocyte"], "A-2", seed=1)
    with pytest.raises(CaseRefused, match="fewer than two"):
        read_in_halves(store, paul, single.id, True)


def test_a_cell_of_nobodys_half_and_one_left_open_wait_for_a_person(
    sqlite_store, people, make_case
):
    store, paul, petra = sqlite_store, people.pathologist, people.second
    case = make_case(store, ["lymphocyte"] * 4)
    case = read_in_halves(store, paul, case.id, True)
    picture = cells(store, paul, case.id)[0].picture_id
    drawn = boxes.add_box(store, paul, case.id, picture, "wbc", (40.0, 30.0, 50.0, 40.0))
    assert drawn.id in {cell.id for cell in _mine(store, paul, case)}
    _read(store, paul, case, "lymphocyte")
    signing.finish_reading(store, paul, case.id)
    assert drawn.id not in {cell.id for cell in _mine(store, petra, case)}
    case = signing.finish_reading(store, petra, case.id, "called away")
    codes = {one.code: one.cells for one in signing.blockers(store, paul, case.id)}
    assert len(codes["unreviewed"]) == 2 and codes["differing_boxes"] == (drawn.id,)
    with store.database.read() as connection:
        halves = halves_of(connection, case)
    assert set(codes["unreviewed"]) == {number for number, who in halves.items() if who == 2}
    assert states.next_steps(store, paul, case.id)


def test_the_list_to_label_next_has_the_first_readers_half_only(sqlite_store, people, make_case):
    store, paul = sqlite_store, people.pathologist
    case = make_case(store, ["lymphocyte"] * 6)
    assert len(queue.next_cells(store, paul)) == 6
    read_in_halves(store, paul, case.id, True)
    listed = {one.cell_id for one in queue.next_cells(store, paul)}
    assert listed == {cell.id for cell in _mine(store, paul, case)}
