"""Paired comparison against values worked by hand from the binomial distribution."""

from __future__ import annotations

import numpy as np
import pytest

from core.statistics.paired import paired_accuracy


def _items(both, only_champion, only_challenger, neither):
    champion = [True] * (both + only_champion) + [False] * (only_challenger + neither)
    challenger = [True] * both + [False] * only_champion + [True] * only_challenger
    return np.array(champion), np.array(challenger + [False] * neither)


@pytest.mark.parametrize(
    ("only_champion", "only_challenger", "p"),
    [
        (2, 10, 2 * (1 + 12 + 66) / 2**12),
        (10, 2, 2 * (1 + 12 + 66) / 2**12),
        (0, 5, 2 / 2**5),
        (0, 0, 1.0),
        (4, 4, 1.0),
    ],
)
def test_mcnemar_exact(only_champion, only_challenger, p):
    found = paired_accuracy(*_items(50, only_champion, only_challenger, 7))
    assert found.p == pytest.approx(p)
    assert (found.only_champion, found.only_challenger) == (only_champion, only_challenger)
    n = 57 + only_champion + only_challenger
    assert found.difference == pytest.approx((only_challenger - only_champion) / n)
    assert found.low <= found.difference <= found.high


def test_equal_answers_leave_no_room():
    found = paired_accuracy(*_items(20, 0, 0, 5))
    assert (found.difference, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("sizes", [(0, 0), (3, 4)])
def test_other_items_are_refused(sizes):
    with pytest.raises(ValueError, match="same items twice"):
        paired_accuracy(np.ones(sizes[0], bool), np.ones(sizes[1], bool))
