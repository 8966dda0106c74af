"""What the network made of cells is kept beside their picture, and goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from core.models import registry
from core.review.case.cases import case_pictures_of
from core.review.learning import cell_features, queue
from core.review.learning.cell_features import SeenCell, keep_features, look
from core.review.reading.cells import cells
from core.review.record import feature_files
from core.review.retention import erasing


@pytest.fixture
def seen(sqlite_store, people, make_case):
    """Store, case, its picture and its three cells, as nobody has looked at them yet."""
    case = make_case(sqlite_store)
    (picture,) = case_pictures_of(sqlite_store, people.viewer, case.id)
    found = cells(sqlite_store, people.viewer, case.id)
    return sqlite_store, case, picture, [SeenCell(c.id, picture, c.box_xyxy_px) for c in found]


def _forget():
    cell_features._cache.clear()


def test_a_kept_cell_is_read_and_not_computed(seen):
    store, _, picture, listed = seen
    _forget()
    keep_features(store, picture)
    model = registry.live("wbc").identity
    kept = feature_files.stored_answers(store, picture.sha256, model)
    assert set(kept) == {cell.box_xyxy_px for cell in listed}
    before = look(store, listed)
    _forget()
    again = look(store, listed)
    assert np.array_equal(before.features, again.features)
    assert np.array_equal(before.probabilities, again.probabilities)
    # What stands in the file is what is shown: so it was read.
    box = listed[0].box_xyxy_px
    features, logits = kept[box]
    feature_files.keep_answers(store, picture.sha256, model, {box: (features[::-1], logits[::-1])})
    _forget()
    assert not np.allclose(look(store, listed).features[0], before.features[0])
    _forget()


def test_the_queue_ranks_every_kept_cell_and_only_shortlists_the_others(seen, people, monkeypatch):
    store, case, picture, listed = seen
    monkeypatch.setattr(queue, "LOOKED_AT_LEAST", 1)
    monkeypatch.setattr(queue, "LOOKED_AT_EACH", 0)
    looked: list[int] = []

    def counted(given, cells):
        looked.append(len(cells))
        return look(given, cells)

    monkeypatch.setattr(queue, "look", counted)
    _forget()
    feature_files.remove_answers(store, picture.sha256)
    assert cell_features.are_kept(store, listed) == [False] * len(listed)
    queue.next_cells(store, people.viewer, case_id=case.id)
    look(store, listed)
    assert cell_features.are_kept(store, listed) == [True] * len(listed)
    queue.next_cells(store, people.viewer, case_id=case.id)
    assert looked == [1, len(listed)]
    _forget()


def test_a_file_of_another_network_or_a_damaged_one_is_none(seen):
    store, _, picture, listed = seen
    _forget()
    expected = look(store, listed)
    model = registry.live("wbc").identity
    assert feature_files.stored_answers(store, picture.sha256, "wbc@00000000") == {}
    path = feature_files._path(store, picture.sha256)
    whole = path.read_bytes()
    for damaged in (b"", b"no archive", whole[:200], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        _forget()
        assert np.array_equal(look(store, listed).features, expected.features)
        assert len(feature_files.stored_answers(store, picture.sha256, model)) == 3
    _forget()


def test_what_is_kept_goes_where_the_case_is_erased(seen, people):
    store, case, picture, _ = seen
    keep_features(store, picture)
    assert feature_files._path(store, picture.sha256).is_file()
    erasing.erase(store, people.administrator, [case.id], "asked for")
    assert not feature_files._path(store, picture.sha256).exists()
