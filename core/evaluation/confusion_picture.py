"""A confusion matrix as a picture and as a Markdown table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from core.taxonomy import title

_CELL: Final = 64
_LEFT, _TOP = 210, 190
_DEEP: Final = np.array([8, 64, 129])


def as_picture(table: npt.NDArray[np.int64], classes: Sequence[str]) -> Image.Image:
    """Rows the truth, columns the answer; the shade is the share of the row, the number the cells.

    Args:
        table: ``(classes, classes)`` counts.
        classes: names in the order of rows and columns.
    """
    n = len(classes)
    picture = Image.new("RGB", (_LEFT + n * _CELL + 20, _TOP + n * _CELL + 20), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    draw.text((12, _TOP - 28), "truth (rows), called (columns)", fill="black", font=font)
    for i, name in enumerate(classes):
        y = _TOP + i * _CELL
        draw.text((12, y + _CELL // 2 - 9), title(name), fill="black", font=font)
        _upright(picture, title(name), _LEFT + i * _CELL, font)
        for j, count in enumerate(table[i]):
            share = float(count) / max(1, int(table[i].sum()))
            colour = np.round(255 - (255 - _DEEP) * share).astype(int)
            x = _LEFT + j * _CELL
            draw.rectangle((x, y, x + _CELL - 2, y + _CELL - 2), fill=tuple(colour.tolist()))
            if count:
                ink = "white" if share > 0.5 else "black"
                words = str(int(count))
                width = draw.textlength(words, font=font)
                place = (x + (_CELL - width) / 2, y + _CELL // 2 - 9)
                draw.text(place, words, fill=ink, font=font)
    return picture


def write_picture(file: Path, table: npt.NDArray[np.int64], classes: Sequence[str]) -> None:
    """Write it as PNG, making the folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    as_picture(table, classes).save(file)


def write_confusions(folder: Path, recipe: str, figures: Mapping[str, Any]) -> list[Path]:
    """A picture and a table for each set of a suite's figures that has a confusion matrix."""
    written = []
    for name, one in figures.items():
        if isinstance(one, Mapping) and "confusion" in one and "classes" in one:
            table, stem = np.array(one["confusion"], np.int64), f"{recipe}-{name}-confusion"
            written += [folder / f"{stem}.png", folder / f"{stem}.md"]
            write_picture(written[-2], table, one["classes"])
            written[-1].write_text(as_markdown(table, one["classes"]) + "\n")
    return written


def as_markdown(table: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    """The same as a table, rows the truth."""
    head = "| truth \\ called | " + " | ".join(title(name) for name in classes) + " |"
    lines = [head, "|---" * (len(classes) + 1) + "|"]
    for name, row in zip(classes, table, strict=True):
        lines.append(f"| {title(name)} | " + " | ".join(str(int(one)) for one in row) + " |")
    return "\n".join(lines)


def _upright(
    picture: Image.Image, words: str, x: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    strip = Image.new("RGB", (_TOP - 34, 20), "white")
    ImageDraw.Draw(strip).text((0, 1), words, fill="black", font=font)
    picture.paste(strip.rotate(90, expand=True), (x + _CELL // 2 - 10, 0))
