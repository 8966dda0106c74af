import csv
import io
from dataclasses import replace

import pytest

from core.records import Cell, CellCounts, Estimate, Flag, SetsElsewhere, SmearFinding, WbcCall
from core.slide.foreign_laboratory import judge_laboratory, laboratory_of
from core.slide.tables import cells_csv


def call(*, unfamiliar=False, acquainted=False, flags=()):
    elsewhere = SetsElsewhere(
        probability=0.7,
        probabilities={"monocyte": 0.7, "lymphocyte": 0.3},
        prediction_set=("monocyte", "lymphocyte"),
        wide_set=("monocyte", "lymphocyte"),
        reported_as="monocyte",
        abstained=False,
    )
    return WbcCall(
        "monocyte",
        0.95,
        {"monocyte": 0.95, "lymphocyte": 0.05},
        ("monocyte",),
        abstained=bool(flags),
        model="m",
        flags=flags,
        unfamiliar=unfamiliar,
        acquainted=acquainted,
        elsewhere=None if unfamiliar else elsewhere,
    )


def finding(*calls, included=None):
    count = Estimate(len(calls), len(calls), len(calls))
    nothing = Estimate(0, 0, 0)
    return SmearFinding(
        file="a.png",
        width=640,
        height=480,
        method="locator",
        model="l",
        counting_rule="all_visible",
        counts=CellCounts(rbc=nothing, wbc=count, platelet=nothing),
        cells=tuple(Cell("wbc", (0, 0, 9, 9), 0.9, one) for one in calls),
        flags=(),
        included_by_person=included,
    )


def as_one_laboratory(findings):
    laboratory = laboratory_of(findings)
    return [laboratory.as_judged(one) for one in findings]


@pytest.mark.parametrize(
    ("cells", "unfamiliar", "word"),
    [
        (0, 0, "not judged"),
        (1, 1, "not judged"),
        (2, 2, "foreign"),
        (19, 1, "not judged"),
        (20, 1, "familiar"),
        (30, 8, "foreign"),
        # Home laboratories have about 6 %: 9 of 100 are within chance.
        (100, 9, "familiar"),
        # Significantly more than 6 %, and still less than a tenth.
        (5000, 400, "familiar"),
        (300, 45, "foreign"),
    ],
)
def test_a_laboratory_is_judged_over_all_its_cells(cells, unfamiliar, word):
    calls = [call(unfamiliar=place < unfamiliar) for place in range(cells)]
    judged = judge_laboratory(calls)
    assert (judged.word, judged.cells, judged.unfamiliar) == (word, cells, unfamiliar)


def test_cells_that_the_model_was_adapted_to_are_no_evidence_of_a_foreign_laboratory():
    calls = [call(unfamiliar=True, acquainted=True)] * 30
    assert judge_laboratory(calls).word == "familiar"


def test_fields_that_are_left_out_say_nothing_of_the_laboratory():
    foreign = finding(*[call(unfamiliar=True)] * 5, included=False)
    assert laboratory_of([foreign, finding(call())]).word == "not judged"


def test_in_a_foreign_laboratory_every_cell_follows_the_limits_for_unfamiliar_ones():
    known, unknown = call(), call(unfamiliar=True)
    fields = [finding(known), finding(unknown, unknown, unknown)]
    first, second = as_one_laboratory(fields)
    said = first.cells[0].wbc
    assert said is not None
    assert said.label == "monocyte"
    assert said.probability == 0.7
    assert said.prediction_set == ("monocyte", "lymphocyte")
    assert said.probabilities == {"monocyte": 0.7, "lymphocyte": 0.3}
    assert second == fields[1]
    # Judged again, nothing changes.
    assert as_one_laboratory([first, second]) == [first, second]


def test_in_a_familiar_laboratory_nothing_changes():
    fields = [finding(*[call()] * 19, call(unfamiliar=True))]
    assert as_one_laboratory(fields) == fields


@pytest.mark.parametrize("code", ["novel_cell", "cell_not_found"])
def test_what_has_no_class_at_home_has_none_elsewhere(code):
    flagged = call(flags=(Flag(code, "No cell."),))
    assert flagged.in_foreign_laboratory().abstained
    assert not call().in_foreign_laboratory().abstained


def test_the_sentence_says_how_many():
    assert judge_laboratory([]).sentence() == ""
    assert judge_laboratory([call()]).sentence().startswith("Laboratory not judged: no white cell")
    foreign = judge_laboratory([call(unfamiliar=True)] * 3 + [call()])
    assert "3 of 4 white cells look unlike" in foreign.sentence()
    assert replace(foreign, word="familiar").sentence().startswith("Familiar laboratory")


def test_the_classes_of_a_foreign_laboratory_carry_its_mark_until_it_is_known():
    foreign = [call(unfamiliar=True)] * 9
    mark = "not acquainted with this laboratory"
    assert judge_laboratory(foreign).class_mark == mark
    assert mark in judge_laboratory(foreign).sentence()
    assert judge_laboratory(foreign).as_json()["classes"] == mark
    for known in ([call()] * 30, [call()], [call(unfamiliar=True, acquainted=True)] * 30):
        assert judge_laboratory(known).class_mark == ""
    for calls, expected in ((foreign, mark), ([call()] * 30, "")):
        rows = list(csv.DictReader(io.StringIO(cells_csv([finding(*calls)]))))
        assert {row["laboratory"] for row in rows} == {expected}
