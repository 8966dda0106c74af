"""What is said before a training starts, and that the numbers in it are those of the gate."""

from dataclasses import replace

import pytest
from statsmodels.stats.contingency_tables import mcnemar

from core.training.advice import ERRORS_NEEDED, before_start
from core.training.presets import recipe_info
from core.training.promote.bar import LEVEL

INFO = recipe_info("wbc")
LOOP = INFO.preset("fine-tune").settings
ENOUGH = {"monocyte": (100, 20, 40), "lymphocyte": (100, 20, 40)}


def test_nothing_is_said_of_what_will_do():
    assert before_start(INFO, LOOP, ENOUGH) == []
    assert before_start(INFO, LOOP, None) == []
    for name in ("wbc", "locator", "counts", "palm"):
        for preset in recipe_info(name).presets:
            assert before_start(recipe_info(name), preset.settings, None) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"warmup_steps": 500}, "never reaches 0.0002"),
        ({"learning_rate": 0.5}, "the loss will probably grow"),
        ({"batch_size": 300}, "larger than the training part (200 pictures)"),
    ],
)
def test_settings_that_cannot_lead_far(changes, words):
    (sentence,) = [
        one for one in before_start(INFO, replace(LOOP, **changes), ENOUGH) if words in one
    ]
    assert sentence.endswith(".")


def test_a_class_with_three_pictures_is_named():
    said = " ".join(before_start(INFO, LOOP, {**ENOUGH, "basophil": (2, 1, 0)}))
    assert "basophil 2" in said and "basophil 1" in said and "monocyte" not in said


def test_a_test_part_on_which_no_challenger_can_win_is_said():
    (said,) = before_start(INFO, LOOP, {"monocyte": (100, 20, 15), "lymphocyte": (100, 20, 10)})
    assert "25 cells" in said and "right in less than 76 %" in said
    (said,) = before_start(INFO, LOOP, {"monocyte": (100, 20, 3)})
    assert "no model can be shown" in said


def test_six_of_six_is_what_the_gate_needs():
    for errors in (ERRORS_NEEDED - 1, ERRORS_NEEDED):
        p = mcnemar([[10, 0], [errors, 0]], exact=True).pvalue
        assert bool(p < LEVEL) is (errors >= ERRORS_NEEDED)
