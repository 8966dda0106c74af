"""Temperatures, set limits, abstention and the critical rule, from validation cells only."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.white_cell.hierarchy import critical_limit, critical_probability
from core.inference.white_cell.novelty import Calibration
from core.models.cards.uncertainty_card import CriticalRule
from core.statistics.calibration import (
    abstention_limit,
    as_probabilities,
    best_temperature,
    expected_calibration_error,
    set_limit,
)
from core.taxonomy import critical_labels, is_critical, parent_of

Array = npt.NDArray[np.float32]
Judged = tuple[Array, Sequence[str]]

COVERAGE: Final = 0.90
WIDE_COVERAGE: Final = 0.98
"""Nominal coverage of the set that people are shown."""

SENSITIVITY: Final = 0.99
_FEWEST: Final = 50
_RIGHT: Final = 0.99
"""Accuracy that calls of familiar cells must have which are not abstained from."""

FOREIGN_LIMIT: Final = 0.73
"""Least probability of the parent class of an unfamiliar cell that is not abstained from.

Fitted on the four laboratories, each by a model that had not learnt from it: 95 % of what is kept
is right over all their cells. Chosen on three, it holds in the fourth, see docs/white-cells.md.
Restained cells of the laboratory itself cannot give it: a limit fitted to them kept 9 % of one
laboratory's cells and none of another's.
"""


_EVERY_BLOOD: Final = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
_OVERDRAWN: Final = {"neutrophil": -1.0}
_RARE: Final = -2.0


def label_shift(classes: Sequence[str]) -> Array:
    """What another laboratory's cells add to each logit, ``(classes,)``.

    The five kinds of every blood count are taken as equally likely and everything else as an eighth
    of that. Neutrophils are three times as frequent among the cells learnt from. Chosen on
    laboratories left out of training, see docs/white-cells.md. Source: Saerens 2002.
    """
    kinds = [parent_of(name) for name in classes]
    return np.array(
        [_OVERDRAWN.get(kind, 0.0) if kind in _EVERY_BLOOD else _RARE for kind in kinds], np.float32
    )


def likely_elsewhere(labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """The chance of each cell that makes a draw of them such blood; sums to one."""
    kinds = [parent_of(name) for name in labels]
    often = Counter(kinds)
    chance = np.array(
        [(1.0 if kind in _EVERY_BLOOD else np.exp(_RARE)) / often[kind] for kind in kinds]
    )
    return np.asarray(chance / chance.sum())


def fit_calibration(
    classes: Sequence[str], inside: Judged, outside: Judged, temperature: float
) -> dict[str, Calibration]:
    """Limits for familiar and for unfamiliar cells: Mondrian conformal prediction (Vovk 2005).

    Args:
        classes: in the order of the logits' columns.
        inside: logits and classes of validation cells of the laboratory.
        outside: the same of unfamiliar ones; with fewer than 50 the first are used for both.
        temperature: the card's, for familiar cells.
    """
    limits: dict[str, Calibration] = {}
    for name, (logits, labels) in (("familiar", inside), ("unfamiliar", outside)):
        if name == "unfamiliar" and len(labels) < _FEWEST:
            limits[name] = limits["familiar"]
            continue
        truth = np.array([classes.index(label) for label in labels])
        warm = temperature if name == "familiar" else best_temperature(logits, truth)
        predicted = as_probabilities(logits, warm)
        limits[name] = Calibration(
            temperature=warm,
            set_limit=set_limit(predicted, truth, COVERAGE),
            wide_limit=set_limit(predicted, truth, WIDE_COVERAGE),
            abstain_below=FOREIGN_LIMIT
            if name == "unfamiliar"
            else abstention_limit(predicted, truth, _RIGHT),
            abstain_by_parent=name == "unfamiliar",
        )
    return limits


def fit_critical(
    classes: Sequence[str], logits: Array, labels: Sequence[str], temperature: float
) -> CriticalRule:
    """The limit of the critical rule, with what it catches and what it flags for nothing.

    Flagged is a cell whose critical probability reaches the limit, or whose class is critical.
    """
    predicted = as_probabilities(logits, temperature)
    share = np.array(
        [
            critical_probability(dict(zip(classes, row, strict=True)), critical_labels())
            for row in predicted
        ]
    )
    truth = np.array([is_critical(label) for label in labels])
    # A limit above one half would never add anything to the class itself.
    limit = min(critical_limit(share, truth, SENSITIVITY), 0.5)
    called = np.array([is_critical(classes[i]) for i in predicted.argmax(axis=1)])
    flagged = (share >= limit) | called
    return CriticalRule(
        limit=limit,
        aimed_sensitivity=SENSITIVITY,
        sensitivity=float(flagged[truth].mean()),
        critical_cells=int(truth.sum()),
        false_flag_rate=float(flagged[~truth].mean()),
        other_cells=int((~truth).sum()),
        calibration_error=expected_calibration_error(
            predicted, np.array([classes.index(label) for label in labels])
        ),
    )
