"""A person who is signed in; :mod:`core.review.record.roster` lists them."""

from dataclasses import dataclass
from typing import Final

from core.access.rights import RIGHTS, Role

LOCAL_SUBJECT: Final = "local"
"""The person at a computer that nobody else reaches."""


@dataclass(frozen=True)
class Person:
    """A person. ``subject`` is their identity at the sign-in, and never changes.

    ``more_roles`` are further roles: the rights of all of them together are the person's.
    """

    name: str
    role: Role
    subject: str
    more_roles: tuple[Role, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Every role once, the main one first."""
        return tuple(dict.fromkeys((self.role, *self.more_roles)))

    def __post_init__(self) -> None:
        for role in self.roles:
            if role not in RIGHTS:
                raise ValueError(f"unknown role {role!r}; known are {', '.join(RIGHTS)}")
        if not self.name.strip() or not self.subject.strip():
            raise ValueError("a person has a name and a subject")


VISITOR: Final = Person("Visitor", "visitor", "visitor")
"""Anybody who opens a public demo: looks, tries, and changes nothing."""
AT_THE_TERMINAL: Final = Person("at a terminal", "local", "terminal")
"""Has every right: who can type commands on the computer can change its files anyway."""
