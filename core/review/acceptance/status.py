"""Has this laboratory accepted the models that answer: decided here and only here.

Screens, the command line, CSV, JSON, FHIR and the report ask this module, so that one word is said
everywhere. It loads no network library and reads a few short columns, so any screen may ask it.

``lab_acceptance``     the decision, from the signed acceptances and the models of an answer
``LabAcceptances``     the signed acceptances of one moment, which answer for models and findings
``in_review_store``    those of this installation, also where its database cannot be read
``of_case``            the decisions about the models of a case
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require, roles_with
from core.records import PalmCall, SmearFinding
from core.review.record import review_store as stores
from core.review.record import roster
from core.review.record.case_rows import CasePicture, case_in, pictures_in
from core.review.record.review_store import ReviewStore
from core.settings import settings
from core.store.database import DatabaseRefused
from core.store.review_schema import acceptances

Status = Literal["accepted", "not_accepted_here", "failed", "unknown"]
"""``failed``: the last acceptance of exactly these models did not meet its limits. ``unknown``: the
database of the acceptances cannot be read. The words are those of CSV and JSON files."""

KEY: Final = "lab_acceptance"
"""Under which the status stands in JSON, and the column of CSV files."""

_TESTED: Final = ("locator", "wbc")
"""What a lab acceptance measures: cells by the locator, classes by the white-cell classifier."""


@dataclass(frozen=True)
class SignedAcceptance:
    """What a signed acceptance says in short. The models are identities, ``name@hash``."""

    wbc_model: str
    locator_model: str
    accepted: bool
    title: str
    signed_name: str
    signed_at: datetime


@dataclass(frozen=True)
class LabAcceptance:
    """The decision about the models of one answer.

    ``signed`` is the acceptance of these very models, None without one. ``other`` is the
    laboratory's last acceptance of other models, where these have none: None means that this
    laboratory has never used Lab acceptance. ``tested`` is False for models that no lab acceptance
    measures.
    """

    status: Status
    signed: SignedAcceptance | None = None
    other: SignedAcceptance | None = None
    tested: bool = True

    @property
    def is_quiet(self) -> bool:
        """Is a quiet line enough: nothing is wrong, or this laboratory accepts no models at all.

        A mark that is always up is not read.
        """
        if not self.tested or self.status == "accepted":
            return True
        return self.status == "not_accepted_here" and self.other is None

    @property
    def words(self) -> str:
        """A few words to stand beside a model's name, without a full stop."""
        if self.status == "unknown":
            return "whether this laboratory accepted it cannot be read"
        if self.signed is not None:
            what = "accepted by" if self.status == "accepted" else "failed the lab acceptance of"
            return f"{what} this laboratory on {_day(self.signed)} ({self.signed.signed_name})"
        if not self.tested:
            return "not accepted by this laboratory: Lab acceptance does not test this kind"
        if self.other is not None:
            return (
                "not accepted by this laboratory, whose last acceptance "
                f"({_day(self.other)}) was of other models"
            )
        return "not accepted by this laboratory yet"


def _day(one: SignedAcceptance) -> str:
    return f"{one.signed_at:%d %b %Y}"


def lab_acceptance(models: Mapping[str, str], signed: Sequence[SignedAcceptance]) -> LabAcceptance:
    """Decide for the models of an answer.

    An acceptance holds for a pair: another locator cuts other cells for the same classifier. Where
    no classifier answered (a field without white cells) the locator alone decides.

    Args:
        models: task -> identity of every model that answered: ``locator``, ``wbc``, ``counts`` for
            a count by regression, ``palm``.
        signed: the signed acceptances, the newest first.
    """
    tested = {task: identity for task, identity in models.items() if task in _TESTED}
    if len(tested) < len(models) or not tested:
        return LabAcceptance("not_accepted_here", other=signed[0] if signed else None, tested=False)
    for one in signed:
        pair = {"locator": one.locator_model, "wbc": one.wbc_model}
        if all(pair[task] == identity for task, identity in tested.items()):
            return LabAcceptance("accepted" if one.accepted else "failed", signed=one)
    return LabAcceptance("not_accepted_here", other=signed[0] if signed else None)


def models_of(finding: SmearFinding) -> dict[str, str]:
    """The models that gave a finding's counts and classes, by task."""
    found = {}
    if finding.method == "regression":
        found["counts"] = finding.model
    else:
        found["locator"] = finding.model
    if finding.locator is not None:
        found["locator"] = finding.locator.model
    call = next((cell.wbc for cell in finding.cells if cell.wbc), None)
    if call is not None:
        found["wbc"] = call.model
    return found


@dataclass(frozen=True)
class LabAcceptances:
    """The acceptances that were signed at one moment, the newest first."""

    signed: tuple[SignedAcceptance, ...] = ()
    readable: bool = True

    def of(self, models: Mapping[str, str]) -> LabAcceptance:
        """The decision about models, by task as in :func:`lab_acceptance`."""
        if not self.readable:
            return LabAcceptance("unknown")
        return lab_acceptance(models, self.signed)

    def of_picture(self, models: Mapping[str, str]) -> LabAcceptance:
        """The same for the models that a picture of a case names.

        The second count of a field and the files that prepare pictures are named there too, but
        what a case says rests on neither.
        """
        return self.of({t: m for t, m in models.items() if t in (*_TESTED, "palm")})

    def of_finding(self, finding: SmearFinding) -> LabAcceptance:
        """The same for a smear that was just analysed."""
        return self.of(models_of(finding))

    def status_of_finding(self, finding: SmearFinding) -> Status:
        """The word for tables and JSON."""
        return self.of_finding(finding).status

    def status_of_palm(self, call: PalmCall) -> Status:
        """The same for a palm."""
        return self.of({"palm": call.model}).status


def acceptances_in(connection: Connection, until: datetime | None = None) -> LabAcceptances:
    """The acceptances signed so far, or up to a moment, such as that of a signature."""
    columns = [acceptances.c[name] for name in SignedAcceptance.__dataclass_fields__]
    query = select(*columns).order_by(acceptances.c.id.desc())
    if until is not None:
        query = query.where(acceptances.c.signed_at <= until)
    rows = connection.execute(query).all()
    return LabAcceptances(tuple(SignedAcceptance(**row._mapping) for row in rows))


def in_review_store() -> LabAcceptances:
    """Those of the review's database, which is made if there is none yet.

    A database that cannot be read makes every status ``unknown``, since an answer must not fail for
    that.
    """
    try:
        with stores.review_store().database.read() as connection:
            return acceptances_in(connection)
    except (DatabaseRefused, OSError):
        return LabAcceptances(readable=False)


def known_here() -> LabAcceptances:
    """The same for commands: where nobody has used the review, no database is made to ask it."""
    site = settings()
    if not site.database_url and not (site.var / "hemadesk.db").exists():
        return LabAcceptances()
    return in_review_store()


def of_pictures(
    acceptances: LabAcceptances, pictures: Iterable[CasePicture]
) -> tuple[tuple[LabAcceptance, tuple[str, ...]], ...]:
    """The decisions about the models of a case, each with ``smear``, ``palm`` or both."""
    found: dict[LabAcceptance, list[str]] = {}
    for picture in pictures:
        kind = "palm" if picture.kind == "palm" else "smear"
        kinds = found.setdefault(acceptances.of_picture(picture.models), [])
        if kind not in kinds:
            kinds.append(kind)
    return tuple((one, tuple(kinds)) for one, kinds in found.items())


def of_case(
    store: ReviewStore, person: Person, case_id: int
) -> tuple[tuple[LabAcceptance, tuple[str, ...]], ...]:
    """The same for a case: as at its signature, or as it is now. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        known = acceptances_in(connection, case.signed_at if case.is_closed else None)
        return of_pictures(known, pictures_in(connection, case_id))


def who_may_accept(store: ReviewStore, person: Person) -> str:
    """A sentence for somebody who may not sign an acceptance: the people and the roles who may.

    Raises NotAllowed.
    """
    require(person, "view")
    with store.database.read() as connection:
        names = [one.name for one in roster.may_do(connection, "accept")]
    roles = " or ".join(roles_with("accept"))
    if not names:
        return (
            f"An acceptance is signed by somebody with the role {roles}; nobody on the list of "
            "people has it, and an administrator can give it."
        )
    return f"An acceptance is signed by somebody with the role {roles}: here {', '.join(names)}."
