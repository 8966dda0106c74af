"""Somebody signed in. The list of them is in ``roster``."""

from dataclasses import dataclass
from typing import Final

from core.access.rights import RIGHTS, Role

LOCAL_SUBJECT: Final = "local"
"""The person at a computer that nobody else reaches."""


@dataclass(frozen=True)
class Person:
    """Who does something. ``subject`` is what the sign-in knows them by, and never changes."""

    name: str
    role: Role
    subject: str

    def __post_init__(self) -> None:
        if self.role not in RIGHTS:
            raise ValueError(f"unknown role {self.role!r}; known are {', '.join(RIGHTS)}")
        if not self.name.strip() or not self.subject.strip():
            raise ValueError("a person has a name and a subject")


AT_THE_TERMINAL: Final = Person("at a terminal", "local", "terminal")
"""Whoever can type commands on the computer can reach its database and files anyway."""
