"""Which font prints a text: DejaVu Sans first, then fonts of single scripts.

A character that no font here has is never replaced: the document is refused with the reason, since
a question mark in a signed report may hide a name or a finding.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont, TTLibError

from core.review.record.errors import CaseRefused

MAIN: Final = "report"
_PACKAGES: Final = (
    # Bitstream Vera licence, as Matplotlib brings it; it may be embedded.
    (MAIN, "matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    # SIL Open Font Licence
    ("thai", "fontpkg_noto_sans_thai", "files/NotoSansThai[wdth,wght].ttf"),
    ("cjk", "cvttf_NotoSansCJK_Regular", "NotoSansCJKtc-Regular.otf"),
)
_DEJAVU_BOLD: Final = "DejaVuSans-Bold.ttf"
_SHOWN: Final = 8


class NotPrintable(CaseRefused):
    """A text for which no font is here; the message names the characters and the way out."""


def script_fonts() -> dict[str, Path]:
    """Name of a font -> its file, in the order in which they are tried."""
    found = {}
    for name, package, inside in _PACKAGES:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            if (Path(folder) / inside).is_file():
                found[name] = Path(folder) / inside
    return found


def bold_of(regular: Path) -> Path:
    """The bold face beside a font; the font itself where it has none."""
    bold = regular.with_name(_DEJAVU_BOLD)
    return bold if regular.name == "DejaVuSans.ttf" and bold.is_file() else regular


@lru_cache(maxsize=8)
def characters_of(file: Path) -> frozenset[int]:
    """Code points that a font file has; empty for a file that is no font."""
    try:
        with TTFont(file, lazy=True) as font:
            return frozenset(font.getBestCmap() or {})
    except (OSError, TTLibError, ValueError, KeyError, AssertionError):
        return frozenset()


def plain(text: str) -> str:
    """The text without control characters, which would move the print head or end the text."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c)[0] != "C")


def fonts_needed(text: str, fonts: dict[str, Path]) -> list[str]:
    """Names of the fonts that the text needs, each once, in their order.

    Raises:
        NotPrintable: if a character is in none of them.
    """
    needed, left = [], {ord(c) for c in plain(text) if c != "\n"}
    for name, file in fonts.items():
        # The larger fonts take a second to open, so they stay closed until something is left.
        if not left:
            break
        here = left & characters_of(file)
        if here:
            needed.append(name)
            left -= here
    if left:
        raise NotPrintable(_sentence(text, sorted(left)))
    return needed


def why_not_printable(texts: Iterable[str], chosen: Path | None = None) -> str:
    """The sentence about the first text that cannot be printed; empty if all of them can."""
    fonts = {**({"chosen": chosen} if chosen else {}), **script_fonts()}
    for text in texts:
        try:
            fonts_needed(text, fonts)
        except NotPrintable as refusal:
            return str(refusal)
    return ""


def runs_right_to_left(text: str) -> bool:
    """Whether the text holds letters of a script that runs from right to left."""
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)


def _sentence(text: str, missing: Sequence[int]) -> str:
    named = ", ".join(f"{chr(c)} (U+{c:04X})" for c in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    start = text if len(text) <= 60 else f"{text[:57]}..."
    return (
        f'The report cannot be printed: no font here has {named}{more} of "{start}". The setting '
        "HEMADESK_REPORT_FONT may name a TrueType file that has them; CSV, JSON and FHIR hold the "
        "text as it is."
    )
