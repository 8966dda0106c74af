"""A laboratory's own name of a folder becomes a class that a training learns.

Loads no network library.
"""

from dataclasses import replace
from pathlib import Path

from core.access.people import Person
from core.access.rights import require
from core.site_classes import ReaderClass, class_name
from core.taxonomy import add_classes, is_critical, read_classes


def new_class(
    title: str,
    *,
    parent: str = "",
    critical: bool = False,
    leukocyte: bool = True,
    key: str = "",
    code: str = "",
    code_system: str = "",
) -> ReaderClass:
    """A class as a person describes it; its name is made from the title.

    A child of a critical class is no less critical than its parent.

    Args:
        title: words for screens and reports.
        parent: the shipped class that such a cell belongs to, empty where it belongs to none.
        critical: must a person see such a cell before anything else.
        leukocyte: does it count in the differential.
        key: letter or digit that readers type, empty for none.
        code: its code in FHIR and HL7, which may be empty.
        code_system: URI of the code's system, LOINC where empty.
    """
    words = " ".join(title.split())
    named = ReaderClass(
        label=class_name(words),
        title=words,
        key=key.strip(),
        model_class=parent or None,
        critical=critical or is_critical(parent),
        leukocyte=leukocyte,
        code=code.strip(),
        learnt=True,
    )
    system = code_system.strip()
    return replace(named, code_system=system) if system else named


def add(one: ReaderClass, who: Person) -> None:
    """Take a class into those of this installation; readers see it at once.

    Raises:
        ValueError: if its name or key is taken, or a field is not allowed.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    add_classes([one])


def add_file(file: Path, who: Person) -> tuple[str, ...]:
    """Take the classes of a table (:mod:`core.site_classes`), each of them to be learnt.

    Returns:
        Their names.

    Raises:
        ValueError: naming what in the file cannot be taken; then nothing is.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    found = [replace(one, learnt=True) for one in read_classes(file)]
    add_classes(found)
    return tuple(one.label for one in found)
