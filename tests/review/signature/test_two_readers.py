"""Two readers' shares, with the limits of Rümke's table."""

import pytest

from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.signature import signing
from core.review.signature.two_readers import reader_shares


def test_limits_are_those_of_ruemkes_table(sqlite_store, people, make_case, change_settings):
    # 20 % of 100 cells: 12 to 29 in Rümke's table (CLSI H20-A2, Table 4).
    case = make_case(sqlite_store, ["lymphocyte"] * 20 + ["segmented_neutrophil"] * 80)
    for who, monocytes in ((people.pathologist, 0), (people.second, 12)):
        found = sorted(cells(sqlite_store, who, case.id), key=lambda cell: cell.id)
        labels = ["monocyte"] * monocytes + ["lymphocyte"] * (20 - monocytes)
        labels += ["segmented_neutrophil"] * 80
        given = [NewAnswer(c.id, label) for c, label in zip(found, labels, strict=True)]
        assert reader_shares(found) == []  # one reader alone
        answer(sqlite_store, who, case.id, given)
        signing.finish_reading(sqlite_store, who, case.id)
    rows = {row.label: row for row in reader_shares(cells(sqlite_store, people.viewer, case.id))}
    one = rows["lymphocyte"]
    assert (one.first, one.of_first, one.second, one.of_second) == (20, 100, 8, 100)
    low, high = 100 * one.limits.low, 100 * one.limits.high
    assert low == pytest.approx(12.67, abs=0.01) and high == pytest.approx(29.18, abs=0.01)
    assert not one.is_within
    assert rows["neutrophil"].is_within and rows["neutrophil"].first == 80
    assert rows["monocyte"].first == 0 and not rows["monocyte"].is_within


def _read_by_two(store, people, make_case, ones, twos):
    case = make_case(store, ["lymphocyte"] * len(ones))
    for who, labels in ((people.pathologist, ones), (people.second, twos)):
        found = sorted(cells(store, who, case.id), key=lambda cell: cell.id)
        given = [NewAnswer(c.id, label) for c, label in zip(found, labels, strict=True)]
        answer(store, who, case.id, given)
        signing.finish_reading(store, who, case.id)
    return cells(store, people.viewer, case.id)


def test_each_reader_counts_on_other_cells(sqlite_store, people, make_case):
    # The first calls the cells by turns; what the second says of the first's half does not count.
    ones = ["lymphocyte", "monocyte"] * 10
    twos = ["eosinophil", "lymphocyte"] * 9 + ["eosinophil", "monocyte"]
    white = _read_by_two(sqlite_store, people, make_case, ones, twos)
    rows = {row.label: row for row in reader_shares(white, apart=True)}
    assert set(rows) == {"lymphocyte", "monocyte"}
    one = rows["lymphocyte"]
    assert (one.first, one.of_first, one.second, one.of_second) == (10, 10, 9, 10)
    assert one.is_within


@pytest.mark.parametrize("turned", [False, True])
def test_who_is_called_the_first_changes_no_verdict(sqlite_store, people, make_case, turned):
    ones, twos = ["lymphocyte"] * 29 + ["monocyte"], ["lymphocyte"] * 30
    pair = (twos, ones) if turned else (ones, twos)
    rows = reader_shares(_read_by_two(sqlite_store, people, make_case, *pair))
    assert all(row.is_within for row in rows)
