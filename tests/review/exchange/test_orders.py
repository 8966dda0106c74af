"""An order list becomes cases; what is wrong with a line is said, and stops no other."""

import pytest
from sqlalchemy import select

from core.access.rights import NotAllowed
from core.review.case import cases
from core.review.exchange.orders import MAX_BYTES, MOST, read_folder, read_orders
from core.review.record.errors import CaseRefused
from core.store.review_schema import ledger

LIST = """\ufeffAccession;pseudonym;sex;age_years;indication;ward
A-1;P-1;F;54;fatigue;4
a-1;P-9;M;1;again;4
B-2;;male;;;
;P-3;F;3;;
C-3;P-4;F;old;;
D-4;P-5;robot;3;;
E-5;Anna Maria Huber;F;3;;
"""


def test_a_file_that_is_no_list_is_not_read(store, people):
    with pytest.raises(CaseRefused, match="at most 10 MB"):
        read_orders(store, people.technologist, b"accession\n" + b"x" * MAX_BYTES)


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


def message(control="NW", accession="H-7", kind="ORM^O01", born="19700630", sent="20260629"):
    return "\r".join(
        [
            f"MSH|^~\\&|LIS|LAB|HEMADESK||{sent}1200||{kind}|17|P|2.5.1",
            f"PID|1||P-77^^^LAB~4711||Huber^Anna||{born}|F|||Main Street 5",
            f"ORC|{control}|PL-1",
            f"OBR|1|PL-1|{accession}|58410-2^CBC^LN|||||||||fever \\T\\ bleeding",
        ]
    )


def test_hl7_orders_become_cases_without_a_name_or_a_birthday(store, people):
    data = "\x0b" + "\x1c\r\x0b".join(
        [
            message(),
            message(accession="", kind="OML^O21^OML_O21", born="20270101"),
            message("CA", "H-9"),
            message(kind="ADT^A01"),
        ]
    )
    found = read_orders(store, people.technologist, data.encode())
    assert found.made == ("H-7", "PL-1")
    assert found.refused == (
        "Message 3, H-9: its order control is CA; only NW, a new order, is taken.",
        "Message 4, no accession: it is ADT^A01; orders are ORM^O01 or OML^O21.",
    )
    one = cases.find(store, people.viewer, "H-7")
    # Born on 30 June 1970, ordered on 29 June 2026: not 56 yet.
    assert (one.pseudonym, one.sex, one.age_years) == ("P-77", "female", 55)
    assert one.indication == "fever & bleeding"
    assert cases.find(store, people.viewer, "PL-1").age_years is None
    with store.database.read() as connection:
        rows = str(connection.execute(select(ledger.c.changes)).all())
    assert "Huber" not in rows and "1970" not in rows and "Main Street" not in rows
    assert read_orders(store, people.technologist, message().encode()).known == ("H-7",)


def test_hl7_has_its_own_delimiters_and_character_set(sqlite_store, people):
    odd = message().replace("|", "$").replace("^", "@").replace("~", "%")
    odd = odd.replace("fever \\T\\ bleeding", "M\u00fcdigkeit").replace(
        "2.5.1", "2.5.1$$$$$$8859/1"
    )
    found = read_orders(sqlite_store, people.technologist, odd.replace("$", "|").encode("latin-1"))
    assert found.made == ("H-7",)
    assert cases.find(sqlite_store, people.viewer, "H-7").indication == "M\u00fcdigkeit"
    again = odd.replace("H-7", "H-8").replace("M\u00fcdigkeit", "x")
    assert read_orders(sqlite_store, people.technologist, again.encode()).made == ("H-8",)
    with pytest.raises(CaseRefused, match="8859/1 where MSH-18"):
        read_orders(sqlite_store, people.technologist, message().encode() + b"\xff")


def test_a_folder_is_emptied_and_nothing_is_lost(sqlite_store, people, tmp_path):
    drop = tmp_path / "drop"
    (drop / "done").mkdir(parents=True)
    (drop / "done" / "a.hl7").write_text("of yesterday")
    (drop / "a.hl7").write_text(message())
    (drop / "b.csv").write_text("accession,age_years\nB-1,3\nB-2,old\n")
    (drop / "c.csv").write_text("name\nx\n")
    (drop / "d.tmp").write_text(message(accession="H-10"))
    found = read_folder(sqlite_store, people.technologist, drop)
    assert [(one.name, one.orders and one.orders.made) for one in found] == [
        ("a.hl7", ("H-7",)), ("b.csv", ("B-1",)), ("c.csv", None),
    ]  # fmt: skip
    left = sorted(str(path.relative_to(drop)) for path in drop.rglob("*.*"))
    assert left == ["d.tmp", "done/a-2.hl7", "done/a.hl7", "refused/b.csv", "refused/c.csv"]
    assert read_folder(sqlite_store, people.technologist, drop) == []
