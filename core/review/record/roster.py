"""The list of people: an administrator adds them, gives them their role, takes them off.

Nobody is ever deleted: what they signed names them. Every change is an entry of the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, func, select

from core.access.people import LOCAL_SUBJECT, Person
from core.access.rights import ROLES, Right, Role, may, require
from core.access.sign_in import SignInRefused, named_administrator
from core.review.record.ledger import Recording, recording
from core.review.record.review_store import ReviewStore
from core.store.review_schema import people

_LONGEST_NAME = 120
_LONGEST_SUBJECT = 255


class RosterRefused(ValueError):
    """A change of the list that is not possible; the message says why."""


@dataclass(frozen=True)
class Listed:
    """One line of the list. ``active`` is False for somebody who may not sign in any more."""

    person: Person
    active: bool
    since: datetime


def welcome(store: ReviewStore, subject: str, name: str) -> Person:
    """Somebody whom the sign-in has named.

    The administrators of the settings are put on the list the first time they come.

    Raises:
        SignInRefused: if they are not on the list, or were taken off it.
    """
    with store.database.read() as connection:
        row = connection.execute(select(people).where(people.c.subject == subject)).first()
    if row is not None and row.active:
        return _listed(row).person
    if row is not None:
        raise SignInRefused(
            f"{row.name} ({subject}) may not sign in here any more. Ask your administrator."
        )
    if not named_administrator(subject):
        raise SignInRefused(
            f"You are signed in as {subject}, whom nobody has added here yet. "
            "Ask an administrator of this site to add you on the screen Settings."
        )
    person = Person(name, "administrator", subject)
    with recording(
        store, person, "person added", detail="named in HEMADESK_ADMINISTRATORS"
    ) as book:
        again = book.connection.execute(select(people.c.id).where(people.c.subject == subject))
        if again.first() is None:
            _insert(book, person)
    return person


def everybody(store: ReviewStore, who: Person) -> list[Listed]:
    """The list, by name. Raises NotAllowed for all but administrators."""
    require(who, "manage_people")
    with store.database.read() as connection:
        rows = connection.execute(select(people).order_by(func.lower(people.c.name)))
        return [_listed(row) for row in rows]


def add(
    store: ReviewStore,
    who: Person,
    *,
    subject: str,
    name: str,
    role: Role,
    more: Sequence[Role] = (),
) -> Person:
    """Put somebody on the list, with a role and further ones.

    Raises:
        NotAllowed: for all but administrators.
        RosterRefused: if the name is missing or the subject is on the list already.
    """
    require(who, "manage_people")
    subject, name = subject.strip().casefold(), " ".join(name.split())
    for one in (role, *more):
        _check_role(one)
    if not subject or len(subject) > _LONGEST_SUBJECT or subject == LOCAL_SUBJECT:
        raise RosterRefused("give the account by which the sign-in knows them, such as an address")
    if not name or len(name) > _LONGEST_NAME:
        raise RosterRefused(f"give a name of 1 to {_LONGEST_NAME} characters")
    person = Person(name, role, subject, tuple(more))
    detail = f"{name}, {', '.join(person.roles)}"
    with recording(store, who, "person added", detail=detail) as book:
        known = book.connection.execute(select(people).where(people.c.subject == subject)).first()
        if known is not None:
            raise RosterRefused(f"{subject} is on the list already, as {known.name}")
        _insert(book, person)
    return person


def change_role(
    store: ReviewStore, who: Person, subject: str, role: Role, more: Sequence[Role] = ()
) -> None:
    """Give somebody another role, and further ones; they hold from their next click on.

    Raises:
        NotAllowed: for all but administrators.
        RosterRefused: if they are not on the list, or are the last administrator.
    """
    require(who, "manage_people")
    roles = tuple(dict.fromkeys((role, *more)))
    for one in roles:
        _check_role(one)
    with recording(store, who, "role changed", detail=f"{subject}: {', '.join(roles)}") as book:
        row = _row(book, subject)
        if _listed(row).person.roles == roles:
            return
        if "administrator" not in roles:
            _keep_one_administrator(book, row)
        book.update(people, row.id, role=role, more_roles=" ".join(roles[1:]) or None)


def set_active(store: ReviewStore, who: Person, subject: str, active: bool) -> None:
    """Let somebody sign in, or no longer.

    Raises:
        NotAllowed: for all but administrators.
        RosterRefused: if they are not on the list, or are the last administrator.
    """
    require(who, "manage_people")
    action = "person let in again" if active else "person taken off"
    with recording(store, who, action, detail=subject) as book:
        row = _row(book, subject)
        if row.active == active:
            return
        if not active:
            _keep_one_administrator(book, row)
        book.update(people, row.id, active=active)


def may_do(connection: Connection, right: Right) -> list[Person]:
    """People who may sign in and have a right, by name."""
    rows = connection.execute(select(people).where(people.c.active).order_by(people.c.name))
    return [person for row in rows if may(person := _listed(row).person, right)]


def who_may_not(connection: Connection, right: Right) -> frozenset[str]:
    """Subjects on the list, taken off it or not, whose roles do not include a right."""
    rows = connection.execute(select(people))
    return frozenset(p.subject for row in rows if not may(p := _listed(row).person, right))


def _insert(book: Recording, person: Person) -> None:
    values = {
        "name": person.name,
        "subject": person.subject,
        "role": person.role,
        "more_roles": " ".join(person.roles[1:]) or None,
    }
    book.insert(people, {**values, "active": True, "created_at": book.now})


def _row(book: Recording, subject: str) -> Row[Any]:
    row = book.connection.execute(select(people).where(people.c.subject == subject)).first()
    if row is None:
        raise RosterRefused(f"{subject} is not on the list")
    return row


def _keep_one_administrator(book: Recording, row: Row[Any]) -> None:
    if "administrator" not in _listed(row).person.roles or not row.active:
        return
    others = select(people).where(people.c.active, people.c.id != row.id)
    listed = [_listed(other).person.roles for other in book.connection.execute(others)]
    if not any("administrator" in roles for roles in listed):
        raise RosterRefused(f"{row.name} is the last administrator; make somebody else one before")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise RosterRefused(f"unknown role {role!r}; known are {', '.join(ROLES)}")


def _listed(row: Row[Any]) -> Listed:
    more = cast(tuple[Role, ...], tuple((row.more_roles or "").split()))
    person = Person(row.name, cast(Role, row.role), row.subject, more)
    return Listed(person, bool(row.active), row.created_at)
