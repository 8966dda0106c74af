"""The differential: share of each white-cell class over all fields, with exact intervals."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.records import SmearFinding
from core.slide import judgement
from core.statistics.intervals import Interval, clopper_pearson
from core.taxonomy import WBC_CLASSES, answer_labels, is_leukocyte, parent_of


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
    """Rows in the order of the taxonomy, a total before its parts: neutrophils before segmented and
    band ones, and a class that a person divided (immature granulocytes, lymphocytes) before what it
    was divided into. The shares of the rows that are part of none add up to 1.

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
        known: classes of the models that whoever called the cells can tell. Another one has a row
            only where a cell was called it.
        unsure: how many of the cells are in doubt.
    """
    counted = Counter(labels)
    others = {label: n for label, n in counted.items() if not is_leukocyte(label)}
    leukocytes = Counter({label: n for label, n in counted.items() if is_leukocyte(label)})
    total = leukocytes.total()
    totals = Counter[str]()
    for label, n in leukocytes.items():
        totals[label] += n
        # The parent of a class of the models is no row of its own, but for the neutrophils'.
        if parent_of(label) != label and parent_of(label) != "granulocyte_precursor":
            totals[parent_of(label)] += n

    def row(label: str) -> DifferentialRow:
        n, parent = totals[label], parent_of(label)
        part_of = None if parent in (label, "granulocyte_precursor") else parent
        share = n / total if total else 0.0
        return DifferentialRow(label, n, share, clopper_pearson(n, total), part_of)

    rows = [row("neutrophil")]
    # What only people tell has a row where it was found, or every table had rows of nothing.
    shown = {*totals, *known, *WBC_CLASSES}
    order = [label for label in answer_labels() if label in shown]
    order += sorted(shown - {*order, "neutrophil"})
    for label in order:
        if is_leukocyte(label) and (label in known or label in totals):
            rows.append(row(label))
    return Differential(tuple(rows), total, unsure, others)
