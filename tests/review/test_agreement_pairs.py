"""Who read what: pairs from signed cases, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from core.models import registry
from core.review.agreement_pairs import (
    SHARES,
    Source,
    count_pairs,
    label_pairs,
    share_pairs,
    signed_cases,
    sources,
)
from core.review.reading import answers, boxes, cells
from core.review.reading.answers import NewAnswer
from core.review.signature import signing
from core.statistics.agreement import agreement

MACHINE = ("lymphocyte", "monocyte", "blast", "eosinophil")
FIRST = ("lymphocyte", "lymphocyte", "blast", "eosinophil")
SECOND = ("lymphocyte", "monocyte", "blast", "unidentified")
SETTLED = ("lymphocyte", "monocyte", "blast", "eosinophil")

VERIFIED = Source("verified", "", "")
MODEL = Source("model", "wbc@0123abcd", "")


def say(store, who, case, labels):
    found = sorted(cells.cells(store, who, case.id), key=lambda cell: cell.id)
    answers.answer(
        store,
        who,
        case.id,
        [
            NewAnswer(c.id, label, c.answer.revision if c.answer else 0)
            for c, label in zip(found, labels, strict=True)
        ],
    )


@pytest.fixture
def read_twice(store, people, make_case):
    """Two readers, one of whom could not tell a cell; settled and signed."""
    case = make_case(store, MACHINE)
    say(store, people.pathologist, case, FIRST)
    signing.finish_reading(store, people.pathologist, case.id)
    say(store, people.second, case, SECOND)
    signing.finish_reading(store, people.second, case.id, "one cell is out of focus")
    say(store, people.pathologist, case, SETTLED)
    signing.sign(store, people.pathologist, case.id)
    return case


def test_each_source_has_its_own_answers(store, people, read_twice):
    signed = signed_cases(store, people.viewer)
    listed = sources(signed)
    assert [s.title for s in listed if s.kind == "reader"] == ["Paul", "Petra"]
    assert MODEL.key in [s.key for s in listed if s.kind == "model"]
    paul, petra = Source("reader", "paul", ""), Source("reader", "petra", "")
    reader_reader = label_pairs(store, people.viewer, signed, paul, petra)
    # What one could not identify is no class to agree on.
    assert (reader_reader.reference, reader_reader.other) == (FIRST[:3], SECOND[:3])
    reader_model = label_pairs(store, people.viewer, signed, paul, MODEL)
    assert (reader_model.reference, reader_model.other) == (FIRST, MACHINE)
    verified_model = label_pairs(store, people.viewer, signed, VERIFIED, MODEL)
    assert agreement(verified_model.reference, verified_model.other).accuracy.value == 1.0
    assert agreement(reader_model.reference, reader_model.other).accuracy.value == 0.75


def test_shares_go_case_by_case(store, people, read_twice):
    signed = signed_cases(store, people.viewer)
    pairs = label_pairs(store, people.viewer, signed, Source("reader", "paul", ""), MODEL)
    shares = share_pairs(pairs, signed, "lymphocyte")
    assert (shares.reference, shares.other, shares.samples) == ((50.0,), (25.0,), ("A-1",))
    assert share_pairs(pairs, signed, "neutrophil").reference == (0.0,)
    assert "neutrophil" in SHARES and "smudge" not in SHARES


def test_counts_go_field_by_field_after_correction(store, people, make_case):
    case = make_case(store, ("lymphocyte",))
    red = cells.cells(store, people.pathologist, case.id, kind="rbc")[0]
    boxes.change_box(store, people.pathologist, case.id, red.id, red.revision, deleted=True)
    say(store, people.pathologist, case, ("lymphocyte",))
    signing.sign(store, people.pathologist, case.id)
    pairs = count_pairs(signed_cases(store, people.viewer), "rbc")
    assert (pairs.reference, pairs.other) == ((1.0,), (2.0,))


def test_only_signed_cases_of_the_period_count(store, people, read_twice, make_case):
    make_case(store, ("monocyte",), accession="open")
    now = datetime.now(UTC)
    assert len(signed_cases(store, people.viewer).cells) == 4
    assert signed_cases(store, people.viewer, since=now + timedelta(minutes=1)).cells == ()
    assert signed_cases(store, people.viewer, until=now - timedelta(days=1)).cells == ()
    assert len(signed_cases(store, people.viewer, since=now - timedelta(hours=1)).cells) == 4


def test_an_amended_case_counts_once_as_it_was_last_signed(store, people, read_twice):
    signing.amend(store, people.pathologist, read_twice.id, "second look")
    # The open version does not count, the signed one before it still does.
    assert [c.verified for c in signed_cases(store, people.viewer).cells] == list(SETTLED)
    say(store, people.pathologist, read_twice, ("monocyte", *SETTLED[1:]))
    signing.sign(store, people.pathologist, read_twice.id)
    verified = [cell.verified for cell in signed_cases(store, people.viewer).cells]
    assert verified == ["monocyte", *SETTLED[1:]]


def test_a_model_that_did_not_answer_then_answers_now(sqlite_store, people, make_case):
    case = make_case(sqlite_store, MACHINE)
    say(sqlite_store, people.pathologist, case, SETTLED)
    signing.sign(sqlite_store, people.pathologist, case.id)
    signed = signed_cases(sqlite_store, people.viewer)
    live = registry.live("wbc").identity
    assert live in [s.key for s in sources(signed) if s.kind == "recomputed"]
    now = Source("recomputed", live, "")
    twice = label_pairs(sqlite_store, people.viewer, signed, now, now)
    assert len(twice.cells) == 4 and twice.reference == twice.other
    # Two models, one that answered then and one that answers now, on the same cells.
    assert len(label_pairs(sqlite_store, people.viewer, signed, MODEL, now).cells) == 4


def test_blind_cells_can_be_looked_at_alone(sqlite_store, people, make_case):
    case = make_case(sqlite_store, MACHINE, share=1.0)
    say(sqlite_store, people.pathologist, case, SETTLED)
    signing.sign(sqlite_store, people.pathologist, case.id)
    signed = signed_cases(sqlite_store, people.viewer)
    all_blind = label_pairs(sqlite_store, people.viewer, signed, VERIFIED, MODEL, blind_only=True)
    # The critical one is never blind.
    assert [cell.proposed for cell in all_blind.cells] == ["lymphocyte", "monocyte", "eosinophil"]
