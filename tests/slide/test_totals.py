"""Totals and order of fields; expected numbers worked by hand."""

import pytest

from core.records import Cell, CellCounts, Estimate, Flag, SmearFinding, WbcCall
from core.slide.tables import findings_csv
from core.slide.totals import totals, worst_first


def finding(name, rbc=20, flags=(), unsure=False, reach=2):
    call = WbcCall("monocyte", 0.5, {"monocyte": 0.5}, ("monocyte",), unsure, "wbc@0")
    counts = CellCounts(
        Estimate(rbc, rbc - reach, rbc + reach), Estimate(1, 1, 1), Estimate(0, 0, 1)
    )
    return SmearFinding(
        file=name,
        width=640,
        height=480,
        method="locator",
        model="locator@0",
        counting_rule="all_visible",
        counts=counts,
        cells=(Cell("wbc", (10, 10, 90, 90), 0.9, call),),
        flags=tuple(Flag(code, code) for code in flags),
    )


def test_totals_of_three_fields():
    rbc, wbc, platelet = totals([finding("a", 18), finding("b", 23), finding("c", 22)])
    assert (rbc.cells, rbc.mean, rbc.lowest, rbc.highest) == (63, 21.0, 18, 23)
    assert (wbc.cells, wbc.mean) == (3, 1.0)
    assert platelet.cells == 0


def test_no_fields_have_no_totals():
    assert totals([]) == ()


def test_the_field_that_needs_a_person_most_comes_first():
    fields = [
        finding("fine"),
        finding("wide", reach=6),
        finding("unsure", unsure=True),
        finding("cut", flags=["wbc_at_edge"]),
        finding("cat", flags=["not_a_smear"]),
        finding("blast", flags=["critical_cell"]),
    ]
    names = [fields[place].file for place in worst_first(fields)]
    assert names == ["blast", "cat", "cut", "unsure", "wide", "fine"]


@pytest.mark.parametrize("name", ["=1+1.png", "+a.png", "-a.png", "@a.png"])
def test_a_file_name_is_no_formula(name):
    assert findings_csv([finding(name)]).splitlines()[1].startswith("'" + name)
