"""The stage of an immature granulocyte, read from the features that the class is read from.

Promyelocyte, myelocyte and metamyelocyte are learnt from PBC alone, by a linear head of their own:
the network's classes and their probabilities stay what they are.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.white_cell.uncertainty import Uncertainty
from core.statistics.calibration import as_probabilities

STAGED_CLASS: Final = "immature_granulocyte"
STAGES: Final = ("promyelocyte", "myelocyte", "metamyelocyte")
"""In the order of maturation."""

WEIGHT, BIAS = "stages.weight", "stages.bias"


def stages_of(
    features: npt.NDArray[np.float32], uncertainty: Uncertainty
) -> list[dict[str, float]]:
    """Probability of each stage for each row of ``(N, width)`` features, were it such a cell.

    Empty mappings where no head was fitted.
    """
    head = uncertainty.card.stages
    if head is None:
        return [{} for _ in features]
    weight = uncertainty.tensors[WEIGHT].astype(np.float32)
    scores = features @ weight.T + uncertainty.tensors[BIAS].astype(np.float32)
    return [
        {name: float(p) for name, p in zip(head.stages, row, strict=True)}
        for row in as_probabilities(scores, 1.0)
    ]


def named_stage(probabilities: Mapping[str, float], limit: float) -> str:
    """The likeliest stage where its probability reaches ``limit``, otherwise empty."""
    best = max(probabilities, key=lambda name: probabilities[name], default="")
    return best if best and probabilities[best] >= limit else ""
