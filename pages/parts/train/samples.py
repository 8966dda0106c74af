"""Sample pictures of a set that was sent, with their boxes as they were understood."""

from pathlib import Path
from typing import Any, Final

import streamlit as st
from PIL import Image, ImageDraw

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.intake.imported_set import Intake
from core.taxonomy import KINDS, title
from pages.parts.kinds import STYLES
from pages.parts.wording import plain

_CELLS: Final = (12, 4)
_FIELDS: Final = (6, 2)
"""How many are shown, and across: boxes must be seen, so fields are larger."""

_LONG_SIDE_PX: Final = 420
_LONGEST_NAME: Final = 22


def draw(found: Intake[Any], names: list[str]) -> None:
    """A picture of each of ``names``, or the first fields with their boxes, in rows."""
    boxed = bool(found.items) and isinstance(found.items[0], LabelledField)
    most, across = _FIELDS if boxed else _CELLS
    items = (
        [(_short(item.path.name), item) for item in found.items[:most]]
        if boxed
        else [(title(name), found.sample(name)) for name in names[:most]]
    )
    for first in range(0, len(items), across):
        row = st.columns(across, gap="small")
        for side, (words, item) in zip(row, items[first:], strict=False):
            picture = _drawn(item.path, item if boxed else None)
            if picture is not None:
                side.image(picture, width="stretch")
            side.caption(f":small[{plain(words)}]")
    if boxed:
        st.caption("Boxes: red cells vermilion, white cells blue and thick, platelets green.")


def _short(name: str) -> str:
    """The middle of a long name goes: programs tell pictures apart by beginning and end."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}…{name[-half:]}"


def _drawn(path: Path, field: LabelledField | None) -> Image.Image | None:
    """A picture as it is learnt from, with its boxes as understood; None if it is gone."""
    try:
        picture = Image.fromarray(read_rgb(path))
    except OSError:
        return None
    if field is None:
        return picture
    # Shrunk before the boxes are drawn: their lines would be shrunk to nothing.
    scale = min(1.0, _LONG_SIDE_PX / max(picture.size))
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    pen = ImageDraw.Draw(picture)
    for number, box in zip(field.kinds.tolist(), field.boxes_xyxy_px.tolist(), strict=True):
        style = STYLES[KINDS[number]]
        width = max(2, round(style.width_px))
        pen.rectangle([side * scale for side in box], outline=style.colour, width=width)
    return picture
