"""Three lights of a palm photo, and why it is taken again."""

import pytest

from core.imaging.palm_quality import MESSAGES, SPOILS_THE_COLOUR
from core.inference.palm.screening import can_be_judged
from core.records import Flag
from core.slide.palm_lights import lights, retake


def flags(*codes):
    return [Flag(code, MESSAGES[code]) for code in codes]


def test_a_good_photo_with_a_paper_has_three_good_lights():
    assert [light.shine for light in lights([])] == ["good", "good", "good"]
    assert retake([]) == ""


@pytest.mark.parametrize("code", MESSAGES)
def test_a_photo_is_taken_again_exactly_where_no_verdict_is_given(code):
    found = lights(flags(code))
    assert (retake(flags(code)) == "") == can_be_judged(flags(code))
    assert [light.shine for light in found].count("good") == 2, "each flag is one light's"
    bad = any(light.shine == "bad" for light in found)
    assert bad == (code in SPOILS_THE_COLOUR | {"out_of_focus"})


def test_the_worst_is_said_and_every_reason_is_named():
    both = flags("out_of_focus", "too_dark", "colour_cast", "uncalibrated_colour")
    sharpness, light, colour = lights(both)
    assert (sharpness.shine, light.shine, colour.shine) == ("bad", "bad", "doubtful")
    assert colour.words == "the light has a colour, no white paper was tapped"
    assert retake(both) == "Retake, because it is out of focus and it is too dark."
