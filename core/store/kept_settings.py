"""Settings that were changed on the page, as the database keeps them, applied to this process.

``settings()`` stays one object for the life of a process, so whoever holds it sees a change. What
the environment names is never touched.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from core.settings import Settings, settings
from core.store.review_schema import site_settings

When = Literal["now", "next start"]

CHANGEABLE: Final[Mapping[str, When]] = {
    "laboratory": "now",
    "laboratory_address": "now",
    "report_paper": "now",
    "second_reader": "now",
    "technologists_preclassify": "now",
    "minimum_cells": "now",
    "target_cells": "now",
    "blind_share": "now",
    "release_trial_cases": "now",
    "corrections_before_proposal": "now",
    "erase_after_years": "now",
    "keep_signed_years": "now",
    "keep_file_names": "now",
    "max_files": "now",
    "max_file_mb": "now",
    "max_megapixels": "now",
    "min_side_px": "now",
    "max_side_px": "now",
    "max_archive_mb": "now",
    "max_upload_mb_per_person": "next start",
    "max_upload_mb_in_all": "next start",
    "threads": "now",
    "parallel_runs": "now",
    "training_processes": "now",
    "heartbeat_timeout_s": "now",
    "run_mail_to": "now",
    "run_mail_from": "now",
    "session_hours": "now",
}
"""What may change while the server runs, and from when a change counts.

Not among them: folders and files of the server, passwords, addresses, and who is let in. A person
at the page could reach what only a person at the computer should."""

_log = logging.getLogger(__name__)
_applied: tuple[int, int] | None = None
"""Which object of settings was changed last, and up to which row."""


def are_applied() -> bool:
    """Has this process's settings object been given what the database keeps."""
    return _applied is not None and _applied[0] == id(settings())


def apply(connection: Connection) -> None:
    """Give this process the values that stand in the database, if a row is new to it."""
    global _applied
    last = connection.execute(select(func.max(site_settings.c.id))).scalar() or 0
    site = settings()
    if _applied == (id(site), last):
        return
    if last or are_applied():
        _give(site, kept(connection))
    _applied = (id(site), last)


def kept(connection: Connection) -> dict[str, Any]:
    """The value of each setting that stands in the database, whether or not it is used."""
    rows = connection.execute(select(site_settings).order_by(site_settings.c.id))
    newest = {row.name: row.value for row in rows}
    return {name: json.loads(value) for name, value in newest.items() if value is not None}


def _give(site: Settings, values: Mapping[str, Any]) -> None:
    usable = {name: values[name] for name in values if name in CHANGEABLE.keys() - site.named}
    fresh = _valid(usable)
    for name in CHANGEABLE.keys() - site.named:
        setattr(site, name, getattr(fresh, name))


def _valid(values: Mapping[str, Any]) -> Settings:
    """Settings with these values; those that are not allowed any more are left at their default."""
    try:
        return Settings(**values)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors() if one["loc"]} & values.keys()
        if not wrong:
            raise
        _log.warning("kept settings that are not allowed any more: %s", ", ".join(sorted(wrong)))
        return _valid({name: value for name, value in values.items() if name not in wrong})
