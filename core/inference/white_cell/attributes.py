"""Eleven attributes of a white cell in words, read from the features that the class is read from.

The attributes are those of WBCAtt (NeurIPS 2023), and its five classes are the only ones they were
learnt on: other cells get none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.white_cell.uncertainty import Uncertainty
from core.taxonomy import parent_of

DESCRIBED: Final = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
"""Classes (parents) whose attributes a person wrote down."""

_USUAL: Final[dict[str, dict[str, frozenset[str]]]] = {
    "segmented_neutrophil": {
        "nucleus_shape": frozenset({"segmented-bilobed", "segmented-multilobed"}),
    },
    "band_neutrophil": {
        "nucleus_shape": frozenset({"unsegmented-band", "unsegmented-indented"}),
    },
    "neutrophil": {"granularity": frozenset({"yes"}), "granule_type": frozenset({"small"})},
    "lymphocyte": {
        "granularity": frozenset({"no"}),
        "nucleus_shape": frozenset({"unsegmented-round", "unsegmented-indented", "irregular"}),
    },
    "monocyte": {
        "granularity": frozenset({"no"}),
        "nucleus_shape": frozenset({"unsegmented-indented", "irregular", "unsegmented-round"}),
    },
    "eosinophil": {"granule_colour": frozenset({"red"}), "granule_type": frozenset({"round"})},
    "basophil": {"granule_colour": frozenset({"purple"}), "granule_type": frozenset({"coarse"})},
}
"""What textbooks ask of a class; an attribute outside it contradicts the class."""

_NUCLEI: Final = {
    "segmented-bilobed": "segmented nucleus with two lobes",
    "segmented-multilobed": "segmented nucleus with several lobes",
    "unsegmented-band": "band-shaped nucleus",
    "unsegmented-indented": "indented nucleus",
    "unsegmented-round": "round nucleus",
    "irregular": "irregular nucleus",
}
_SURE: Final = 0.8
"""Probability above which an attribute may contradict a class."""


@dataclass(frozen=True)
class Attribute:
    """One attribute of one cell: its value and how probable that is, in [0, 1]."""

    name: str
    value: str
    probability: float


def attributes_of(
    features: npt.NDArray[np.float32], uncertainty: Uncertainty
) -> list[tuple[Attribute, ...]]:
    """The attributes of each row of ``(N, width)`` features; empty where none were fitted."""
    heads = uncertainty.card.attributes.values
    if not heads:
        return [() for _ in features]
    weight = uncertainty.tensors["attributes.weight"].astype(np.float32)
    scores = features @ weight.T + uncertainty.tensors["attributes.bias"].astype(np.float32)
    rows: list[list[Attribute]] = [[] for _ in features]
    start = 0
    for name, values in heads.items():
        part = scores[:, start : start + len(values)]
        start += len(values)
        odds = np.exp(part - part.max(axis=1, keepdims=True))
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        for row, one in zip(rows, probabilities, strict=True):
            best = int(one.argmax())
            row.append(Attribute(name, values[best], float(one[best])))
    return [tuple(row) for row in rows]


def described(label: str) -> bool:
    """Were attributes learnt on cells of this class."""
    return parent_of(label) in DESCRIBED


def in_words(attributes: Sequence[Attribute]) -> str:
    """``segmented nucleus with two lobes, small pink granules, light blue cytoplasm``."""
    values = {one.name: one.value for one in attributes}
    words = []
    if "nucleus_shape" in values:
        words.append(_NUCLEI.get(values["nucleus_shape"], values["nucleus_shape"]))
    if values.get("granularity") == "no":
        words.append("no granules")
    elif "granule_type" in values and "granule_colour" in values:
        kind, colour = values["granule_type"], values["granule_colour"]
        if "nil" not in (kind, colour):
            words.append(f"{kind} {colour} granules")
    if "cytoplasm_colour" in values:
        texture = "frosted " if values.get("cytoplasm_texture") == "frosted" else ""
        vacuoles = " with vacuoles" if values.get("cytoplasm_vacuole") == "yes" else ""
        words.append(f"{texture}{values['cytoplasm_colour']} cytoplasm{vacuoles}")
    return ", ".join(words)


def contradictions(label: str, attributes: Sequence[Attribute]) -> list[str]:
    """Sentences on what does not go with the class, of attributes that are sure enough."""
    usual = {**_USUAL.get(parent_of(label), {}), **_USUAL.get(label, {})}
    name = label.replace("_", " ")
    return [
        f"{_phrase(one)} is unusual for {'an' if name[0] in 'aeiou' else 'a'} {name}"
        for one in attributes
        if one.name in usual and one.probability >= _SURE and one.value not in usual[one.name]
    ]


def _phrase(one: Attribute) -> str:
    if one.name == "nucleus_shape":
        return f"a {_NUCLEI.get(one.value, one.value)}".replace("a irregular", "an irregular")
    if one.name == "granularity":
        return "a cell with granules" if one.value == "yes" else "a cell without granules"
    what = one.name.replace("_", " ")
    return f"{what} {'none' if one.value == 'nil' else one.value}"
