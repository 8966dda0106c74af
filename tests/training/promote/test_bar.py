"""What a site asks of a new model: better, or surely not worse with something gained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import beta

from core.statistics.paired import PairedDifference
from core.training.advice import before_start
from core.training.loop.settings import LoopSettings
from core.training.presets import recipe_info
from core.training.promote.bar import Bar, against_bar, gains, site_bar, worst_loss
from core.training.promote.evidence import OnOneSet

ASKS_LESS = Bar("not inferior", 0.05, "we need the new class")


def _own(items: int, lost: int, won: int, **more: Any) -> OnOneSet:
    paired = PairedDifference(items, lost, won, (won - lost) / items, 0.0, 0.0, 1.0)
    one = OnOneSet("ours", "", paired, 0.9, 0.9, {}, (0.0, 0.0))
    return replace(one, **more)


def test_a_few_cells_prove_nothing_and_many_do() -> None:
    """Agreeing in all of 25 cells leaves a loss of up to 13.7 % possible: 1 - 0.025^(1/25)."""
    few, many = _own(25, 0, 0), _own(300, 0, 0)
    assert worst_loss(few) == pytest.approx(1 - 0.025 ** (1 / 25))
    assert worst_loss(_own(200, 3, 8)) == pytest.approx(
        beta.ppf(0.975, 4, 197) - beta.ppf(0.025, 8, 193)
    )
    gained: dict[str, Any] = {
        "told_by_one": {"lgl": "challenger"},
        "recalls": {"lgl": (0.0, 1.0, 12)},
    }
    assert "may be worse by up to 13.7 points" in against_bar(replace(few, **gained), ASKS_LESS)[0]
    assert against_bar(replace(many, **gained), ASKS_LESS) == []


def test_without_a_gain_or_a_reason_it_does_not_pass() -> None:
    same = _own(300, 0, 0)
    assert ["gains nothing" in why for why in against_bar(same, ASKS_LESS)] == [True]
    assert gains(_own(300, 0, 1)) and gains(replace(same, asked=(0.2, 0.1)))
    told: dict[str, Any] = {"told_by_one": {"lgl": "challenger"}}
    assert not gains(replace(same, **told, recalls={"lgl": (0.0, 0.6, 10)}))
    assert gains(replace(same, **told, recalls={"lgl": (0.0, 0.9, 40)})) == ["Lgl: 36 of 40 found"]
    # A class that only the live model tells is no gain of the challenger.
    lost: dict[str, Any] = {"told_by_one": {"lgl": "champion"}, "recalls": {"lgl": (1.0, 0.0, 40)}}
    assert not gains(replace(same, **lost))
    assert "needs its reason" in against_bar(_own(300, 0, 1), replace(ASKS_LESS, reason=""))[0]


def test_the_usual_bar_asks_for_better(change_settings) -> None:
    assert "has not shown to be better" in against_bar(_own(300, 0, 3), site_bar())[0]
    change_settings(promotion_bar="not inferior", promotion_bar_reason="few cells here")
    assert against_bar(_own(300, 0, 3), site_bar()) == []
    assert "few cells here" in site_bar().words


def test_folds_are_named_before_a_training_with_few_test_cells() -> None:
    found = before_start(recipe_info("wbc"), LoopSettings(), {"blast": (100, 20, 12)})
    assert any("Cross-validation makes each of the 132 cells" in sentence for sentence in found)
