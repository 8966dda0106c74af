"""Signing cases in a batch under a release rule: off until a person turns a rule on.

A rule must have been right on enough signed cases first. It only chooses: a person signs, and the
ledger names the rule. Cells of such a case count as the program called them, but as reviewed by
nobody, so that they are no evidence for a training or a comparison.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.reading.cells import cells_in
from core.review.record.case_rows import Case, case_in, open_case, pictures_in
from core.review.record.errors import CaseRefused
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.review.signature.blockers import of_case
from core.review.signature.release_rule import Rule, Trial, meets, try_rule
from core.review.signature.signing import Signature, anchor, write_signature
from core.review.signature.snapshot import snapshot_of
from core.review.signature.snapshot_format import ReleaseRow
from core.settings import settings
from core.slide.differential import differential
from core.slide.reference_ranges import RANGES_FILE
from core.slide.usual_shares import UsualShares, site_shares
from core.store.review_schema import cases, release_rules

ALWAYS: Final = "nothing is critical"
"""A condition that no rule may leave out."""


@dataclass(frozen=True)
class StandingRule:
    """The rule that is on: its number, who turned it on and when, and what its trial said."""

    number: int
    rule: Rule
    trial: str
    made_name: str
    made_at: datetime


@dataclass(frozen=True)
class Releasable:
    """A case that meets the standing rule: percent of each class as the program found it."""

    case: Case
    leukocytes: int
    percent: dict[str, float]


def turn_on(store: ReviewStore, person: Person, rule: Rule) -> StandingRule:
    """Let cases that meet the rule be signed in a batch, from now on and instead of another rule.

    Raises:
        NotAllowed: without the right to sign.
        ValueError: for a condition that is none, or a rule without any.
        CaseRefused: if the rule was not right on enough signed cases.
    """
    trial = try_rule(store, person, rule)
    against = against_turning_on(rule, trial)
    if against:
        raise CaseRefused(against)
    _write(store, person, rule, trial, is_on=True)
    standing = standing_rule(store, person)
    assert standing is not None  # written above
    return standing


def against_turning_on(rule: Rule, trial: Trial) -> str:
    """Why a rule cannot be turned on after this trial of it; empty where it can."""
    if ALWAYS not in rule.conditions:
        return f"a rule that releases cases has to ask that {ALWAYS}"
    if trial.against:
        named = ", ".join(trial.against[:5])
        return f"it would have released {named}, signed otherwise; ask for more"
    least = settings().release_trial_cases
    if trial.released < least:
        return (
            f"it was right on {trial.released} signed cases; {least} are needed before it is used"
        )
    return ""


def turn_off(store: ReviewStore, person: Person) -> None:
    """From now on no case is signed in a batch. Nothing happens where no rule is on.

    Raises:
        NotAllowed: without the right to sign.
    """
    require(person, "sign")
    standing = standing_rule(store, person)
    if standing is not None:
        _write(store, person, standing.rule, None, is_on=False)


def _write(
    store: ReviewStore, person: Person, rule: Rule, trial: Trial | None, *, is_on: bool
) -> None:
    action = "release_rule"
    words = f"{'on' if is_on else 'off'}: {', '.join(rule.conditions)}; {rule.minimum_cells} cells"
    with recording(store, person, action, detail=words) as book:
        book.insert(
            release_rules,
            {
                "conditions": json.dumps(list(rule.conditions)),
                "minimum_cells": rule.minimum_cells,
                "trial": trial.sentence if trial else "",
                "is_on": is_on,
                "made_by": person.subject,
                "made_name": person.name,
                "made_at": book.now,
            },
        )


def standing_rule(store: ReviewStore, person: Person) -> StandingRule | None:
    """The rule that is on, None where none is. Raises NotAllowed without the right to read."""
    require(person, "read")
    with store.database.read() as connection:
        return _standing(connection)


def _standing(connection: Connection) -> StandingRule | None:
    query = select(release_rules).order_by(release_rules.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None or not row.is_on:
        return None
    rule = Rule(tuple(json.loads(row.conditions)), row.minimum_cells)
    return StandingRule(row.id, rule, row.trial, row.made_name, row.made_at)


def releasable(store: ReviewStore, person: Person) -> list[Releasable]:
    """Open cases that meet the standing rule, the oldest first; none while no rule is on.

    Only cases that nobody has begun to read: what a person said of a case is not passed over.

    Raises:
        NotAllowed: without the right to sign.
    """
    require(person, "sign")
    with store.database.read() as connection:
        standing = _standing(connection)
        if standing is None:
            return []
        query = select(cases.c.id).where(cases.c.state == "new", cases.c.cancelled_at.is_(None))
        numbers = connection.execute(query.order_by(cases.c.created_at, cases.c.id)).scalars()
        found = (_releasable(connection, n, standing.rule, person) for n in list(numbers))
        return [one for one in found if isinstance(one, Releasable)]


def _releasable(
    connection: Connection, case_id: int, rule: Rule, person: Person
) -> Releasable | str:
    """The case, or why the rule does not release it."""
    case = case_in(connection, case_id)
    pictures = pictures_in(connection, case_id)
    if case.state != "new" or case.is_cancelled:
        return "somebody has begun to read it"
    if case.assigned_to not in (None, person.subject):
        return f"{case.assigned_name} has it"
    if not pictures or any(picture.kind != "field" for picture in pictures):
        return "it has other pictures than fields of a smear"
    findings = tuple(picture.finding() for picture in pictures)
    own = site_shares(settings().var / RANGES_FILE, case.sex, case.age_years)
    if not meets(rule, findings, UsualShares.of(case.sex, case.age_years, own).percent):
        return "it does not meet the rule"
    white = cells_in(connection, case, case.reading, unveiled=True)
    against = [one for one in of_case(connection, case, white) if one.code != "unreviewed"]
    if against:
        return against[0].message
    found = differential(findings)
    return Releasable(case, found.leukocytes, {r.label: 100 * r.share for r in found.rows})


def release(
    store: ReviewStore, person: Person, rule_number: int, case_ids: Sequence[int]
) -> tuple[list[Signature], list[str]]:
    """Sign these cases under the rule that the person saw; says of the others why not.

    Each case is signed in a transaction of its own and checked again in it.

    Raises:
        NotAllowed: without the right to sign.
        CaseRefused: if the rule is no longer the standing one.
    """
    require(person, "sign")
    signed, refused = [], []
    for case_id in case_ids:
        with recording(store, person, "release", case_id=case_id) as book:
            standing = _standing(book.connection)
            if standing is None or standing.number != rule_number:
                raise CaseRefused("the release rule was changed; look at the list again")
            case = open_case(book.connection, case_id)
            found = _releasable(book.connection, case_id, standing.rule, person)
            if isinstance(found, str):
                refused.append(f"{case.accession}: {found}")
                continue
            row = release_row(standing)
            reason = release_sentence(row)
            book.detail = reason
            snapshot = snapshot_of(book.connection, case, person, reason, book.now, row)
            signed.append(write_signature(book, case, person, reason, snapshot))
    if signed:
        anchor(store)
    return signed, refused


def release_row(standing: StandingRule) -> ReleaseRow:
    """The rule as a snapshot names it."""
    rule = standing.rule
    return {
        "rule": standing.number,
        "conditions": list(rule.conditions),
        "minimum_cells": rule.minimum_cells,
    }


def release_sentence(row: ReleaseRow) -> str:
    """What every form of such a case says."""
    asked = ", ".join(row["conditions"])
    if "enough cells" in row["conditions"]:
        asked = asked.replace("enough cells", f"at least {row['minimum_cells']} cells")
    return (
        f"Signed in a batch under release rule {row['rule']} ({asked}): the classes are the "
        "program's, and no person looked at each cell."
    )
