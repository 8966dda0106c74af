"""Values of answers, boxes, grades and comments in words, for conflicts and for the ledger.

A conflict keeps the names of classes and kinds as they are stored: the screens have words for them.
"""

from collections.abc import Mapping

from core.review.reading.grade_terms import GRADES
from core.slide.red_cells.terms import title_of
from core.taxonomy import UNIDENTIFIED, title


def label_words(label: str) -> str:
    """``band neutrophil``."""
    return label if label == UNIDENTIFIED else title(label).lower()


def kind_words(kind: str) -> str:
    """``red cell``."""
    return title(kind).lower().removesuffix("s")


def grade_words(value: int | str | None) -> str:
    """``moderate`` for 2, ``not determined`` for a platelet word, ``taken back`` for None."""
    if value is None:
        return "taken back"
    return GRADES[value] if isinstance(value, int) else value.replace("_", " ")


def box_words(values: Mapping[str, object]) -> str:
    """``wbc at 12, 30`` or ``taken away``, from the columns of a box."""
    if values.get("deleted"):
        return "taken away"
    corners = [values.get(name) for name in ("x0_px", "y0_px")]
    places = [f"{corner:.0f}" for corner in corners if isinstance(corner, int | float)]
    at = f" at {', '.join(places)}" if len(places) == 2 else ""
    return f"{values.get('kind') or 'as it was located'}{at}"


def stored_words(values: Mapping[str, object]) -> str:
    """Words for the columns of a row of an answer, a box, a grade or a comment."""
    if "label" in values:
        return str(values["label"] or "not reviewed")
    if "shape" in values:
        shape = values["shape"]
        return title_of(str(shape)).lower() if shape else "as the model said"
    if "present" in values:
        return "seen" if values["present"] else "not there"
    if "grade" in values or "words" in values:
        value = values.get("grade") if values.get("words") is None else values["words"]
        return "taken back" if value is None else str(value)
    if "kind" in values:
        return box_words(values)
    return "taken away" if values.get("deleted") else str(values.get("text", "there"))
