import pytest

from core.inference.platelet_clumps import largest_clump


def at(*middles):
    return [(x - 5.0, y - 5.0, x + 5.0, y + 5.0) for x, y in middles]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], 0),
        (at((10, 10)), 1),
        (at((10, 10), (100, 10), (10, 100)), 1),
        # A chain: each touches the next, the ends lie far apart.
        (at((10, 10), (20, 10), (30, 10), (40, 12)), 4),
        # A gap of a quarter of a side still touches, a wider one does not.
        (at((10, 10), (22.5, 10)), 2),
        (at((10, 10), (22.6, 10)), 1),
        # Two groups: the larger one counts.
        (at((10, 10), (18, 10), (100, 10), (108, 10), (104, 18)), 3),
    ],
)
def test_platelets_that_touch_are_one_clump(boxes, expected):
    assert largest_clump(boxes) == expected
