"""How the kinds of cells and the white-cell classes look: a colour and always a second sign.

Colours: Okabe & Ito, safe for colour-blind eyes.
"""

from dataclasses import dataclass
from typing import Final

import streamlit as st

from core.taxonomy import WBC_CLASSES, CellKind, answer_labels, reader_class, title


@dataclass(frozen=True)
class KindStyle:
    """Colour, line width in px and dash of a kind's boxes."""

    colour: str
    width_px: float
    dash: str
    title: str


STYLES: Final[dict[CellKind, KindStyle]] = {
    "rbc": KindStyle("#d55e00", 1.6, "solid", "Red cells"),
    "wbc": KindStyle("#0072b2", 4.0, "solid", "White cells"),
    "platelet": KindStyle("#009e73", 2.4, "4px,3px", "Platelets"),
}


def ink() -> str:
    """Grey for text in pictures and charts, at least 4.5 to 1 on the ground of either theme."""
    return "#a6abb7" if st.context.theme.type == "dark" else "#5d616b"


CLASS_LOOKS: Final[dict[str, tuple[str, str, str]]] = {
    "segmented_neutrophil": ("#0072b2", "", "S"),
    "band_neutrophil": ("#56b4e9", "/", "B"),
    "lymphocyte": ("#e69f00", "", "L"),
    "monocyte": ("#009e73", "", "M"),
    "eosinophil": ("#d55e00", "", "E"),
    "basophil": ("#cc79a7", "", "O"),
    "immature_granulocyte": ("#f0e442", "x", "I"),
    "blast": ("#cc3311", "x", "X"),
}
"""Class -> colour, Plotly pattern, letter (the keys a reviewer types)."""

SHAPE_COLOURS: Final[dict[str, str]] = {
    "normal": "#6e7681",
    "macrocyte": "#0072b2",
    "microcyte": "#56b4e9",
    "spherocyte": "#cc3311",
    "target_cell": "#8f4fbf",
    "stomatocyte": "#e69f00",
    "ovalocyte": "#009e73",
    "elliptocyte": "#00695c",
    "teardrop": "#d55e00",
    "burr_cell": "#cc79a7",
    "schistocyte": "#a3004f",
    "hypochromic": "#8a7500",
    "not_judged": "#9aa0a6",
}
"""Shape of a red cell -> colour; the second sign is its letter, the key that a reader types."""

_OTHER_LOOKS: Final = (
    ("#999999", "."),
    ("#56b4e9", "x"),
    ("#e69f00", "/"),
    ("#009e73", "x"),
    ("#cc79a7", "/"),
)


def look_of(label: str) -> tuple[str, str, str]:
    """Colour, Plotly pattern and letter of any class, one that a site added too."""
    if label in CLASS_LOOKS:
        return CLASS_LOOKS[label]
    others = [name for name in answer_labels() if name not in WBC_CLASSES]
    place = others.index(label) if label in others else len(others)
    known = reader_class(label)
    letter = known.key if known and known.key else title(label)[:3]
    return (*_OTHER_LOOKS[place % len(_OTHER_LOOKS)], letter)
