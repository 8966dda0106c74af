"""What the review refuses, in words for the person who can act."""

from dataclasses import dataclass
from datetime import datetime

from core.store.faults import Unavailable


class CaseRefused(ValueError):
    """Something a case does not allow now; the message says what and why."""


class NotSaved(CaseRefused, Unavailable):
    """The database could not be written: nothing of what was done last is saved."""


class LooksLikeIdentity(CaseRefused):
    """A pseudonym that may name the patient: a person must say that it does not."""

    def __init__(self, pseudonym: str, looks_like: str) -> None:
        super().__init__(
            f"the pseudonym {pseudonym} looks like {looks_like}; a case holds no names or dates of "
            "birth. Use a code, or confirm that this is one"
        )
        self.pseudonym, self.looks_like = pseudonym, looks_like


class TakenByOther(CaseRefused):
    """Somebody else has the case. ``name`` and ``since`` say who."""

    def __init__(self, name: str, since: datetime | None) -> None:
        super().__init__(f"{name} has this case; ask them, or take it over")
        self.name, self.since = name, since


@dataclass(frozen=True)
class Conflict:
    """One value that somebody else saved first; ``yours`` was not saved.

    ``what`` is ``answer``, ``box``, ``remark``, ``grade`` or ``case``; ``row`` its number (of the
    cell for answers and boxes). ``revision`` is the one to send to replace theirs knowingly.
    """

    what: str
    row: int
    yours: str
    theirs: str
    by: str
    at: datetime | None
    revision: int


class StaleEdit(ValueError):
    """Somebody else changed it in the meantime: nothing was saved. ``conflicts`` has both sides."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        first = conflicts[0]
        more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        super().__init__(
            f"{first.by or 'somebody'} saved {first.theirs!r} in the meantime, yours is "
            f"{first.yours!r}{more}; nothing was overwritten"
        )
        self.conflicts = conflicts


class SignatureBlocked(CaseRefused):
    """A case that cannot be signed yet; ``blockers`` say why."""

    def __init__(self, blockers: tuple["Blocker", ...]) -> None:
        super().__init__("; ".join(blocker.message for blocker in blockers))
        self.blockers = blockers


@dataclass(frozen=True)
class Blocker:
    """Why a case cannot be signed. With ``reason_suffices`` a stated reason lifts it."""

    code: str
    message: str
    reason_suffices: bool
    cells: tuple[int, ...] = ()


class PictureLost(ValueError):
    """A stored picture that is gone or is not what its name says."""


class LedgerBroken(ValueError):
    """The ledger cannot be written because its head is gone."""
