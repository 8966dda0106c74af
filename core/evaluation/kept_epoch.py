"""What a white-cell training found at the epoch it kept: each class with its interval."""

from dataclasses import dataclass

from core.models.cards import WhiteCellCard
from core.statistics.intervals import Interval, clopper_pearson


@dataclass(frozen=True)
class ClassFound:
    """One class on the validation cells; recall and precision in [0, 1], None where undefined."""

    label: str
    cells: int
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None
    f1: float | None


def classes_found(card: WhiteCellCard) -> list[ClassFound]:
    """The classes that occur among the validation cells or the answers, in the card's order.

    Empty for a card that keeps no table. Intervals are Clopper and Pearson's, 95 %.
    """
    if card.validation is None or card.validation.confusion is None:
        return []
    table = card.validation.confusion
    found = []
    for place, label in enumerate(card.architecture.classes):
        right, cells = table[place][place], sum(table[place])
        called = sum(row[place] for row in table)
        if not cells and not called:
            continue
        found.append(
            ClassFound(
                label,
                cells,
                right / cells if cells else None,
                clopper_pearson(right, cells) if cells else None,
                right / called if called else None,
                clopper_pearson(right, called) if called else None,
                2 * right / (cells + called),
            )
        )
    return found
