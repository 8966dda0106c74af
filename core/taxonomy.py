"""Cell kinds and white-cell classes: names, hierarchy, which ones are critical.

The class names are the command line's JSON vocabulary; other programs rely on them. The shipped
models tell ``WBC_CLASSES``. A reader tells more: the stages and variants of ``READER_CLASSES``, and
a site's own (:mod:`core.site_classes`), which a model that was trained here may tell too. What is
asked of an answer is asked here by function
(:func:`is_critical`, :func:`is_leukocyte`, :func:`model_class`, :func:`title`), never by a look
into one of the tables, which hold only what the shipped models know.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, get_args

from core.settings import settings
from core.site_classes import (
    ReaderClass,
    SiteClasses,
    checked,
    read_site_classes,
    write_site_classes,
)

CellKind = Literal["rbc", "wbc", "platelet"]
KINDS: Final[tuple[CellKind, ...]] = get_args(CellKind)

WBC_CLASSES: Final[tuple[str, ...]] = (
    "segmented_neutrophil",
    "band_neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "immature_granulocyte",
    "erythroblast",
    "blast",
    "platelet",
    "smudge",
)

PARENTS: Final[dict[str, str]] = {
    "segmented_neutrophil": "neutrophil",
    "band_neutrophil": "neutrophil",
    "immature_granulocyte": "granulocyte_precursor",
}
"""Class -> parent reported where the children cannot be told apart."""

CRITICAL_CLASSES: Final[frozenset[str]] = frozenset({"blast", "immature_granulocyte"})
"""Classes a person must see before anything else; the finding carries a flag for them."""

CRITICAL_FLAG: Final = "critical_cell"
"""Code of the flag by which a call or a field is critical."""

LEFT_OUT_FLAGS: Final[tuple[str, ...]] = ("not_a_smear",)
"""Codes of the flags whose fields do not count unless a person takes them in."""

WITHOUT_CLASS_FLAGS: Final[tuple[str, ...]] = ("novel_cell", "cell_not_found")
"""Codes of the flags of white-cell calls that name no class for sure, whatever their limits."""

SYNTHETIC_FLAG: Final = "synthetic_field"
"""Code of the flag of a field that the program drew: it belongs to no patient."""

UNIDENTIFIED: Final = "unidentified"
"""What a reader calls a white cell that cannot be told; not a class of any model."""

NOT_LEUKOCYTES: Final[frozenset[str]] = frozenset({"erythroblast", "platelet", "smudge"})
"""Classes a white-cell box may turn out to hold that do not count in the differential."""

READER_CLASSES: Final[tuple[ReaderClass, ...]] = (
    ReaderClass(
        "promyelocyte", "Promyelocyte", "R", "immature_granulocyte", "immature_granulocyte",
        critical=True, code="26524-9",
    ),
    ReaderClass(
        "myelocyte", "Myelocyte", "Y", "immature_granulocyte", "immature_granulocyte",
        critical=True, code="26498-6",
    ),
    ReaderClass(
        "metamyelocyte", "Metamyelocyte", "J", "immature_granulocyte", "immature_granulocyte",
        critical=True, code="740-1",
    ),
    # A blast equivalent: counted with the blasts in leukaemia, so no less urgent than they are.
    ReaderClass("promonocyte", "Promonocyte", "U", "blast", critical=True, code="30466-7"),
    ReaderClass(
        "reactive_lymphocyte", "Reactive lymphocyte", "A", "lymphocyte", "lymphocyte",
        code="13046-8",
    ),
    ReaderClass("hairy_cell", "Hairy cell", "H", "lymphocyte", "lymphocyte", code="35058-7"),
    ReaderClass("plasma_cell", "Plasma cell", "D", "lymphocyte", code="13047-6"),
    ReaderClass("other_cell", "Other white cell", "T", None, code="51586-6"),
)  # fmt: skip
"""Classes of every site that the models do not know, in the order of maturation.

Source of the classes: Palmer et al. 2015 (ICSH), nomenclature of white cells in blood films; of the
critical ones: a child of a critical class is no less critical than its parent.
"""

KEYS: Final[dict[str, str]] = {
    "segmented_neutrophil": "S",
    "band_neutrophil": "B",
    "lymphocyte": "L",
    "monocyte": "M",
    "eosinophil": "E",
    "basophil": "O",
    "immature_granulocyte": "I",
    "erythroblast": "N",
    "blast": "X",
    "smudge": "K",
    "platelet": "P",
    UNIDENTIFIED: "?",
}
"""Class -> the key a reviewer types; a reader's class names its own."""

DESK_KEYS: Final[frozenset[str]] = frozenset("ZCVFGW")
"""Letters that do something else at the review desk."""

_TITLES: Final[dict[str, str]] = {
    "rbc": "Red cells",
    "wbc": "White cells",
    "erythroblast": "Nucleated red cell",
    "smudge": "Smudge cell",
    "granulocyte_precursor": "Granulocyte precursor",
}


OWN_CLASSES: Final = "own_classes.csv"
"""The table, in the folder of the installation, of the classes that were added for a training."""


@lru_cache(maxsize=8)
def _read_site(
    file: Path, changed: tuple[int, int], before: tuple[ReaderClass, ...]
) -> SiteClasses:
    """``changed`` is only a key: the file is read again once it was changed."""
    return read_site_classes(file, models=WBC_CLASSES, labels=_labels(before), keys=_keys(before))


def _labels(more: Iterable[ReaderClass]) -> set[str]:
    """Class names in use, those of ``more`` among them."""
    known = {*WBC_CLASSES, *KINDS, *PARENTS.values(), UNIDENTIFIED}
    return known | {one.label for one in (*READER_CLASSES, *more)}


def _keys(more: Iterable[ReaderClass]) -> set[str]:
    """Keys in use, those of ``more`` among them."""
    keys = {*KEYS.values(), *DESK_KEYS}
    return keys | {one.key for one in (*READER_CLASSES, *more) if one.key}


def site_classes() -> SiteClasses:
    """The site's own classes: of the file that ``HEMADESK_SITE_CLASSES`` names, then those that
    were added for a training (:func:`add_classes`).
    """
    found = SiteClasses()
    for file, needed in ((settings().site_classes, True), (_own_file(), False)):
        if file is None:
            continue
        try:
            state = file.stat()
        except OSError:
            gone = (f"{file.name}: there is no such file",) if needed else ()
            found = SiteClasses(found.classes, found.problems + gone)
            continue
        more = _read_site(file, (state.st_mtime_ns, state.st_size), found.classes)
        found = SiteClasses(found.classes + more.classes, found.problems + more.problems)
    return found


def _own_file() -> Path:
    return settings().var / OWN_CLASSES


def read_classes(file: Path) -> tuple[ReaderClass, ...]:
    """The classes of a table, to be added; those that are there already may stand in it.

    Raises:
        ValueError: naming each line that cannot be used, or where there is no class in it.
    """
    found = read_site_classes(file, models=WBC_CLASSES, labels=_labels(()), keys=_keys(()))
    if found.problems:
        raise ValueError("; ".join(found.problems))
    return found.classes


def add_classes(classes: Sequence[ReaderClass]) -> None:
    """Take classes into those of this installation, where they stay: cells bear their names.

    One that is there already with the same meaning is passed over.

    Raises:
        ValueError: where a name or key is taken or not allowed; then none of them is added.
    """
    there = list(site_classes().classes)
    added: list[ReaderClass] = []
    for one in classes:
        if one in there:
            continue
        before = (*there, *added)
        added.append(checked(one, models=WBC_CLASSES, labels=_labels(before), keys=_keys(before)))
    if added:
        file = _own_file()
        # What another file names now is passed over when this one is read, but stays in it.
        kept = read_site_classes(file, models=WBC_CLASSES, labels=_labels(()), keys=_keys(()))
        write_site_classes(file, (*(kept.classes if file.is_file() else ()), *added))


def reader_classes() -> tuple[ReaderClass, ...]:
    """Every class that a reader can name and no shipped model tells, the site's own last."""
    return (*READER_CLASSES, *site_classes().classes)


def reader_class(label: str) -> ReaderClass | None:
    """A reader's class by its name; None for a class of the models, or one nobody knows."""
    return next((one for one in reader_classes() if one.label == label), None)


def answer_labels() -> tuple[str, ...]:
    """Whatever a reader may call a white cell; a part of a class stands right behind it."""
    extra = reader_classes()
    found: list[str] = []
    for label in WBC_CLASSES:
        found.append(label)
        found += [one.label for one in extra if label in (one.part_of, one.model_class)]
    found += [one.label for one in extra if one.label not in found]
    return (*found, UNIDENTIFIED)


def is_critical(label: str) -> bool:
    """Must a person see a cell of this class before anything else."""
    known = reader_class(label)
    return known.critical if known else label in CRITICAL_CLASSES


def critical_labels() -> frozenset[str]:
    """Every class, the readers' too, that is critical."""
    return CRITICAL_CLASSES | {one.label for one in reader_classes() if one.critical}


def is_leukocyte(label: str) -> bool:
    """Does a cell of this class count in the differential."""
    known = reader_class(label)
    return known.leukocyte if known else label not in NOT_LEUKOCYTES and label != UNIDENTIFIED


def training_class(label: str) -> str | None:
    """What a training learns cells of this class as; None where it cannot use them."""
    known = reader_class(label)
    return known.training_class if known else model_class(label)


def trainable_classes() -> tuple[str, ...]:
    """Every class that a training can learn: the shipped ones, then the site's own."""
    return (*WBC_CLASSES, *(one.label for one in reader_classes() if one.learnt))


def in_order(labels: Collection[str]) -> tuple[str, ...]:
    """Classes of a model in the order of its answers: the shipped ones, the site's own last."""
    known = (*WBC_CLASSES, *(one.label for one in reader_classes()))
    rest = sorted({*labels} - {*known})
    return tuple(name for name in (*known, *rest) if name in labels)


def right_answers(label: str, classes: Sequence[str]) -> tuple[bool, ...]:
    """Which of a model's classes are right for a cell.

    Where only a parent is known (neutrophil) each of its children is, unless the model has an
    answer for the parent itself.
    """
    if label in classes:
        return tuple(label == name for name in classes)
    return tuple(label == parent_of(name) for name in classes)


def model_class(label: str, known: Collection[str] = WBC_CLASSES) -> str | None:
    """The class that a model has for a reader's class; None where it has none.

    A cell that a person called a myelocyte is an immature granulocyte to a model: that is what it
    is learnt as, and what its call is compared with.

    Args:
        label: the class.
        known: the classes of the model, by default the shipped ones.
    """
    if label in known:
        return label
    own = reader_class(label)
    return own.model_class if own and own.model_class in known else None


def parent_of(label: str) -> str:
    """Class one level up; a class without a parent is its own."""
    known = reader_class(label) if label not in PARENTS else None
    return PARENTS.get(label) or (known and known.part_of) or label


_signed_titles: ContextVar[Mapping[str, str]] = ContextVar(
    "signed_titles", default=MappingProxyType({})
)


@contextmanager
def titled(titles: Mapping[str, str]) -> Iterator[None]:
    """Within it a site's classes have these titles: a signed report keeps its words when the site
    renames a class.
    """
    before = _signed_titles.set(titles)
    try:
        yield
    finally:
        _signed_titles.reset(before)


def title(label: str) -> str:
    """Words for the screen, sentence case: ``band_neutrophil`` -> ``Band neutrophil``.

    Inside :func:`titled` those of the signature.
    """
    signed = _signed_titles.get().get(label)
    if signed is not None:
        return signed
    known = reader_class(label) if label not in WBC_CLASSES else None
    if known:
        return known.title
    return _TITLES.get(label, label.replace("_", " ").capitalize())
