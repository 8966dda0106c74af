"""Classes beside the shipped ones: those that only readers use, and the table of a site's own.

The table is a CSV file in UTF-8 with a header. ``class`` and ``title`` are required:

| column | meaning |
|---|---|
| class | the name that is stored and exported: small letters, digits and ``_``, at most 40 |
| title | words for screens and reports |
| key | the letter or digit a reader types; empty: the class is chosen with the mouse |
| parent | the model's class that a training learns these cells as; empty: no training uses them |
| critical | ``yes`` or ``no`` (default): must a person see such a cell before anything else |
| leukocyte | ``yes`` (default) or ``no``: does it count in the differential |
| learnt | ``yes`` or ``no`` (default): does a training learn it as itself, not as its parent |
| code, code_system | its code in FHIR and HL7, and the system's URI (default LOINC) |
"""

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.files import write_atomically

LOINC: Final = "http://loinc.org"
COLUMNS: Final = (
    "class", "title", "key", "parent", "critical", "leukocyte", "learnt", "code", "code_system",
)  # fmt: skip
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST: Final = 100


@dataclass(frozen=True)
class ReaderClass:
    """A class of white cells that the shipped models do not tell.

    ``model_class`` is the class of the shipped models that such a cell belongs to and is compared
    by, None where there is none. A training learns it as that class, or where ``learnt`` as a class
    of its own. ``part_of`` is the row of the differential that includes it, None where it
    has a row of its own. ``code`` may be empty.
    """

    label: str
    title: str
    key: str
    model_class: str | None
    part_of: str | None = None
    critical: bool = False
    leukocyte: bool = True
    code: str = ""
    code_system: str = LOINC
    learnt: bool = False

    @property
    def training_class(self) -> str | None:
        """What a training learns such a cell as; None where it cannot use it."""
        return self.label if self.learnt else self.model_class


@dataclass(frozen=True)
class SiteClasses:
    """The site's own classes, and a sentence for each row that is not used."""

    classes: tuple[ReaderClass, ...] = ()
    problems: tuple[str, ...] = ()


def read_site_classes(
    file: Path, *, models: Collection[str], labels: Collection[str], keys: Collection[str]
) -> SiteClasses:
    """Read a site's table. A row that cannot be used is left out and said; the others hold.

    Args:
        file: the CSV file.
        models: classes that may be named as a parent.
        labels: class names that are in use already.
        keys: keys that are in use already, upper case.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
    except (OSError, UnicodeError, csv.Error) as error:
        return SiteClasses((), (f"{file.name}: cannot be read as CSV in UTF-8 ({error})",))
    missing = [name for name in ("class", "title") if not rows or name not in rows[0]]
    if missing:
        return SiteClasses((), (f"{file.name}: needs a header with class and title, and a row",))
    found: list[ReaderClass] = []
    problems: list[str] = []
    for number, row in enumerate(rows[:_MOST], start=2):
        taken_labels = {*labels, *(one.label for one in found)}
        taken_keys = {*keys, *(one.key for one in found if one.key)}
        try:
            found.append(_class_of(row, models, taken_labels, taken_keys))
        except ValueError as error:
            problems.append(f"{file.name}, line {number}: {error}")
    if len(rows) > _MOST:
        problems.append(f"{file.name}: only the first {_MOST} classes are used")
    return SiteClasses(tuple(found), tuple(problems))


def is_class_name(label: str) -> bool:
    """Can a class be called so: small letters, digits and ``_``, beginning with a letter."""
    return _NAME.fullmatch(label) is not None


def class_name(words: str) -> str:
    """The name under which a title or a folder's name is stored: ``Atypical lymphocyte`` ->
    ``atypical_lymphocyte``; may be no allowed name where the words hold no letters.
    """
    return re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")[:40].rstrip("_")


def write_site_classes(file: Path, classes: Collection[ReaderClass]) -> None:
    """Write a table that :func:`read_site_classes` reads; the file is replaced as a whole."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(_row(one) for one in classes)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text.getvalue())


def checked(
    one: ReaderClass,
    *,
    models: Collection[str],
    labels: Collection[str],
    keys: Collection[str],
) -> ReaderClass:
    """A class as a table would give it; arguments as of :func:`read_site_classes`.

    Raises:
        ValueError: where a table could not hold it.
    """
    return _class_of({**_row(one)}, models, labels, keys)


def _row(one: ReaderClass) -> dict[str, str]:
    words = {True: "yes", False: "no"}
    return {
        "class": one.label,
        "title": one.title,
        "key": one.key,
        "parent": one.model_class or "",
        "critical": words[one.critical],
        "leukocyte": words[one.leukocyte],
        "learnt": words[one.learnt],
        "code": one.code,
        "code_system": one.code_system,
    }


def _class_of(
    row: dict[str, str | None],
    models: Collection[str],
    labels: Collection[str],
    keys: Collection[str],
) -> ReaderClass:
    value = {name: (row.get(name) or "").strip() for name in COLUMNS}
    label, key, parent = value["class"], value["key"].upper(), value["parent"]
    if not _NAME.fullmatch(label):
        raise ValueError(
            f"class {label!r}: up to 40 small letters, digits and _, beginning with a letter"
        )
    if label in labels:
        raise ValueError(f"class {label!r} is there already")
    if not value["title"] or len(value["title"]) > 60:
        raise ValueError(f"class {label!r} needs a title of at most 60 characters")
    if key and (len(key) != 1 or not key.isalnum() or not key.isascii()):
        raise ValueError(f"class {label!r}: the key is one letter or digit, got {value['key']!r}")
    if key in keys:
        raise ValueError(f"class {label!r}: the key {key} is in use already")
    if parent and parent not in models:
        raise ValueError(f"class {label!r}: parent {parent!r} is not one of {', '.join(models)}")
    return ReaderClass(
        label=label,
        title=value["title"],
        key=key,
        model_class=parent or None,
        critical=_yes(label, "critical", value["critical"], default=False),
        leukocyte=_yes(label, "leukocyte", value["leukocyte"], default=True),
        learnt=_yes(label, "learnt", value["learnt"], default=False),
        code=value["code"],
        code_system=value["code_system"] or LOINC,
    )


def _yes(label: str, column: str, word: str, *, default: bool) -> bool:
    if not word:
        return default
    if word.lower() not in ("yes", "no"):
        raise ValueError(f"class {label!r}: {column} is yes or no, got {word!r}")
    return word.lower() == "yes"
