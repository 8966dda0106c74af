"""What the palm's answers are worth among 1,000 people, from the rates in the model's card."""

from dataclasses import dataclass
from typing import Literal

from core.models.cards.figures import DecisionRows
from core.statistics.figures import Measured
from core.statistics.palm_scores import OfThousand, of_thousand

_End = Literal["value", "low", "high"]

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


def worth(decisions: DecisionRows, prevalence: float) -> Worth:
    """Among people of whom this share has anemia.

    Args:
        decisions: rates as :func:`core.evaluation.palm_report.decision_rows` gives them.
        prevalence: in [0, 1].
    """

    def answers(ill_end: _End, well_end: _End, ill_cleared: _End, well_cleared: _End) -> OfThousand:
        suspected, cleared = decisions["anemia_suspected"], decisions["not_suspected"]
        ill = _rate(suspected["of_anemic"], ill_end)
        well = _rate(suspected["of_others"], well_end)
        return of_thousand(
            prevalence,
            (ill, well),
            (
                min(_rate(cleared["of_anemic"], ill_cleared), 1 - ill),
                min(_rate(cleared["of_others"], well_cleared), 1 - well),
            ),
        )

    return Worth(
        answers("value", "value", "value", "value"),
        answers("low", "high", "high", "low"),
        answers("high", "low", "low", "high"),
    )


def _rate(row: Measured, end: _End) -> float:
    rate = row[end]
    if rate is None:
        raise ValueError("a rate of nobody: there were no such photos")
    return rate
