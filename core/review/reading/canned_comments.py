"""Comments that a laboratory writes often: a site's own list, or a few that name no diagnosis."""

from pathlib import Path
from typing import Final

from core.review.reading.remarks import LONGEST

USUAL: Final = (
    "Smear reviewed, no further comment.",
    "Cells damaged or smudged: the differential is limited.",
    "Platelet clumps: the count may be too low. Please repeat with citrate.",
    "Uneven staining: the smear was read as far as it could be.",
    "Few white cells: counted as many as the smear has.",
    "Please repeat with a fresh sample.",
    "To be seen together with the clinical findings.",
)
"""Used where a site has no list of its own."""

MOST: Final = 9
"""One for each digit key."""


def canned_comments(file: Path | None) -> tuple[str, ...]:
    """The comments for the keys 1 to 9, in their order.

    Args:
        file: the site's text file in UTF-8, one comment a line; empty lines are skipped. A file
            that cannot be read, or is empty, gives the usual ones.
    """
    if file is None:
        return USUAL
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError):
        return USUAL
    found = tuple(line.strip()[:LONGEST] for line in lines if line.strip())
    return found[:MOST] or USUAL
