"""One decision, said alike by every function that reads it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from core.records import Cell, CellCounts, Estimate, Flag, SmearFinding, WbcCall
from core.slide import judgement
from core.slide.blood_count import nucleated_red_cells, rates
from core.slide.differential import differential
from core.slide.tables import cells_csv, findings_csv, findings_json
from core.slide.totals import totals, worst_first

CRITICAL = Flag("critical_cell", "It could be a blast: critical, a person must look at this cell.")
NOT_A_SMEAR = Flag("not_a_smear", "This does not look like a stained blood smear.")


def call(label, *, flagged=False, abstained=False, probability=0.7):
    return WbcCall(
        label,
        probability,
        {label: probability, "blast": 1 - probability},
        (label,),
        abstained,
        "wbc@01234567",
        (CRITICAL,) if flagged else (),
        wide_set=(label, "blast"),
    )


def field(name, calls, *flags, red=4, chosen=None):
    boxes = [(10.0 * n, 5.0, 10.0 * n + 9.0, 14.0) for n in range(len(calls) + red)]
    cells = [Cell("wbc", box, 0.9, one) for box, one in zip(boxes, calls, strict=False)]
    cells += [Cell("rbc", box, 0.9) for box in boxes[len(calls) :]]
    counts = CellCounts(
        Estimate(red, red, red), Estimate(len(calls), 0, len(calls) + 1), Estimate(0, 0, 0)
    )
    return SmearFinding(
        name,
        400,
        300,
        "locator",
        "locator@01234567",
        "all_visible",
        counts,
        tuple(cells),
        flags,
        included_by_person=chosen,
    )


@pytest.mark.parametrize(
    ("one", "critical", "doubtful", "marks"),
    [
        (call("lymphocyte"), False, False, ()),
        # The likeliest class is harmless, the rule says critical: the rule wins.
        (call("lymphocyte", flagged=True), True, False, ("critical",)),
        (call("monocyte", abstained=True), False, True, ("check",)),
        (call("blast", abstained=True), True, True, ("critical", "check")),
        (None, False, False, ()),
    ],
)
def test_a_call_is_critical_by_the_rule(one, critical, doubtful, marks):
    assert judgement.call_is_critical(one) is critical
    assert judgement.call_is_doubtful(one) is doubtful
    assert judgement.call_marks(one) == marks


@pytest.mark.parametrize(
    ("one", "answered", "critical"),
    [
        (call("lymphocyte", flagged=True), None, True),
        (call("lymphocyte", flagged=True), "lymphocyte", False),
        # Who cannot tell has excluded nothing.
        (call("lymphocyte", flagged=True), "unidentified", True),
        (call("lymphocyte"), "blast", True),
        (None, "immature_granulocyte", True),
        (None, None, False),
    ],
)
def test_a_persons_answer_goes_before_the_call(one, answered, critical):
    assert judgement.cell_is_critical(one, answered) is critical


def test_critical_cells_lead_then_doubtful_then_improbable_ones():
    sure, doubtful = call("monocyte", probability=0.9), call("monocyte", abstained=True)
    weak, flagged = call("monocyte", probability=0.6), call("monocyte", flagged=True)
    assert sorted([sure, doubtful, weak, flagged], key=judgement.call_order) == [
        flagged,
        doubtful,
        weak,
        sure,
    ]


def test_a_field_that_is_no_smear_counts_nowhere_until_a_person_takes_it_in():
    smear = field("a.png", [call("lymphocyte")], red=6)
    hand = field("hand.jpg", [call("erythroblast")], NOT_A_SMEAR, red=8)
    both = [smear, hand]
    assert [one.cells for one in totals(both)] == [6, 1, 0]
    assert [one.cells for one in rates(both)] == [6, 1, 0]
    assert differential(both).leukocytes == 1 and nucleated_red_cells(both) == 0
    (out,) = judgement.all_left_out(both)
    assert (out.file, out.code) == ("hand.jpg", "not_a_smear")
    assert judgement.left_out_sentence(2, [out]) == (
        "1 of 2 fields counts. Left out: hand.jpg (not a smear)."
    )
    in_ = replace(hand, included_by_person=True)
    assert [one.cells for one in totals([smear, in_])] == [14, 2, 0]
    assert judgement.all_left_out([smear, in_]) == () == judgement.all_left_out([smear])
    assert judgement.left_out_sentence(2, ()) == ""


def test_any_field_can_be_taken_out_by_a_person():
    kept, out = field("a.png", [call("monocyte")]), field("b.png", [call("monocyte")], chosen=False)
    assert [one.fields for one in rates([kept, out])] == [1, 1, 1]
    assert judgement.left_out(out) == judgement.LeftOut(
        "b.png", judgement.BY_PERSON, "A person took it out."
    )
    assert totals([out]) == () == rates([out])


def test_a_smear_wrongly_left_out_hides_no_critical_cell_until_a_person_took_it_out():
    wrong = field("a.png", [call("lymphocyte", flagged=True)], NOT_A_SMEAR)
    assert judgement.critical_cells(wrong) == (0,)
    assert judgement.field_marks(wrong) == ("critical", "check")
    assert judgement.summary([wrong]).critical == 1
    assert judgement.summary([wrong]).white_cells == 0
    assert judgement.critical_cells(replace(wrong, included_by_person=False)) == ()


def test_the_field_with_a_critical_cell_comes_first():
    plain = field("a.png", [call("monocyte")], Flag("out_of_focus", "Out of focus."))
    assert worst_first([plain, field("b.png", [call("monocyte", flagged=True)])]) == [1, 0]


def test_files_say_what_the_screen_says():
    findings = [
        field("a.png", [call("lymphocyte", flagged=True), call("monocyte", abstained=True)]),
        field("hand.jpg", [], NOT_A_SMEAR),
    ]
    document = json.loads(findings_json(findings))
    cells = list(csv.DictReader(io.StringIO(cells_csv(findings))))
    fields = list(csv.DictReader(io.StringIO(findings_csv(findings))))
    for place, one in enumerate(document["fields"][0]["cells"][:2]):
        said, row, source = one["wbc"], cells[place], findings[0].cells[place].wbc
        assert source is not None
        assert said["critical"] is judgement.call_is_critical(source)
        assert row["critical"] == str(judgement.call_is_critical(source))
        assert row["abstained"] == str(said["abstained"]) == str(source.abstained)
        assert row["could_be"].split() == said["could_be"] == list(source.could_be)
        assert row["reported_as"] == said["reported_as"] == source.label
        assert row["model"] == said["model"] == "wbc@01234567"
    assert [one["included"] for one in document["fields"]] == [True, False]
    assert [row["included"] for row in fields] == ["True", "False"]
    assert [row["left_out"] for row in fields] == ["", "not_a_smear"]
    assert [row["critical"] for row in fields] == ["1", "0"]
    assert fields[0]["wbc_model"] == "wbc@01234567"
    assert [one["code"] for one in document["left_out"]] == ["not_a_smear"]


@pytest.mark.parametrize(
    ("held", "urgent"),
    [
        ({"critical": 1, "disagreement": True, "doubtful": 3}, "critical"),
        ({"critical": 0, "disagreement": True, "doubtful": 3}, "disagreement"),
        ({"critical": 0, "disagreement": False, "doubtful": 1}, "doubt"),
        ({"critical": 0, "disagreement": False, "doubtful": 0}, "routine"),
    ],
)
def test_priority_follows_what_a_person_must_do(held, urgent):
    assert judgement.priority(**held) == urgent
    assert urgent in judgement.PRIORITIES
