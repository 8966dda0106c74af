"""Who may do what. Every function of ``core.review`` that changes something asks here first.

The menu hides what a role may not open, but a hidden button protects nothing: the check is in
the function that does the work.
"""

from typing import Final, Literal, Protocol, get_args

from core.settings import settings

Role = Literal[
    "technologist", "pathologist", "director", "trainer", "administrator", "viewer", "local",
    "visitor",
]  # fmt: skip
"""``local`` is the one person at a computer that nobody else reaches, ``visitor`` anybody who opens
a public demo; neither is ever given away."""

Right = Literal[
    "view",
    "read",
    "upload",
    "analyse",
    "preclassify",
    "review",
    "sign",
    "accept",
    "train",
    "promote",
    "configure",
    "manage_people",
    "erase",
]
"""``view`` is being on the site, ``read`` opening cases and their reports, which changes nothing.
``preclassify`` is naming cells before a pathologist reads the case; it is never a right to sign.
``accept`` is signing a lab acceptance, ``sign`` signing a case. ``erase`` is removing cases for
good."""

ROLES: Final[tuple[Role, ...]] = (
    "technologist",
    "pathologist",
    "director",
    "trainer",
    "administrator",
    "viewer",
)
"""The roles an administrator can give."""

RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    "technologist": frozenset({"view", "read", "upload", "analyse"}),
    "pathologist": frozenset({"view", "read", "preclassify", "review", "sign", "accept"}),
    "director": frozenset({"view", "read", "accept"}),
    "trainer": frozenset({"view", "read", "train", "promote"}),
    "administrator": frozenset({"view", "read", "configure", "manage_people", "erase"}),
    "viewer": frozenset({"view", "read"}),
    "local": frozenset(get_args(Right)),
    "visitor": frozenset({"view", "read", "analyse"}),
}

_WORDS: Final[dict[Right, str]] = {
    "view": "look at this site",
    "read": "open cases",
    "upload": "put pictures into cases",
    "analyse": "analyse pictures",
    "preclassify": "classify cells before the review",
    "review": "review cells",
    "sign": "sign cases",
    "accept": "sign a lab acceptance",
    "train": "train models",
    "promote": "make a model live",
    "configure": "change the site's settings",
    "manage_people": "change who may do what",
    "erase": "erase cases",
}


class NotAllowed(PermissionError):
    """A person's role does not include the right; the message says which role does."""


class HasRoles(Protocol):
    """Somebody with a name and roles: a :class:`core.access.people.Person`."""

    @property
    def name(self) -> str: ...

    @property
    def roles(self) -> tuple[Role, ...]: ...


def may(person: HasRoles, right: Right) -> bool:
    """Whether one of this person's roles includes the right.

    Technologists may pre-classify where the site lets them (``technologists_preclassify``).
    """
    if any(right in RIGHTS[role] for role in person.roles):
        return True
    allowed = right == "preclassify" and settings().technologists_preclassify
    return allowed and "technologist" in person.roles


def roles_with(right: Right) -> tuple[Role, ...]:
    """The roles that an administrator can give and that include a right."""
    return tuple(role for role in ROLES if right in RIGHTS[role])


def require(person: HasRoles, right: Right) -> None:
    """Check that ``person`` has ``right``.

    Raises:
        NotAllowed: with a sentence for the person on the screen.
    """
    if not may(person, right):
        roles = " or ".join(roles_with(right))
        raise NotAllowed(
            f"{person.name} ({', '.join(person.roles)}) may not {_WORDS[right]}: that takes the "
            f"role {roles}."
        )


def require_any(person: HasRoles, *rights: Right) -> None:
    """Check that ``person`` has one of these rights. Raises NotAllowed about the first."""
    if not any(may(person, right) for right in rights):
        require(person, rights[0])
