"""When a shape is sure enough to be named: fitted on slides and laboratories not reported on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.statistics.calibration import abstention_limit, as_probabilities, best_temperature
from core.training.red_cells.other_laboratories import SUSPECTS

_ACCURACY: Final = 0.85
"""Accuracy wanted of the cells that get a shape, on slides not learnt from."""
_HIGHEST: Final = 0.6
"""No shape needs more than this for lack of accuracy alone: else few cells would be judged."""
_SUSPECT_SHARE: Final = 0.01
"""Share of a mostly normal laboratory's judged cells that may be named a suspect shape: half of the
2 % that are allowed, since it is chosen on these and measured on others."""
_GRID: Final = np.round(np.arange(0.3, 0.991, 0.01), 2)


@dataclass(frozen=True)
class Limits:
    """See :class:`core.models.cards.RedCellCard`."""

    temperature: float
    abstain_below: float
    least_probability: dict[str, float]


def fit_limits(
    classes: Sequence[str],
    logits: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    elsewhere: Sequence[npt.NDArray[np.float32]],
) -> Limits:
    """Temperature and least probabilities.

    Args:
        classes: in the order of the logits.
        logits: of labelled cells not learnt from, ``(N, classes)``.
        truth: their classes.
        elsewhere: logits of other laboratories' cells, one array each, ``(M, classes)``.
    """
    temperature = best_temperature(logits, truth)
    rows = as_probabilities(logits, temperature)
    abstain = min(_HIGHEST, abstention_limit(rows, truth, _ACCURACY))
    known = [as_probabilities(part, temperature) for part in elsewhere if len(part)]
    suspects = [name for name in SUSPECTS if name in classes]
    limit = next(
        (
            float(level)
            for level in _GRID
            if level >= abstain
            and all(_share(part, classes, abstain, level) <= _SUSPECT_SHARE for part in known)
        ),
        1.0,  # never named
    )
    return Limits(temperature, abstain, dict.fromkeys(suspects, limit))


def _share(
    rows: npt.NDArray[np.float64], classes: Sequence[str], abstain: float, level: float
) -> float:
    """Share of the judged cells that are named a suspect shape."""
    best, top = rows.argmax(axis=1), rows.max(axis=1)
    suspect = np.isin(best, [i for i, name in enumerate(classes) if name in SUSPECTS])
    judged = top >= np.where(suspect, level, abstain)
    return float((judged & suspect).sum() / max(1, judged.sum()))
