"""Slides stay whole; a shape that one slide shows is divided and named."""

import numpy as np

from core.training.red_cells.folds import folds_of, slides_of


def test_a_jump_of_the_numbers_begins_another_slide():
    numbers = np.array([1, 3, 8, 20, 21, 3])
    assert slides_of(numbers).tolist() == [0, 0, 0, 1, 1, 0]


def test_no_slide_is_on_two_sides():
    rng = np.random.default_rng(0)
    numbers = np.sort(rng.integers(0, 2000, 300)) * 3
    labels = rng.choice(["normal", "teardrop", "burr_cell"], 300)
    folds = folds_of(numbers.tolist(), labels.tolist(), 4)
    slides = slides_of(numbers)
    assert folds.one_slide == ()
    for slide in np.unique(slides):
        assert len(np.unique(folds.fold_of[slides == slide])) == 1
    sizes = np.bincount(folds.fold_of, minlength=4)
    assert sizes.min() > 0.5 * sizes.mean()


def test_a_shape_of_one_slide_is_divided_with_a_margin_and_named():
    numbers = [*range(10, 30), *range(100, 120), *range(200, 220)]
    labels = ["normal"] * 40 + ["elliptocyte"] * 20
    folds = folds_of(numbers, labels, 2)
    assert folds.one_slide == ("elliptocyte",)
    kept = {k: {n for n, f in zip(numbers, folds.fold_of, strict=True) if f == k and n >= 200}
            for k in (0, 1)}  # fmt: skip
    assert kept[0] and kept[1]
    assert min(abs(a - b) for a in kept[0] for b in kept[1]) > 3
    assert (folds.fold_of == -1).sum() == 3
