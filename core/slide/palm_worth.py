"""What the palm's answers are worth among 1,000 people, from the rates in the model's card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.statistics.palm_scores import OfThousand, of_thousand

BY_EYE_ODDS_RATIO = 4.3
"""Diagnostic odds ratio of palmar pallor judged by people, pooled over studies of anemia signs."""


@dataclass(frozen=True)
class Worth:
    """The expected answers, and with every rate at the bad or the good end of its interval.

    ``worst`` and ``best`` are wider than a 95 % interval would be: all rates at their ends at once.
    """

    expected: OfThousand
    worst: OfThousand
    best: OfThousand


def worth(decisions: Mapping[str, Any], prevalence: float) -> Worth:
    """Among people of whom this share has anemia.

    Args:
        decisions: rates as :func:`core.evaluation.palm_report.decision_rows` gives them.
        prevalence: in [0, 1].
    """

    def told(ill_end: str, well_end: str, ill_cleared: str, well_cleared: str) -> OfThousand:
        suspected, cleared = decisions["anemia_suspected"], decisions["not_suspected"]
        ill = float(suspected["of_anemic"][ill_end])
        well = float(suspected["of_others"][well_end])
        return of_thousand(
            prevalence,
            (ill, well),
            (
                min(float(cleared["of_anemic"][ill_cleared]), 1 - ill),
                min(float(cleared["of_others"][well_cleared]), 1 - well),
            ),
        )

    return Worth(
        told("value", "value", "value", "value"),
        told("low", "high", "high", "low"),
        told("high", "low", "low", "high"),
    )
