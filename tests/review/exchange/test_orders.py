"""An order list becomes cases; what is wrong with a line is said, and stops no other."""

import pytest

from core.access.rights import NotAllowed
from core.review.case import cases
from core.review.exchange.orders import MOST, read_orders
from core.review.record.errors import CaseRefused

LIST = """\ufeffAccession;pseudonym;sex;age_years;indication;ward
A-1;P-1;F;54;fatigue;4
a-1;P-9;M;1;again;4
B-2;;male;;;
;P-3;F;3;;
C-3;P-4;F;old;;
D-4;P-5;robot;3;;
E-5;Anna Maria Huber;F;3;;
"""


def test_cases_are_made_of_the_lines(store, people):
    found = read_orders(store, people.technologist, LIST.encode())
    assert found.made == ("A-1", "B-2") and found.known == ("a-1",)
    assert [line.split(",")[0] for line in found.refused] == [
        "Line 5", "Line 6", "Line 7", "Line 8",
    ]  # fmt: skip
    assert "whole number, got 'old'" in found.refused[1]
    one = cases.find(store, people.viewer, "A-1")
    assert (one.pseudonym, one.sex, one.age_years, one.indication) == (
        "P-1",
        "female",
        54,
        "fatigue",
    )
    # The same list again makes nothing twice.
    again = read_orders(store, people.technologist, LIST.encode())
    assert again.made == () and again.known == ("A-1", "a-1", "B-2")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe\x00x", "UTF-8"),
        (b"name,age\nx,3\n", "column accession"),
        (b"", "column accession"),
        (b"accession\n" + b"X\n" * (MOST + 1), "at most"),
    ],
)
def test_what_is_no_list_is_refused(store, people, data, words):
    with pytest.raises(CaseRefused, match=words):
        read_orders(store, people.technologist, data)


def test_it_takes_the_right_to_upload(store, people):
    with pytest.raises(NotAllowed):
        read_orders(store, people.viewer, LIST.encode())
