"""A rule by which cases may be released without a look at each cell, tried on signed cases.

Nothing is released here (:mod:`core.review.signature.release` does that): the trial says what the
rule would have done to cases that people read in full and signed, so that a site can judge it. The
rule is asked about what the program alone found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require
from core.records import SmearFinding
from core.review.record.case_rows import case_in, pictures_in
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import signature_of
from core.review.signature.snapshot_format import DifferentialJson, Snapshot
from core.slide import judgement
from core.slide.differential import Differential, differential
from core.slide.usual_shares import UsualShares
from core.statistics.intervals import Interval, clopper_pearson
from core.store.review_schema import signatures

Shares = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Rule:
    """Names of the conditions of :data:`CONDITIONS` that must hold, and the cells asked for."""

    conditions: tuple[str, ...]
    minimum_cells: int = 200


@dataclass(frozen=True)
class _Case:
    findings: tuple[SmearFinding, ...]
    found: Differential
    usual: Shares
    minimum_cells: int


def _all_sure(case: _Case) -> bool:
    return case.found.unsure == 0


def _nothing_critical(case: _Case) -> bool:
    return judgement.summary(case.findings).critical == 0


def _no_flag(case: _Case) -> bool:
    return not any(finding.flags for finding in case.findings)


def _within_ranges(case: _Case) -> bool:
    """Every usual share is there and met; without ranges nothing can be said, so not met."""
    rows = {row.label: 100 * row.share for row in case.found.rows}
    return bool(case.usual) and all(
        label in rows and low <= rows[label] <= high for label, (low, high) in case.usual.items()
    )


def _enough(case: _Case) -> bool:
    return case.found.leukocytes >= case.minimum_cells


CONDITIONS: Final[Mapping[str, Callable[[_Case], bool]]] = {
    "every cell is sure": _all_sure,
    "nothing is critical": _nothing_critical,
    "no field has a flag": _no_flag,
    "every share is usual": _within_ranges,
    "enough cells": _enough,
}
"""What a site can ask for, by the name that it is shown under."""


@dataclass(frozen=True)
class Trial:
    """What a rule would have done to ``cases`` signed cases.

    ``agreed`` of the ``released`` ones were signed without anything that the program had not said;
    ``against`` are accessions of the others. ``wrong`` is the exact 95 % interval of the share of
    released cases that were signed otherwise.
    """

    cases: int
    released: int
    agreed: int
    against: tuple[str, ...]

    @property
    def wrong(self) -> Interval:
        return clopper_pearson(self.released - self.agreed, self.released)

    @property
    def sentence(self) -> str:
        """``It would have released 31 of 80 cases; all agreed with what was signed.``"""
        agreed = "all" if self.agreed == self.released else f"{self.agreed}"
        words = f"It would have released {self.released} of {self.cases} signed cases"
        return f"{words}; {agreed} agreed with what was signed." if self.released else f"{words}."


def try_rule(store: ReviewStore, person: Person, rule: Rule) -> Trial:
    """Try a rule on the last signed version of every case with a field.

    Raises:
        NotAllowed: without the right to sign.
        ValueError: for a condition that is none, or a rule without any.
    """
    require(person, "sign")
    check(rule)
    cases = released = 0
    against: list[str] = []
    query = select(signatures).order_by(signatures.c.case_id, signatures.c.version)
    with store.database.read() as connection:
        last = {row.case_id: signature_of(row._mapping) for row in connection.execute(query)}
        for case_id, signature in last.items():
            # What a rule released proves nothing about the rule: nobody looked at its cells.
            if "released" in signature.snapshot or case_in(connection, case_id).is_cancelled:
                continue
            fields = [p for p in pictures_in(connection, case_id) if p.kind == "field"]
            if not fields:
                continue
            cases += 1
            findings = tuple(field.finding() for field in fields)
            if meets(rule, findings, _usual_as_signed(signature.snapshot)):
                released += 1
                if not _agrees(differential(findings), signature.snapshot):
                    against.append(signature.snapshot["case"]["accession"])
    return Trial(cases, released, released - len(against), tuple(against))


def check(rule: Rule) -> None:
    """Raises ValueError for a condition that is none, or a rule without any."""
    unknown = sorted(set(rule.conditions) - CONDITIONS.keys())
    if unknown or not rule.conditions:
        raise ValueError(f"a rule needs conditions of {', '.join(CONDITIONS)}; got {unknown}")


def meets(rule: Rule, findings: tuple[SmearFinding, ...], usual: Shares) -> bool:
    """Whether what the program found in the fields of a case meets every condition.

    Args:
        rule: of known conditions.
        findings: of every field of the case.
        usual: row of the differential -> usual percent, from and to.
    """
    case = _Case(findings, differential(findings), usual, rule.minimum_cells)
    return all(CONDITIONS[name](case) for name in rule.conditions)


def _usual_as_signed(snapshot: Snapshot) -> Shares:
    """Those that the report was signed with: later ones would try another rule."""
    sex, age = snapshot["case"]["sex"], snapshot["case"]["age_years"]
    own = {name: (low, high) for name, (low, high) in snapshot.get("usual_shares", {}).items()}
    return UsualShares.of(sex, age, own).percent


def _agrees(found: Differential, snapshot: Snapshot) -> bool:
    """Nothing abnormal was signed, and no share beyond the limits of the proposed one."""
    cells = [cell for cell in snapshot["cells"] if not cell["deleted"]]
    if any(cell.get("critical") for cell in cells) or snapshot.get("abnormalities"):
        return False
    if any(snapshot["grades"].values()) or snapshot["platelets"] not in (None, "adequate"):
        return False
    return _within_limits(found, snapshot["verified"])


def _within_limits(found: Differential, verified: DifferentialJson) -> bool:
    limits = {row.label: row.interval for row in found.rows}
    rows: Sequence[tuple[str, float]] = [(r["label"], r["share"]) for r in verified["rows"]]
    return all(
        limits[label].low <= share <= limits[label].high if label in limits else share == 0
        for label, share in rows
    )
