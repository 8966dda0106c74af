"""What palm answers are worth among people, worked by hand, and the files with the answers."""

import csv
import io
import json
from typing import Any

import pytest

from core.records import Flag, PalmCall
from core.slide.palm_tables import calls_csv, calls_json
from core.slide.palm_worth import worth


def rate(value, low, high):
    return {"value": value, "low": low, "high": high, "n": 100}


def decisions(suspected, cleared) -> Any:
    """Rates of the card; each argument is a rate of the anemic and one of the others."""
    rows = {"anemia_suspected": suspected, "not_suspected": cleared}
    return {name: {"of_anemic": row[0], "of_others": row[1]} for name, row in rows.items()}


DECISIONS = decisions(
    (rate(0.6, 0.4, 0.8), rate(0.1, 0.05, 0.2)), (rate(0.1, 0.02, 0.3), rate(0.5, 0.3, 0.9))
)


def test_of_a_thousand_people_the_rates_say_how_many_get_each_answer():
    expected = worth(DECISIONS, 0.25).expected
    assert (expected.suspected_anemic, expected.suspected_other) == pytest.approx((150, 75))
    assert (expected.cleared_anemic, expected.cleared_other) == pytest.approx((25, 375))
    assert expected.positive_predictive_value == pytest.approx(150 / 225)
    assert expected.negative_predictive_value == pytest.approx(375 / 400)


def test_worst_and_best_take_every_rate_at_its_end():
    found = worth(DECISIONS, 0.25)
    assert found.worst.suspected_anemic == pytest.approx(250 * 0.4)
    assert found.worst.suspected_other == pytest.approx(750 * 0.2)
    assert found.worst.cleared_anemic == pytest.approx(250 * 0.3)
    assert found.worst.cleared_other == pytest.approx(750 * 0.3)
    assert found.best.suspected_anemic == pytest.approx(250 * 0.8)
    assert found.best.cleared_anemic == pytest.approx(250 * 0.02)
    # 0.05 suspected and 0.9 cleared of the others: the rest is referred.
    assert found.best.referred_other == pytest.approx(750 * 0.05)


def test_nobody_is_suspected_and_cleared_at_once():
    crossing = decisions(
        (rate(0.6, 0.5, 0.9), rate(0.4, 0.3, 0.7)), (rate(0.3, 0.2, 0.6), rate(0.5, 0.4, 0.8))
    )
    found = worth(crossing, 0.5)
    for people in (found.worst, found.best):
        assert people.suspected_anemic + people.cleared_anemic <= 500 + 1e-9
        assert people.suspected_other + people.cleared_other <= 500 + 1e-9


CALLS = (
    PalmCall("=1+1.png", 0.42, 0.2, 0.7, "refer", (Flag("dark", "Dark."), Flag("blur", "B.")), "m"),
    PalmCall("b.png", 0.91, 0.8, 0.97, "anemia_suspected", (), "m"),
)


def test_the_table_has_a_line_for_each_palm_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(calls_csv(CALLS))))
    assert [row["file"] for row in rows] == ["'=1+1.png", "b.png"]
    assert [row["flags"] for row in rows] == ["dark blur", ""]
    assert rows[1]["decision"] == "anemia_suspected"
    assert rows[0]["note"]


def test_the_json_is_what_the_command_prints():
    assert json.loads(calls_json(CALLS)) == [call.as_json() for call in CALLS]
