"""Beside each figure stands how it is made, how good it is, and when not to trust it."""

from __future__ import annotations

from typing import Any

import pytest

from core.models import registry
from pages.parts import meaning
from tests.fixtures.paths import ROOT


@pytest.mark.parametrize("figure", meaning.MEANINGS)
def test_a_figure_says_how_it_is_made_how_good_and_when_not_to_trust_it(figure):
    words = meaning.words(figure)
    for part in ("How it is made", "How good", "When not to trust it", "a qualified person"):
        assert part in words
    assert "not measured" not in words and "there is no model" not in words


def test_how_good_is_what_the_card_says():
    evaluation: Any = registry.live("wbc").card.evaluation
    measured = evaluation["other_laboratory"]["accuracy"]
    said = f"{100 * measured['value']:.0f} % ({100 * measured['low']:.0f} to"
    assert said in meaning.words("class").replace("\\", "")
    assert f"{measured['n']:,} cells" in meaning.words("class").replace("\\", "")


@pytest.mark.parametrize("figure", meaning.MEANINGS)
def test_every_meaning_is_drawn_somewhere(figure):
    drawn = [
        file
        for file in (ROOT / "pages").rglob("*.py")
        if f'meaning.draw("{figure}")' in file.read_text()
    ]
    assert len(drawn) == 1
