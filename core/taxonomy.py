"""Cell kinds and white-cell classes: names, hierarchy, which ones are critical.

The class names are the command line's JSON vocabulary; other programs rely on them. The models
tell ``WBC_CLASSES``. A reader tells more: the stages and variants of ``READER_CLASSES``, and a
site's own (:mod:`core.site_classes`). What is asked of a reader's answer is asked here by function
(:func:`is_critical`, :func:`is_leukocyte`, :func:`model_class`, :func:`title`), never by a look
into one of the tables, which hold only what the models know.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, get_args

from core.settings import settings
from core.site_classes import ReaderClass, SiteClasses, read_site_classes

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


@lru_cache(maxsize=4)
def _read_site(file: Path, changed_ns: int) -> SiteClasses:
    """``changed_ns`` is only a key: the file is read again once it was changed."""
    return read_site_classes(
        file,
        models=WBC_CLASSES,
        labels={*WBC_CLASSES, UNIDENTIFIED, "neutrophil", *(one.label for one in READER_CLASSES)},
        keys={*KEYS.values(), *DESK_KEYS, *(one.key for one in READER_CLASSES)},
    )


def site_classes() -> SiteClasses:
    """The site's own classes, from the file that ``HEMADESK_SITE_CLASSES`` names."""
    file = settings().site_classes
    if file is None:
        return SiteClasses()
    try:
        changed_ns = file.stat().st_mtime_ns
    except OSError:
        return SiteClasses((), (f"{file.name}: there is no such file",))
    return _read_site(file, changed_ns)


def reader_classes() -> tuple[ReaderClass, ...]:
    """Every class that a reader can name and no model tells, the site's own last."""
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


def model_class(label: str) -> str | None:
    """The class that the models have for a reader's class; None where they have none.

    A cell that a person called a myelocyte is an immature granulocyte to a model: that is what it
    is learnt as, and what its call is compared with.
    """
    known = reader_class(label)
    if known:
        return known.model_class
    return label if label in WBC_CLASSES else None


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
