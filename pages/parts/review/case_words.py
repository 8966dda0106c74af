"""A case in words: its state, its urgency, who has it."""

from datetime import UTC, datetime
from typing import Final

from core.access.people import Person
from core.review.case.cases import Case
from pages.parts.wording import plain

STATES: Final[dict[str, str]] = {
    "new": "new",
    "in_review": "in review",
    "second_review": "second review",
    "signed": "signed",
    "amended": "signed, amended",
}

_PRIORITY_BADGES: Final[dict[str, str]] = {
    "critical": ":red-badge[critical]",
    "disagreement": ":violet-badge[disagreement]",
    "doubt": ":orange-badge[check]",
    "routine": ":gray-badge[routine]",
}


def state(case: Case) -> str:
    """``second review``; once both have read, ``to be settled``; ``cancelled``."""
    if case.is_cancelled:
        return "cancelled"
    if case.reading == 3 and not case.is_closed:
        return "to be settled"
    return STATES[case.state]


def state_badge(case: Case) -> str:
    """Markdown for the state; violet once it is signed."""
    return f":{'violet' if case.is_closed else 'gray'}-badge[{state(case)}]"


def priority_badge(priority: str) -> str:
    """Markdown for the urgency: a colour and its word."""
    return _PRIORITY_BADGES[priority]


def patient(case: Case) -> str:
    """``P-17, female, 54 years`` as Markdown: what is known, in the order of a request form."""
    return plain(patient_words(case))


def patient_words(case: Case) -> str:
    """The same as plain text."""
    parts = [case.pseudonym] if case.pseudonym else []
    if case.sex != "unknown":
        parts.append(case.sex)
    if case.age_years is not None:
        parts.append(f"{case.age_years} years")
    return ", ".join(parts) or "no details"


def holder(case: Case, who: Person) -> str:
    """Who has the case and since when, as Markdown."""
    return plain(holder_words(case, who))


def holder_words(case: Case, who: Person) -> str:
    """The same as plain text."""
    if case.assigned_to is None:
        return "nobody"
    name = "you" if case.assigned_to == who.subject else case.assigned_name or "somebody"
    return f"{name}, since {ago(case.assigned_since)}" if case.assigned_since else name


def ago(moment: datetime) -> str:
    """``12 min``, ``3 h``, ``5 days``: how long ago, rounded down."""
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"
