"""The differential: share of each white-cell class over all fields, with exact intervals."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.records import SmearFinding
from core.slide import judgement
from core.statistics.intervals import Interval, clopper_pearson
from core.taxonomy import NOT_LEUKOCYTES, WBC_CLASSES, parent_of


@dataclass(frozen=True)
class DifferentialRow:
    """One class: ``share`` in [0, 1] of the leukocytes counted, with its interval."""

    label: str
    cells: int
    share: float
    interval: Interval
    is_part_of: str | None = None


@dataclass(frozen=True)
class Differential:
    """Rows in the order of the taxonomy, total neutrophils before their parts.

    ``leukocytes`` is what the shares rest on. ``not_counted`` are located white cells that are no
    leukocytes (nucleated red cells, platelets, smudges), by class.
    """

    rows: tuple[DifferentialRow, ...]
    leukocytes: int
    unsure: int
    not_counted: dict[str, int]


def differential(findings: Iterable[SmearFinding]) -> Differential:
    """Differential of the white cells of the fields that count; bands are a part of neutrophils."""
    calls = [
        cell.wbc
        for finding in judgement.included(findings)
        for cell in finding.cells_of("wbc")
        if cell.wbc
    ]
    # A class the model was never taught is not determined, which is not the same as none seen.
    known = {label for call in calls for label in call.probabilities}
    return of_labels(
        (call.label for call in calls),
        known if calls else set(WBC_CLASSES),
        sum(judgement.call_is_doubtful(call) for call in calls),
    )


def of_labels(labels: Iterable[str], known: Collection[str], unsure: int = 0) -> Differential:
    """Differential of cells by their class.

    Args:
        labels: the class of each cell.
        known: classes that whoever called the cells can tell; the others get no row.
        unsure: how many of the cells are in doubt.
    """
    counted = Counter(labels)
    total = sum(n for label, n in counted.items() if judgement.is_leukocyte(label))
    neutrophils = sum(n for label, n in counted.items() if parent_of(label) == "neutrophil")

    def row(label: str, n: int, part_of: str | None = None) -> DifferentialRow:
        return DifferentialRow(
            label, n, n / total if total else 0.0, clopper_pearson(n, total), part_of
        )

    rows = [row("neutrophil", neutrophils)]
    for label in WBC_CLASSES:
        if label not in NOT_LEUKOCYTES and label in known:
            part_of = "neutrophil" if parent_of(label) == "neutrophil" else None
            rows.append(row(label, counted[label], part_of))
    others = {label: n for label, n in counted.items() if label in NOT_LEUKOCYTES}
    return Differential(tuple(rows), total, unsure, others)
