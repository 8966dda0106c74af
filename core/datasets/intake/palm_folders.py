"""Palms in a folder for each answer: ``anemic/`` and ``non_anemic/``, persons below them."""

import re
from typing import Final

from core.datasets.intake.matching import GENERIC
from core.datasets.intake.split.part_names import part_of_name
from core.datasets.intake.tree import folders_of

_PREFIX: Final = re.compile(r"^(?:class|label)?[ _-]*\d*[ _-]+(?=[^\d])")
_ANEMIC: Final = re.compile(r"^an(?:a?e|ä)mi(?:c|a|as|sch|e)?(?:s|palms?|hands?|patients?)?$")
_NOT_ANEMIC: Final = re.compile(
    r"^(?:(?:non|not|no|without)an(?:a?e|ä)mi(?:c|a)?|normal|healthy|controls?|nonan(?:a?e)mics?)"
    r"(?:s|palms?|hands?|patients?)?$"
)


def anemic_by_name(folder: str) -> bool | None:
    """What a folder's name says of the photos in it: ``Anemic``, ``non_anemic``, ``1-Anaemia``.

    None for any other name: a folder called 1 or yes does not say what of.
    """
    name = _PREFIX.sub("", folder.casefold().strip())
    letters = re.sub(r"[\s_.-]+", "", name)
    if _NOT_ANEMIC.match(letters):
        return False
    return True if _ANEMIC.match(letters) else None


def anemic_by_folders(file: str) -> tuple[bool | None, str]:
    """The answer that the folders of a photo name and "", or None and the reason."""
    named = [(folder, anemic_by_name(folder)) for folder in folders_of(file)]
    said = [(folder, answer) for folder, answer in named if answer is not None]
    if not said:
        return None, "no folder says whether it is anemic, and no table does"
    if len({answer for _, answer in said}) > 1:
        return None, f"its folders contradict each other: {said[0][0]} and {said[-1][0]}"
    return said[0][1], ""


def person_of_folders(file: str) -> tuple[str, ...]:
    """The person whom the folders below the answer name, with that answer; empty if none."""
    folders = folders_of(file)
    depths = [n for n, folder in enumerate(folders) if anemic_by_name(folder) is not None]
    if not depths:
        return ()
    below = [
        folder
        for folder in folders[depths[-1] + 1 :]
        if not part_of_name(folder) and folder.casefold() not in GENERIC
    ]
    return ("/".join([folders[depths[-1]], *below]),) if below else ()
