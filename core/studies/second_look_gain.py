"""Measure on PBC how many wrong labels "Worth a second look" finds, against a random order.

Labels of PBC are made wrong on purpose and the list is asked for them. The features are those of
:mod:`core.studies.queue_gain`, an ImageNet network's, so that they contain nothing of the labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from core.review.learning.cell_features import unit_length
from core.review.learning.label_errors import disagreeing
from core.statistics.intervals import Interval, clopper_pearson, mean_interval
from core.studies.queue_gain import Cells

Kind = Literal["any class", "look-alike"]
KINDS: Final[tuple[Kind, ...]] = ("any class", "look-alike")

LOOK_ALIKES: Final[Mapping[str, str]] = {
    "segmented_neutrophil": "band_neutrophil",
    "band_neutrophil": "segmented_neutrophil",
    "immature_granulocyte": "band_neutrophil",
    "lymphocyte": "erythroblast",
    "erythroblast": "lymphocyte",
    "monocyte": "immature_granulocyte",
    "eosinophil": "segmented_neutrophil",
    "basophil": "immature_granulocyte",
    "platelet": "erythroblast",
}
"""Class -> the class of PBC that it is most easily taken for."""


@dataclass(frozen=True)
class SecondLook:
    """What the list found in one or more repeats of ``cells`` labels each.

    ``precision`` is the share of listed labels that are wrong, with its exact interval over all
    repeats; ``found`` the mean share of the wrong labels that are listed, with Student's interval
    over the repeats. A random order finds ``share`` of whatever it lists.
    """

    kind: Kind
    share: float
    cells: int
    repeats: int
    listed: int
    wrong_listed: int
    precision: Interval
    found: float
    found_interval: Interval


def second_look(cells: Cells, kind: Kind, share: float = 0.05, repeats: int = 10) -> SecondLook:
    """Make a share of the labels wrong, other ones in each repeat, and ask for the list.

    Args:
        cells: all are used; nothing is fitted on them.
        kind: what a wrong label says: any other class, or the look-alike.
        share: how many are made wrong, in (0, 1).
        repeats: how often.
    """
    features = unit_length(cells.features)
    listed = wrong_listed = 0
    shares = []
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        wrong = set(rng.choice(len(cells.labels), round(share * len(cells.labels)), replace=False))
        labels = [
            _wrong(label, kind, cells.labels, rng) if i in wrong else label
            for i, label in enumerate(cells.labels)
        ]
        found = {i for i, _, _ in disagreeing(features, labels)}
        listed += len(found)
        wrong_listed += len(found & wrong)
        shares.append(len(found & wrong) / len(wrong))
    return SecondLook(
        kind,
        share,
        len(cells.labels),
        repeats,
        listed,
        wrong_listed,
        clopper_pearson(wrong_listed, listed),
        float(np.mean(shares)),
        mean_interval(shares),
    )


def _wrong(label: str, kind: Kind, labels: Sequence[str], rng: np.random.Generator) -> str:
    others = sorted(set(labels) - {label})
    if kind == "look-alike" and LOOK_ALIKES.get(label) in others:
        return LOOK_ALIKES[label]
    return str(rng.choice(others))
