"""Somebody signed in. The list of them is in ``roster``."""

from dataclasses import dataclass
from typing import Final

from core.access.rights import RIGHTS, Role

LOCAL_SUBJECT: Final = "local"
"""The person at a computer that nobody else reaches."""


@dataclass(frozen=True)
class Person:
    """Who does something. ``subject`` is what the sign-in knows them by, and never changes.

    ``more_roles`` are further roles: the rights of all of them together are the person's.
    """

    name: str
    role: Role
    subject: str
    more_roles: tuple[Role, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Every role, each once, the first one first."""
        return tuple(dict.fromkeys((self.role, *self.more_roles)))

    def __post_init__(self) -> None:
        for role in self.roles:
            if role not in RIGHTS:
                raise ValueError(f"unknown role {role!r}; known are {', '.join(RIGHTS)}")
        if not self.name.strip() or not self.subject.strip():
            raise ValueError("a person has a name and a subject")


AT_THE_TERMINAL: Final = Person("at a terminal", "local", "terminal")
"""Whoever can type commands on the computer can reach its database and files anyway."""
