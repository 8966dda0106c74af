"""Changing a setting of the site on the page: who may, what is allowed, what changed when."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError
from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.settings import Settings, settings
from core.store import kept_settings
from core.store.kept_settings import CHANGEABLE, When
from core.store.review_schema import site_settings

Source = Literal["environment", "page", "default"]
"""Where the value that counts comes from."""

Kind = Literal["text", "number", "whole number", "choice", "yes or no"]


class SettingRefused(ValueError):
    """A value is not allowed; the message says what is."""


@dataclass(frozen=True)
class Known:
    """A setting that can be changed on the page, with the value that counts now.

    ``least`` and ``most`` are its bounds (of a text: its length), ``least`` itself is not allowed
    where it must lie ``above``.
    """

    name: str
    words: str
    kind: Kind
    value: Any
    default: Any
    least: float | None
    above: bool
    most: float | None
    choices: tuple[str, ...]
    source: Source
    when: When

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"HEMADESK_{self.name.upper()}"

    @property
    def allowed(self) -> str:
        """What may be set, in words."""
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind in ("yes or no", "text"):
            longest = f", up to {self.most:g} characters" if self.most is not None else ""
            return self.kind + longest
        least = f"{self.least:,g}" if self.least is not None else ""
        if self.above:
            return f"above {least}" + (f", up to {self.most:,g}" if self.most is not None else "")
        most = f"{self.most:,g}" if self.most is not None else ""
        if least and most:
            return f"{least} to {most}"
        return f"{least} or more" if least else (f"up to {most}" if most else self.kind)


@dataclass(frozen=True)
class SettingChange:
    """One change as it was made. ``value`` is None where it went back to the default."""

    name: str
    was: Any
    value: Any
    by: str
    at: datetime


def known(store: ReviewStore, person: Person) -> list[Known]:
    """Every setting that can be changed on the page. Raises NotAllowed, Unavailable."""
    require(person, "configure")
    with store.database.read() as connection:
        on_page = kept_settings.kept(connection)
    return [_known(name, name in on_page) for name in CHANGEABLE]


def changes(store: ReviewStore, person: Person) -> list[SettingChange]:
    """Every change of a setting, the newest first. Raises NotAllowed, Unavailable."""
    require(person, "configure")
    with store.database.read() as connection:
        rows = connection.execute(select(site_settings).order_by(site_settings.c.id.desc())).all()
    return [
        SettingChange(
            row.name,
            json.loads(row.was),
            None if row.value is None else json.loads(row.value),
            row.changed_name,
            row.changed_at,
        )
        for row in rows
    ]


def change(store: ReviewStore, person: Person, name: str, value: Any | None) -> bool:
    """Set a setting, or (None) take it back to its default; with an entry in the ledger.

    Returns:
        Was anything changed; what stands already is not written again.

    Raises:
        NotAllowed: without the right to configure.
        SettingRefused: an unknown setting, one that the environment names, a value not allowed.
        NotSaved: if the database is gone, locked or full.
    """
    require(person, "configure")
    site = settings()
    if name not in CHANGEABLE:
        raise SettingRefused(f"{name} cannot be changed here")
    if name in site.named:
        raise SettingRefused(
            f"HEMADESK_{name.upper()} is set in the environment, which wins; change it there"
        )
    if value is not None:
        value = _checked(name, value)
    with store.database.read() as connection:
        kept = kept_settings.kept(connection)
    if kept.get(name) == value:
        return False
    was = kept.get(name, Settings.model_fields[name].default)
    words = f"{name}: {_short(was)} to {'its default' if value is None else _short(value)}"
    with recording(store, person, "setting", detail=words) as book:
        book.insert(
            site_settings,
            {
                "name": name,
                "value": None if value is None else json.dumps(value),
                "was": json.dumps(was),
                "changed_by": person.subject,
                "changed_name": person.name,
                "changed_at": book.now,
            },
        )
    refresh(store)
    return True


def refresh(store: ReviewStore) -> None:
    """Take up what was changed on the page, here or by another server of this database."""
    with store.database.read() as connection:
        kept_settings.apply(connection)


def _checked(name: str, value: Any) -> Any:
    """The value as the settings hold it. Raises SettingRefused."""
    site = settings()
    others = {one: getattr(site, one) for one in CHANGEABLE if one not in (name, "laboratory")}
    try:
        wanted = Settings(**{**others, name: value})
    except ValidationError as error:
        found = error.errors()[0]["msg"]
        raise SettingRefused(f"{value!r} is not allowed for {name}: {found}") from error
    if wanted.min_side_px > wanted.max_side_px:
        raise SettingRefused("the smallest side would be larger than the largest side")
    if 0 < wanted.erase_after_years < wanted.keep_signed_years:
        raise SettingRefused("cases would be due to be erased before they may be")
    plain: Any = value if name == "laboratory" else getattr(wanted, name)
    return plain


_KINDS: Final[dict[object, Kind]] = {
    bool: "yes or no",
    int: "whole number",
    float: "number",
    str: "text",
}


def _known(name: str, on_page: bool) -> Known:
    field = Settings.model_fields[name]
    site = settings()
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    source: Source = "environment" if name in site.named else "page" if on_page else "default"
    return Known(
        name=name,
        words=field.description or "",
        kind="choice" if choices else _KINDS[field.annotation],
        value=getattr(site, name),
        default=field.default,
        least=_bound(field.metadata, "ge", "gt"),
        above=_bound(field.metadata, "gt") is not None,
        most=_bound(field.metadata, "le", "max_length"),
        choices=choices,
        source=source,
        when=CHANGEABLE[name],
    )


def _bound(rules: list[Any], *names: str) -> float | None:
    found = [getattr(rule, name) for rule in rules for name in names if hasattr(rule, name)]
    return float(found[0]) if found else None


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
