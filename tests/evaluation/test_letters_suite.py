"""The figures of letters at a border: each picture counts once, and each laboratory for itself."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.evaluation.letters_suite import _INKS, evaluate_letters, lettered
from core.imaging.synthetic import draw


def test_figures_by_laboratory_and_together(tmp_path):
    for number, folder in enumerate(("cbc/Testing/Images", "chula_rbc12/images")):
        (tmp_path / folder).mkdir(parents=True)
        for place in range(7):
            field = draw(100 * number + place).field
            Image.fromarray(field.pixels).save(tmp_path / folder / f"{place}.jpg", quality=95)
    figures: Any = evaluate_letters(tmp_path)["letters"]
    assert figures["by_laboratory"].keys() == {"CBC", "Chula"}
    for one in (*figures["by_laboratory"].values(), figures["together"]):
        assert one["black_or_white_found"]["n"] + one["coloured_found"]["n"] == one["n"]
        assert one["called_lettered_as_it_is"]["rate"] == 0, "drawn fields have no letters"
        for rate in one.values():
            assert not isinstance(rate, dict) or rate["low"] <= rate["rate"] <= rate["high"]
    assert figures["together"]["n"] == 14
    assert figures["together"]["black_or_white_found"]["rate"] > 0
    assert evaluate_letters(tmp_path)["letters"] == figures, "drawn by a seed"


@pytest.mark.parametrize("ink", list(_INKS))
def test_the_line_stands_at_a_border_only(ink):
    picture = Image.fromarray(np.full((480, 640, 3), 200, np.uint8))
    for number in range(12):
        changed = np.abs(lettered(picture, ink, Random(number)).astype(int) - 200).max(axis=2) > 40
        assert changed.any()
        assert not changed[100:-100, 130:-130].any()


def test_without_a_set_it_is_said(tmp_path):
    found = CliRunner().invoke(app, ["evaluate", "letters", "--data", str(tmp_path)])
    assert found.exit_code == 2 and "none of the public sets" in found.output
    card = CliRunner().invoke(app, ["evaluate", "letters", "--write-card"])
    assert card.exit_code == 2 and "for models" in card.output
