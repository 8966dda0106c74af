"""An earlier version leaves as it was signed, whatever was changed since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.review.exchange.case_tables import case_csv
from core.review.exchange.contents import gather
from core.review.exchange.report import case_report
from core.review.exchange.signed_contents import gather_signed
from core.review.reading import boxes, cells, remarks
from core.review.reading.answers import NewAnswer, answer
from core.review.record.errors import CaseRefused
from core.review.signature import signing
from core.settings import Settings


def test_the_report_of_an_amended_version_is_the_same_to_the_byte(case_store, signed_case, reader):
    before = case_report(gather(case_store, reader, signed_case.id), Settings())
    assert case_report(gather_signed(case_store, reader, signed_case.id, 1), Settings()) == before

    signing.amend(case_store, reader, signed_case.id, "a cell was missed")
    found = cells.cells(case_store, reader, signed_case.id)
    assert found[0].answer is not None
    changed = NewAnswer(found[0].id, "monocyte", found[0].answer.revision)
    answer(case_store, reader, signed_case.id, [changed])
    boxes.add_box(case_store, reader, signed_case.id, found[0].picture_id, "wbc", (1, 1, 30, 30))
    red = cells.cells(case_store, reader, signed_case.id, kind="rbc")[0]
    boxes.change_box(case_store, reader, signed_case.id, red.id, red.revision, deleted=True)
    remarks.remark(case_store, reader, signed_case.id, "one more was found")
    signing.sign(case_store, reader, signed_case.id, "one was not called")

    assert case_report(gather_signed(case_store, reader, signed_case.id, 1), Settings()) == before
    now = case_report(gather(case_store, reader, signed_case.id), Settings())
    assert now != before
    assert case_report(gather_signed(case_store, reader, signed_case.id, 2), Settings()) == now
    with pytest.raises(CaseRefused, match="not signed as version 3"):
        gather_signed(case_store, reader, signed_case.id, 3)


def test_the_table_of_cells_is_the_same_but_for_who_answered(case_store, signed_case, reader):
    """A snapshot names readers by what the sign-in knows them by."""
    first = gather(case_store, reader, signed_case.id)
    again = gather_signed(case_store, reader, signed_case.id, 1)
    assert [c.id for c in again.cells] == [c.id for c in first.cells]
    assert [(c.label, c.call, c.box_xyxy_px) for c in again.cells] == [
        (c.label, c.call, c.box_xyxy_px) for c in first.cells
    ]
    assert again.standing == first.standing
    assert again.ledger == first.ledger
    assert replace(again.case, reading=first.case.reading, revision=0) == replace(
        first.case, revision=0
    )
    assert len(case_csv(again).splitlines()) == len(case_csv(first).splitlines())
