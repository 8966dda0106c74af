"""Files that an intake leaves out: it never stops at one, and lists each with its reason."""

from dataclasses import dataclass


class DataRefused(ValueError):
    """A folder that cannot be trained on; the message says why and what is expected."""


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and why."""

    file: str
    reason: str
