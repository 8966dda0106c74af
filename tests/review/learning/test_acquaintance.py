"""The guided first use: fields are read by a process of their own, and cells are named."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from core.access.people import Person
from core.access.rights import NotAllowed
from core.files import write_json
from core.imaging.synthetic import draw
from core.jobs import job
from core.review.case import cases
from core.review.learning.acquaintance import acquaintance as guided
from core.review.learning.acquaintance import acquaintance_worker
from core.review.reading.answers import NewAnswer, answer
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.settings import settings
from core.taxonomy import UNIDENTIFIED
from core.training.white_cells.adaptation.laboratory_cells import list_cells
from tests.fixtures.screens import HUNG_AFTER_S, opened, words

ME = Person("local user", "local", "local")
KINDS = ("lymphocyte", "eosinophil")


def _ended():
    """The job begun last, after its process has ended."""
    deadline = time.monotonic() + HUNG_AFTER_S
    while (found := _latest().job).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def _png(seed, *kinds):
    out = io.BytesIO()
    Image.fromarray(np.array(draw(seed, wbc=list(kinds)).field.pixels)).save(out, "PNG")
    return out.getvalue()


def _latest():
    one = guided.latest(review_store())
    assert one is not None
    return one


def _adapted(one, **outcome):
    """An adaptation to the cells of this one that ended so; making one is tested elsewhere."""
    folder = settings().var / "adaptation"
    task = {"data": str(one.job.folder / "named-1"), "per_class": 10, "deep": False}
    job.order(folder, task, ME.name).close()
    name = job.FAILURE if "message" in outcome else job.RESULT
    write_json(folder / name, outcome)


def test_from_fields_to_named_cells(own_var, change_settings):
    change_settings(blind_share=0.0)
    store = review_store()
    files = [(f"{n}.png", _png(40 + n, *KINDS * 6)) for n in range(3)]
    files.append(("notes.txt", b"no picture"))
    guided.start(store, ME, files)
    assert _ended().state == "done", _latest().job.message
    one = _latest()
    # What was sent is gone, what was read is in the case.
    assert not list((one.job.folder / "sent").iterdir())
    assert [row["file"] for row in one.refused] == ["notes.txt"]
    assert len(cases.case_pictures_of(store, ME, one.case_id)) == 3
    chosen = guided.cells_to_name(store, ME, one)
    assert len(chosen) > 20 and [cell.id for cell in chosen] == list(one.cells)
    app = opened("acquaintance")
    assert "3 fields read on" in words(app) and "Not used: notes.txt" in words(app)
    assert "2 How foreign they look" in words(app)
    assert "Adapting takes at least twenty" in words(app)
    with pytest.raises(CaseRefused, match="at least twenty named cells"):
        guided.write_named(store, ME, one)
    given = [NewAnswer(cell.id, KINDS[i % 2], 0, 1.0) for i, cell in enumerate(chosen[1:])]
    answer(store, ME, one.case_id, [*given, NewAnswer(chosen[0].id, UNIDENTIFIED, 0, 1.0)])
    chosen = guided.cells_to_name(store, ME, one)
    assert guided.offer_of(chosen).cells == len(given)
    listed = list_cells(guided.write_named(store, ME, one)).cells
    assert {cell.path.stem: cell.label for cell in listed} == {
        f"cell{one.cell_id}": one.label for one in given
    }
    # More fields for the same: what was named stays. Begun here instead of in another process.
    folder = one.job.folder.with_name("more")
    (folder / "sent").mkdir(parents=True)
    (folder / "sent" / "000").write_bytes(_png(61, *KINDS))
    task = one.job.task_as(guided.AcquaintanceTask)
    task["sent"] = [{"file": "sent/000", "name": "1.png"}]
    task["earlier"] = list(one.cells)
    with job.order(folder, task, ME.name):
        acquaintance_worker.work(folder)
    more = _latest()
    assert set(more.cells[: len(chosen)]) == {cell.id for cell in chosen}
    assert len(more.cells) > len(chosen)
    # Begun again after it was lost: the files are gone, the pictures are kept already.
    with job.order(folder, task, ME.name):
        acquaintance_worker.work(folder)
    assert _latest().cells == more.cells
    _adapted(
        more, message="adapting to these 27 cells gains nothing: 90.0% are right", stopped=False
    )
    assert "Not adapted: adapting to these 27 cells gains nothing: 90.0%" in words(
        opened("acquaintance")
    )
    gain = {"before": 0.9, "after": 0.967, "value": 0.067, "low": 0.0, "high": 0.167, "n": 27}
    made = {"model": "wbc-adapted@1", "file": "x", "cells": {"eosinophil": 2}, "left_for_test": 3}
    _adapted(more, **made, skipped=[], run=None, deep=False, gain=gain)
    app = opened("acquaintance")
    assert [m.value for m in app.metric] == ["90.0%", "96.7%", "+6.7"]
    assert "Balanced accuracy on 27 of your cells" in words(app)


def test_what_cannot_be_begun_is_said(own_var, people):
    store = review_store()
    assert guided.latest(store) is None
    with pytest.raises(CaseRefused, match="no field was sent"):
        guided.start(store, ME, [])
    with pytest.raises(CaseRefused, match="101 files were sent, at most 100"):
        guided.start(store, ME, [("a.png", b"")] * 101)
    for who in (people.viewer, people.pathologist, people.trainer):
        with pytest.raises(NotAllowed):
            guided.start(store, who, [("a.png", b"a")])
    assert guided.latest(store) is None
    assert "1 Your fields" in words(opened("acquaintance"))
