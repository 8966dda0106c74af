import numpy as np
import pytest

from core.inference.white_cell.hierarchy import (
    CHILDREN,
    classes_above,
    critical_limit,
    critical_probability,
    reported_as,
)


def test_the_tree_is_the_taxonomy():
    assert CHILDREN["neutrophil"] == ("segmented_neutrophil", "band_neutrophil")
    assert CHILDREN["granulocyte_precursor"] == ("immature_granulocyte",)


@pytest.mark.parametrize(
    ("label", "shown", "expected"),
    [
        ("band_neutrophil", ("band_neutrophil", "segmented_neutrophil"), "neutrophil"),
        ("band_neutrophil", ("band_neutrophil",), "band_neutrophil"),
        ("band_neutrophil", ("band_neutrophil", "immature_granulocyte"), "band_neutrophil"),
        ("monocyte", ("monocyte", "lymphocyte"), "monocyte"),
        ("monocyte", ("band_neutrophil", "segmented_neutrophil"), "monocyte"),
        ("monocyte", (), "monocyte"),
    ],
)
def test_backing_off_needs_siblings_only(label, shown, expected):
    assert reported_as(label, shown) == expected


def test_a_raw_set_may_be_empty_and_is_ordered():
    row = np.array([0.1, 0.6, 0.3])
    assert classes_above(row, 0.25).tolist() == [1, 2]
    assert classes_above(row, 0.9).tolist() == []


def test_critical_probability_adds_all_critical_classes():
    said = {"blast": 0.2, "immature_granulocyte": 0.15, "band_neutrophil": 0.65}
    assert critical_probability(said) == pytest.approx(0.35)


def test_the_critical_limit_misses_no_more_than_allowed():
    rng = np.random.default_rng(0)
    share, truth = rng.random(1000), rng.random(1000) < 0.3
    for sensitivity in (0.9, 0.99, 1.0):
        limit = critical_limit(share, truth, sensitivity)
        caught = (share[truth] >= limit).mean()
        assert caught >= sensitivity
        # The next larger limit would already miss too many.
        larger = np.min(share[truth][share[truth] > limit])
        assert (share[truth] >= larger).mean() < sensitivity


def test_the_critical_limit_needs_critical_cells():
    with pytest.raises(ValueError, match="needs critical cells"):
        critical_limit(np.array([0.1]), np.array([False]))
