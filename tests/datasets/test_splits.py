import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.splits import grouped_split


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 5))
def test_every_item_once_and_no_group_divided(groups, seed):
    parts = grouped_split(groups, ["a"] * len(groups), (0.7, 0.2, 0.1), seed)
    assert sorted(i for part in parts for i in part) == list(range(len(groups)))
    sides = [{groups[i] for i in part} for part in parts]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_shares_hold_in_every_stratum():
    strata = ["x"] * 100 + ["y"] * 50
    parts = grouped_split(list(range(150)), strata, (0.7, 0.2, 0.1), seed=3)
    assert [sum(strata[i] == "x" for i in part) for part in parts] == [70, 20, 10]
    assert [sum(strata[i] == "y" for i in part) for part in parts] == [35, 10, 5]


def test_same_seed_same_split():
    args = (list(range(40)), ["a"] * 40, (0.5, 0.5))
    assert grouped_split(*args, seed=1) == grouped_split(*args, seed=1)
    assert grouped_split(*args, seed=1) != grouped_split(*args, seed=2)


@pytest.mark.parametrize(("strata", "shares"), [(["a"], (0.5, 0.5)), (["a", "a"], (0.5, 0.4))])
def test_what_cannot_be_split_is_refused(strata, shares):
    with pytest.raises(ValueError, match=r"groups for|sum to 1"):
        grouped_split([1, 2], strata, shares, seed=0)
