"""A palm photo's quality at one look: three lights, and why to take the photo again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from core.records import Flag

Shine = Literal["good", "doubtful", "bad"]

_OF: Final = {
    "Sharpness": ("out_of_focus",),
    "Light": ("glare", "too_dark", "too_bright"),
    "Colour": ("coloured_light", "colour_cast", "uncalibrated_colour"),
}
_BECAUSE: Final = {
    "out_of_focus": "it is out of focus",
    "glare": "part of the palm shines white",
    "too_dark": "it is too dark",
    "too_bright": "it is too bright",
    "coloured_light": "the light is coloured",
}
"""Flags that take the verdict away, in the order in which they are said."""
_DOUBT: Final = {
    "colour_cast": "the light has a colour",
    "uncalibrated_colour": "no white paper was tapped",
}


@dataclass(frozen=True)
class Light:
    """One of the three; ``words`` says why it is not good, "" where it is."""

    name: str
    shine: Shine
    words: str


def lights(flags: Iterable[Flag]) -> tuple[Light, Light, Light]:
    """Sharpness, light and colour, from the flags of the photo's quality."""
    raised = {flag.code for flag in flags}
    found = []
    for name, codes in _OF.items():
        bad = [_BECAUSE[code] for code in codes if code in raised and code in _BECAUSE]
        doubts = [_DOUBT[code] for code in codes if code in raised and code in _DOUBT]
        shine: Shine = "bad" if bad else "doubtful" if doubts else "good"
        found.append(Light(name, shine, ", ".join(bad or doubts)))
    sharpness, light, colour = found
    return sharpness, light, colour


def retake(flags: Iterable[Flag]) -> str:
    """``Retake, because it is out of focus and it is too dark.``; "" where that is not needed."""
    raised = {flag.code for flag in flags}
    reasons = [words for code, words in _BECAUSE.items() if code in raised]
    return f"Retake, because {' and '.join(reasons)}." if reasons else ""
