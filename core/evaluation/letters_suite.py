"""Letters burnt into a picture's border: how many are pointed out, and how often there are none.

The rule of :mod:`core.imaging.burnt_in` was chosen on letters that OpenCV drew. Here they come from
typefaces it was not chosen on, drawn by another program, on pictures of every public laboratory;
each laboratory has figures of its own.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from core.imaging.burnt_in import STRIP, letters_at
from core.records import RgbImage
from core.statistics.intervals import clopper_pearson

SOURCES: Final = {
    "CBC": "cbc/*/Images/*.jpg",
    "TXL-PBC": "txl/images/*/*",
    "Barcelona (PBC)": "pbc/*/*.jpg",
    "Munich": "wbc_munich_support/*/*",
    "Chula": "chula_rbc12/images/*.jpg",
    "Chula, anemias": "chula_rbc12/disease/*.jpg",
    "DeepBioNet": "deepbionet_fields/images/*",
}
"""Pictures of each laboratory below the folder of the public sets."""
_EACH: Final = 150
_FACES: Final = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral",
    "STIXGeneralBol", "cmr10", "cmtt10",
)  # fmt: skip
_WORDS: Final = (
    "DOE, JANE", "A. Huber 12.03.1961", "PID 0047-118", "2024-11-28 09:14", "Lab 7 Slide 12",
    "100x / 1.30 Oil", "MULLER, KARL *1950", "Acc 24-55871", "20 um  x100", "Hosp. St. Anna 3B",
)  # fmt: skip
_INKS: Final[Mapping[str, tuple[tuple[int, int, int], tuple[int, int, int] | None]]] = {
    "black": ((0, 0, 0), None),
    "white": ((255, 255, 255), None),
    "black on white": ((0, 0, 0), (255, 255, 255)),
    "white on black": ((255, 255, 255), (0, 0, 0)),
    "yellow": ((255, 255, 0), None),
    "red": ((255, 0, 0), None),
    "green": ((0, 255, 0), None),
}
"""Colour of the letters, and of a band behind them."""
_COLOURED: Final = ("yellow", "red", "green")


def evaluate_letters(data: Path) -> dict[str, object]:
    """Rates with exact 95 % intervals: one line is written on each picture, saved as JPEG.

    Args:
        data: folder of the public sets; those that are not there are left out.

    Returns:
        By laboratory and together: ``n`` pictures, ``called_lettered_as_it_is``,
        ``black_or_white_found`` and ``coloured_found``, each with ``n``, ``rate``, ``low``,
        ``high``; ``by_ink`` together.

    Raises:
        FileNotFoundError: if none of the sets is there.
    """
    told: dict[str, dict[str, list[bool]]] = {}
    for source, pattern in SOURCES.items():
        files = sorted(data.glob(pattern))
        chosen = Random(21).sample(files, min(_EACH, len(files)))
        if chosen:
            told[source] = _judged(source, chosen)
    if not told:
        raise FileNotFoundError(f"none of the public sets is in {data}")
    pooled: dict[str, list[bool]] = defaultdict(list)
    for kinds in told.values():
        for kind, found in kinds.items():
            pooled[kind] += found
    return {
        "letters": {
            "rule": "core.imaging.burnt_in",
            "split": "typefaces and drawing program apart from those the rule was chosen on; "
            "laboratories each for itself",
            "by_laboratory": {source: _figures(kinds) for source, kinds in told.items()},
            "together": _figures(pooled),
            "by_ink": {ink: _rate(pooled[ink]) for ink in _INKS},
        }
    }


def _judged(source: str, files: list[Path]) -> dict[str, list[bool]]:
    told: dict[str, list[bool]] = defaultdict(list)
    inks = list(_INKS)
    for number, file in enumerate(files):
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
        told["as it is"].append(bool(letters_at(np.asarray(picture))))
        ink = inks[number % len(inks)]
        told[ink].append(bool(letters_at(lettered(picture, ink, Random(f"{source} {number}")))))
    return told


def lettered(picture: Image.Image, ink: str, choice: Random) -> RgbImage:
    """A line at the top, the bottom or a side of ``picture``, and both saved as JPEG."""
    colour, band = _INKS[ink]
    turns = choice.choice((0, 0, 0, 1))  # one in four along the side
    page = picture.rotate(90 * turns, expand=True)
    size = max(11, round(choice.uniform(0.025, 0.05) * min(page.size)))
    face = Path(get_data_path(), "fonts", "ttf", f"{choice.choice(_FACES)}.ttf")
    font = ImageFont.truetype(face, size)
    words = choice.choice(_WORDS)
    draw = ImageDraw.Draw(page)
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    room = max(1, int(STRIP * page.height) - int(bottom - top) - 4)
    y = 2 + choice.randrange(room) // 2
    if choice.random() < 0.5:
        y = page.height - y - int(bottom - top) - 2
    x = 4 + choice.randrange(max(1, page.width - int(right - left) - 8))
    if band is not None:
        draw.rectangle((0, y - 3, page.width, y + int(bottom - top) + 3), fill=band)
    draw.text((x - left, y - top), words, fill=colour, font=font)
    stored = io.BytesIO()
    page.rotate(-90 * turns, expand=True).save(stored, "JPEG", quality=choice.randint(80, 95))
    return np.asarray(Image.open(stored).convert("RGB"))


def _figures(kinds: Mapping[str, list[bool]]) -> dict[str, object]:
    black_or_white = [one for ink in _INKS if ink not in _COLOURED for one in kinds[ink]]
    coloured = [one for ink in _COLOURED for one in kinds[ink]]
    return {
        "n": len(kinds["as it is"]),
        "called_lettered_as_it_is": _rate(kinds["as it is"]),
        "black_or_white_found": _rate(black_or_white),
        "coloured_found": _rate(coloured),
    }


def _rate(found: list[bool]) -> dict[str, float]:
    if not found:
        return {"n": 0}
    interval = clopper_pearson(sum(found), len(found))
    return {
        "n": len(found),
        "rate": round(sum(found) / len(found), 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
    }
