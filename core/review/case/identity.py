"""Whether a pseudonym looks like a patient's name or date of birth, so that a person is asked."""

import re
from typing import Final

_DATE: Final = re.compile(r"\b(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2})\b")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


def looks_like_identity(text: str) -> str:
    """What a pseudonym looks like: ``a date of birth``, ``a name``; empty if like neither.

    A name is two words of letters, or one that begins with a capital and goes on in small ones.
    Codes (letters with digits, one word in one case) are neither.
    """
    if _DATE.search(text):
        return "a date of birth"
    words: list[str] = _WORD.findall(text)
    one_name = len(words) == 1 and words[0].istitle() and len(words[0]) > 2
    if len(words) > 1 or (one_name and not any(letter.isdigit() for letter in text)):
        return "a name"
    return ""
