"""What is verified becomes training sets, a proposal, a queue; the blind sample an estimate."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import text
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from core.datasets.intake.cells import read_cells
from core.datasets.intake.fields import read_boxed_fields
from core.review.case import cases, history, timing
from core.review.learning import adaptation_offer, label_errors, queue, training_sets
from core.review.learning.cell_features import SeenCell, look, unit_length
from core.review.reading import answers, blind, boxes, cells
from core.review.reading.answers import NewAnswer
from core.review.reading.box_confirmations import confirm_boxes
from core.review.record import integrity
from core.review.record.errors import CaseRefused
from core.review.signature import signing
from core.settings import settings
from core.taxonomy import KINDS
from core.training.white_cells.adaptation.laboratory_cells import list_cells
from tests.fixtures.review import the


def _sign(store, who, case, labels=None, seconds=None):
    found = sorted(cells.cells(store, who, case.id), key=lambda cell: cell.id)
    said = labels or [the(cell.call).label for cell in found]
    given = [NewAnswer(cell.id, label, 0, seconds) for cell, label in zip(found, said, strict=True)]
    answers.answer(store, who, case.id, given)
    signing.sign(store, who, case.id, "for the test")
    return found


def test_signed_cases_offer_their_cells_to_adapting(sqlite_store, people, make_case):
    store, paul = sqlite_store, people.pathologist
    assert adaptation_offer.offer(store, people.viewer).cells == 0
    for n in range(8):
        case = make_case(store, ["lymphocyte", "monocyte", "blast"], f"A-{n}", seed=n)
        _sign(store, paul, case, ["lymphocyte", "monocyte", "unidentified"])
        found = adaptation_offer.offer(store, people.viewer)
        # What nobody could identify is no label.
        assert (found.cells, found.cases) == (2 * (n + 1), n + 1)
        assert found.is_enough == (found.cells >= 20)
    for n in range(8, 10):
        case = make_case(store, ["lymphocyte"] * 10, f"A-{n}", seed=n)
        _sign(store, paul, case)
    found = adaptation_offer.offer(store, people.viewer)
    assert found.is_enough
    assert found.by_class == {"lymphocyte": 28, "monocyte": 8}
    assert found.per_class == 10
    # Nine cells a class are learnt from: the gain is what five brought elsewhere.
    low, high = found.expected_gain
    assert 0 < low < high < 0.09
    made = adaptation_offer.make_set(store, people.trainer)
    assert list_cells(made.path(store)).counts() == {"lymphocyte": 28, "monocyte": 8}


def test_verified_cells_become_a_set_that_the_intake_reads(sqlite_store, people, make_case):
    store, paul = sqlite_store, people.pathologist
    for n in range(12):
        case = make_case(
            store, ["lymphocyte", "monocyte", "blast"], f"A-{n}", seed=n, pseudonym=f"P-{n}"
        )
        _sign(store, paul, case, ["lymphocyte", "monocyte", "unidentified" if n else "smudge"])
    made = training_sets.make(store, people.trainer, "ours", "cells")
    assert (made.version, made.cases, made.items, made.corrections) == (1, 12, 25, 1)
    folder = made.path(store)
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == [
        "lymphocyte",
        "monocyte",
        "smudge",
    ]
    assert training_sets.changed_files(store, people.viewer, made) == []
    taken = read_cells(folder, settings())
    assert not taken.problems
    assert [s.reason.split(":")[0] for s in taken.skipped] == ["smudge"]
    assert "patient" in taken.grouped_by
    assert {cell.label for cell in taken.items} == {"lymphocyte", "monocyte"}
    cases_of = [{taken.items[i].path.name.split("-")[0] for i in part} for part in taken.parts]
    assert sum(map(len, cases_of)) == len(set.union(*cases_of)) == 12


def test_a_patients_cases_never_stand_on_both_sides(sqlite_store, people, make_case):
    store = sqlite_store
    for n in range(4):
        case = make_case(store, ["lymphocyte"], f"A-{n}", seed=n)
        if n % 2:
            cases.change(store, people.technologist, case.id, case.revision, pseudonym="")
        _sign(store, people.pathologist, case)
    made = training_sets.make(store, people.trainer, "ours", "cells")
    with (made.path(store) / training_sets.GROUPS).open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["patient"] for row in rows] == ["case-1", "case-2", "case-1", "case-4"]


def test_verified_fields_become_boxes_that_the_intake_reads(sqlite_store, people, make_case):
    store, paul = sqlite_store, people.pathologist
    case = make_case(store)
    cell = cells.cells(store, paul, case.id)[0]
    boxes.add_box(store, paul, case.id, cell.picture_id, "platelet", (40.0, 30.0, 44.0, 33.0))
    red = cells.cells(store, paul, case.id, kind="rbc")[0]
    boxes.change_box(store, paul, case.id, red.id, red.revision, deleted=True)
    _sign(store, paul, case)
    made = training_sets.make(store, people.trainer, "fields", "fields")
    site = settings().model_copy(update={"min_side_px": 16})
    read = read_boxed_fields(made.path(store), site)
    (field,) = read.items
    kinds = [KINDS[k] for k in field.kinds]
    assert sorted(kinds) == ["platelet", "rbc", "wbc", "wbc", "wbc"]
    box = field.boxes_xyxy_px[kinds.index("platelet")]
    assert box == pytest.approx([40, 30, 44, 33], abs=1e-3)
    manifest = json.loads((made.path(store) / training_sets.MANIFEST).read_text())
    assert manifest["items"][0]["boxes_corrected"] is True


def test_boxes_that_nobody_confirmed_or_changed_teach_nothing(sqlite_store, people, make_case):
    store, paul = sqlite_store, people.pathologist
    _sign(store, paul, make_case(store))
    with pytest.raises(CaseRefused, match="whose boxes a person confirmed or changed"):
        training_sets.make(store, people.trainer, "fields", "fields")
    confirmed = make_case(store, accession="A-2", seed=1, pseudonym="P-2")
    picture = cells.cells(store, paul, confirmed.id)[0].picture_id
    confirm_boxes(store, paul, confirmed.id, picture)
    _sign(store, paul, confirmed)
    made = training_sets.make(store, people.trainer, "fields", "fields")
    manifest = json.loads((made.path(store) / training_sets.MANIFEST).read_text())
    assert [item["case"] for item in manifest["items"]] == [confirmed.id]


def test_versions_differ_and_a_changed_set_is_found(sqlite_store, people, make_case):
    store = sqlite_store
    with pytest.raises(CaseRefused, match="nothing is verified"):
        training_sets.make(store, people.trainer, "ours", "cells")
    with pytest.raises(CaseRefused, match="small letters"):
        training_sets.make(store, people.trainer, "../ours", "cells")
    _sign(store, people.pathologist, make_case(store))
    first = training_sets.make(store, people.trainer, "ours", "cells")
    _sign(store, people.pathologist, make_case(store, accession="A-2", seed=1))
    second = training_sets.make(store, people.trainer, "ours", "cells")
    assert (first.version, second.version) == (1, 2)
    assert training_sets.all_sets(store, people.viewer, "cells") == [second, first]
    picture = next(first.path(store).rglob("*.png"))
    picture.write_bytes(picture.read_bytes() + b" ")
    assert training_sets.changed_files(store, people.viewer, first) == [
        picture.relative_to(first.path(store)).as_posix()
    ]
    assert training_sets.changed_files(store, people.viewer, second) == []
    assert integrity.verify(store).is_sound


def test_a_run_is_proposed_after_so_many_corrections(
    sqlite_store, people, make_case, change_settings
):
    store = sqlite_store
    change_settings(corrections_before_proposal=3)
    _sign(store, people.pathologist, make_case(store), ["blast", "blast", "blast"])
    said = training_sets.proposal(store, people.viewer)
    assert (said.new_corrections, said.by_class, said.is_due) == (2, {"blast": 2}, False)
    _sign(store, people.pathologist, make_case(store, ["blast"], "A-2", seed=1), ["smudge"])
    assert training_sets.proposal(store, people.viewer).is_due
    training_sets.make(store, people.trainer, "ours", "cells")
    assert training_sets.proposal(store, people.viewer).new_corrections == 0


def test_the_blind_estimate_counts_first_readings_only(sqlite_store, people, make_case):
    """By hand: 4 blind cells, 1 of them otherwise; 4 shown ones, all as the machine said."""
    store, paul = sqlite_store, people.pathologist
    hidden = make_case(store, ["lymphocyte"] * 5, "blind", share=1.0)
    _sign(store, paul, hidden, ["lymphocyte"] * 3 + ["blast", "unidentified"])
    shown = make_case(store, ["monocyte"] * 4, "shown", seed=1)
    _sign(store, paul, shown)
    found = blind.estimate(store, people.viewer)
    counted = (found.blind_errors, found.blind_cells, found.shown_errors, found.shown_cells)
    assert counted == (1, 4, 0, 4)
    assert (found.error, found.anchoring) == (0.25, 0.25)
    low, high = proportion_confint(1, 4, method="beta")
    assert found.error_interval.low == pytest.approx(low)
    assert found.error_interval.high == pytest.approx(high)
    signing.amend(store, paul, hidden.id, "late")
    again = cells.cells(store, paul, hidden.id)
    changed = [NewAnswer(c.id, "smudge", the(c.answer).revision) for c in again]
    answers.answer(store, paul, hidden.id, changed)
    assert blind.estimate(store, people.viewer) == found, "what came after the signature is no test"
    assert blind.estimate(store, people.viewer, model="another@1").blind_cells == 0
    later = datetime.now(UTC) + timedelta(days=1)
    none = blind.estimate(store, people.viewer, since=later)
    assert (none.error, none.anchoring, none.blind_cells) == (None, None, 0)


@pytest.mark.parametrize("counts", [(1, 4, 0, 4), (12, 80, 30, 900), (0, 10, 0, 20), (7, 7, 1, 9)])
def test_anchoring_has_newcombes_interval(counts):
    """Against statsmodels."""
    found = blind.of_counts(*counts)
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    assert the(found.anchoring_interval).low == pytest.approx(low, abs=1e-9)
    assert the(found.anchoring_interval).high == pytest.approx(high, abs=1e-9)


def test_time_from_upload_to_signature_by_period(store, people, make_case):
    paul = people.pathologist
    for n, seconds in enumerate((2.0, 4.0, None)):
        _sign(store, paul, make_case(store, accession=f"A-{n}", seed=n), seconds=seconds)
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    with store.database.write() as connection:
        for n, (uploaded, signed) in enumerate([(0, 5), (10, 11), (200, 203)], start=1):
            for table, column, hours in (
                ("case_pictures", "added_at", uploaded),
                ("signatures", "signed_at", signed),
            ):
                at = monday + timedelta(hours=hours)
                value = at if not store.database.is_sqlite else f"{at:%Y-%m-%d %H:%M:%S.%f}"
                words = f"UPDATE {table} SET {column} = :at WHERE case_id = :n"
                connection.execute(text(words), {"at": value, "n": n})
    first, second = timing.turnaround(store, people.viewer, by="week")
    assert (first.start, second.start) == (monday, monday + timedelta(days=7))
    assert (first.cases, the(first.hours).median, first.cells) == (2, 3.0, 6)
    assert (the(first.seconds_per_cell).n, the(first.seconds_per_cell).median) == (6, 3.0)
    assert (the(second.hours).median, second.seconds_per_cell) == (3.0, None)
    assert [p.cases for p in timing.turnaround(store, people.viewer, by="month")] == [3]
    assert [p.cases for p in timing.turnaround(store, people.viewer, by="day")] == [2, 1]
    assert len(timing.turnaround(store, people.viewer, since=monday + timedelta(days=2))) == 1
    assert timing.turnaround(store, people.viewer, reader="vera")[0].cells == 0


def test_a_wrong_label_among_its_like_is_suspected():
    rng = np.random.default_rng(0)
    middle = np.eye(3).repeat(40, axis=0)
    features = unit_length(middle + rng.normal(0, 0.05, middle.shape))
    labels = ["lymphocyte"] * 40 + ["monocyte"] * 40 + ["blast"] * 40
    assert label_errors.disagreeing(features, labels) == []
    labels[5], labels[90] = "blast", "monocyte"
    found = {(i, other) for i, other, _ in label_errors.disagreeing(features, labels)}
    assert found == {(5, "lymphocyte"), (90, "blast")}
    assert label_errors.disagreeing(features[:5], labels[:5]) == []


def test_what_the_network_said_is_kept_and_belongs_to_its_cell(sqlite_store, people, make_case):
    store = sqlite_store
    case = make_case(store)
    found = cells.cells(store, people.pathologist, case.id)
    pictures = {p.id: p for p in cases.case_pictures_of(store, people.viewer, case.id)}
    wanted = [SeenCell(c.id, pictures[c.picture_id], c.box_xyxy_px) for c in found]
    first = look(store, wanted[:2])
    turned = look(store, wanted[::-1])
    np.testing.assert_array_equal(turned.features[::-1][:2], first.features)
    np.testing.assert_array_equal(turned.probabilities[::-1][:2], first.probabilities)
    moved = SeenCell(wanted[0].cell_id, wanted[0].picture, (30.0, 20.0, 45.0, 40.0))
    assert not np.array_equal(look(store, [moved]).features[0], first.features[0])


def test_a_label_called_right_is_suspected_no_more(store, people, make_case):
    """Eleven cells of one picture, cut at one place, so all alike; one is called otherwise."""
    paul = people.pathologist
    case = make_case(store, ["lymphocyte"])
    first = cells.cells(store, paul, case.id)[0]
    for n in range(11):
        corners = (first.box_xyxy_px[0], 2.0, first.box_xyxy_px[2], 9.25 + n / 100)
        boxes.add_box(store, paul, case.id, first.picture_id, "wbc", corners)
    found = _sign(store, paul, case, ["blast"] + ["lymphocyte"] * 11)
    (one,) = label_errors.suspected(store, paul)
    assert (one.cell_id, one.label, one.neighbours_label) == (found[0].id, "blast", "lymphocyte")
    with pytest.raises(CaseRefused, match="not signed as monocyte"):
        label_errors.confirm(store, paul, case.id, one.cell_id, "monocyte")
    for _ in range(2):
        label_errors.confirm(store, paul, case.id, one.cell_id, "blast")
    assert label_errors.suspected(store, paul) == []
    entries = history.history(store, people.viewer, case.id)
    assert [e.detail for e in entries if e.action == "confirm_label"] == [
        f"cell {one.cell_id}: blast"
    ]
    assert integrity.verify(store).is_sound


def test_the_queue_takes_what_is_worth_most_and_no_two_alike():
    features = unit_length(np.array([[1, 0, 0], [1, 0.001, 0], [0, 1, 0], [0, 0, 1.0]]))
    score = np.array([1.0, 0.99, 0.5, 0.1])
    assert queue.order(score, features, 4) == [0, 2, 3, 1]
    assert queue.order(score, features, 2) == [0, 2]
    assert queue.order(np.zeros(4), features, 9)[0] == 0
    assert len(set(queue.order(np.zeros(4), features, 9))) == 4


def test_uncertainty_is_the_margin_and_rarity_the_missing_share():
    said = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    assert queue.uncertainty(said) == pytest.approx([1.0, 0.2, 0.8])
    assert queue.rarity([10, 5, 0]) == pytest.approx([0.0, 0.5, 1.0])
    assert queue.rarity([0, 0]) == pytest.approx([1.0, 1.0])


def test_the_network_looks_at_the_most_promising_cells_only():
    def row(label, probability, *, abstained=False, novel=False):
        return SimpleNamespace(
            machine_label=label, machine_probability=probability, abstained=abstained, novel=novel
        )

    rows = [
        row("lymphocyte", 0.99),
        row("lymphocyte", 0.6),
        row("blast", 0.99),  # never verified, so rare
        row("lymphocyte", 0.99, novel=True),
        row(None, None),  # a person drew it
        row("lymphocyte", 0.4, abstained=True),
    ]
    assert queue.shortlist(rows, {"lymphocyte": 10}, 6)[:2] == [4, 5]
    assert queue.shortlist(rows, {"lymphocyte": 10}, 5) == [4, 5, 1, 2, 3]
    assert queue.shortlist(rows, {}, 0) == []
