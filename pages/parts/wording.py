"""Words and numbers as the screens say them."""

import math
import re

from core.records import Estimate
from core.taxonomy import CellKind, title

SHORT: dict[CellKind, str] = {"rbc": "RBC", "wbc": "WBC", "platelet": "Platelets"}

_NOTHING = ":small[]"
"""An empty piece of Streamlit's Markdown: it parts the shortcuts that its text replaces."""


def plain(text: str) -> str:
    """Somebody else's words (a file name) as Markdown that shows exactly them.

    Backslashes switch Markdown and mathematics off. Shortcodes such as ``:red[x]``, arrows and
    addresses are recognised after that, so an empty piece goes between their characters: nothing
    of it is in the text that a person copies.
    """
    one_line = " ".join(text.split())
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$&:=@/\"'])", r"\\\1", one_line)
    return re.sub(r"(\\[.:@\-<>=/~])", rf"{_NOTHING}\1{_NOTHING}", escaped)


def number(estimate: Estimate) -> str:
    """``23``: a count is never shown with decimals."""
    return f"{round(estimate.value)}"


def interval(estimate: Estimate) -> str:
    """``20 to 26``."""
    return f"{round(estimate.low)} to {round(estimate.high)}"


def count_sentence(kind: CellKind, estimate: Estimate) -> str:
    """``RBC 23 per field (20 to 26)``."""
    return f"{SHORT[kind]} {number(estimate)} per field ({interval(estimate)})"


def percent(share: float) -> str:
    """``58 %``; a share that rounds to nothing or everything, but is not, says so."""
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{round(100 * share)} %"


def several(n: int, one: str, more: str | None = None) -> str:
    """``1 field``, ``12 fields``."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def set_words(labels: tuple[str, ...]) -> str:
    """``Monocyte or lymphocyte``: the classes that cannot be told apart."""
    words = [title(label) for label in labels]
    return " or ".join([words[0], *(word.lower() for word in words[1:])])


def flag_badge(word: str) -> str:
    """Markdown for the word in its colour."""
    return f":red-badge[{word}]" if word == "critical" else f":orange-badge[{word}]"


def lasted(seconds: float) -> str:
    """``12 s``, ``3 min 5 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def time_left(seconds: float | None) -> str:
    """``about 2 minutes left``; rounded, since it is a guess."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 8:
        return "a few seconds left"
    if seconds < 90:
        return f"about {max(10, 10 * round(seconds / 10))} seconds left"
    return f"about {several(round(seconds / 60), 'minute')} left"


def rounded(value: float) -> str:
    """Two figures are all that a smear gives: ``180,000``, ``4.3``."""
    if value < 100:
        return f"{value:.1f}"
    step = 10 ** (math.floor(math.log10(value)) - 1)
    return f"{round(value / step) * step:,}"
