"""Sample pictures of a set that was sent, with their boxes as they were understood."""

from pathlib import Path
from typing import Any, Final

import streamlit as st
from PIL import Image, ImageDraw

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.intake.imported_set import Intake
from core.taxonomy import title
from pages.parts.wording import plain

_SAMPLES: Final = 12
_ACROSS: Final = 4
_COLOURS: Final = ("#d62728", "#1f4fd6", "#1a8f3c")
"""Of boxes, in the order of ``KINDS``."""


def draw(found: Intake[Any], names: list[str]) -> None:
    """A picture of each of ``names``, or the first fields with their boxes, in rows."""
    names = names[:_SAMPLES]
    boxed = bool(found.items) and isinstance(found.items[0], LabelledField)
    items = (
        [(item.path.name, item) for item in found.items[:_SAMPLES]]
        if boxed
        else [(title(name), found.sample(name)) for name in names]
    )
    for first in range(0, len(items), _ACROSS):
        for side, (words, item) in zip(
            st.columns(_ACROSS, gap="small"), items[first:], strict=False
        ):
            drawn = _drawn(item.path, item if boxed else None)
            if drawn is not None:
                side.image(drawn, width="stretch")
            side.caption(f":small[{plain(words)}]")
    if boxed:
        st.caption("Boxes: red cells red, white cells blue, platelets green.")


def _drawn(path: Path, field: LabelledField | None = None) -> Image.Image | None:
    """A picture as it is learnt from, with its boxes as understood; None if it is gone."""
    try:
        picture = Image.fromarray(read_rgb(path))
    except OSError:
        return None
    if field is not None:
        pen = ImageDraw.Draw(picture)
        for kind, box in zip(field.kinds.tolist(), field.boxes_xyxy_px.tolist(), strict=True):
            pen.rectangle(box, outline=_COLOURS[kind], width=max(2, picture.width // 250))
    return picture
