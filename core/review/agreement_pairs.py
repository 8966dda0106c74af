"""Who read what: pairs of readings of signed cases, for any period, reader or model.

Everything is taken from what was signed, not from what stands now, so that a comparison made twice
is the same twice. A model that did not answer in a case answers its stored pictures now.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.access.people import Person
from core.access.rights import require
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.classify import call_crops
from core.models import registry
from core.models.cards import WhiteCellCard, read_model_card
from core.models.weights import LoadedModel, WeightsRefused
from core.review.record import pictures
from core.review.record.review_store import ReviewStore
from core.review.signed_cases import SignedCases, SignedCell, SignedField, signed_cases
from core.settings import settings
from core.taxonomy import (
    NOT_LEUKOCYTES,
    UNIDENTIFIED,
    WBC_CLASSES,
    CellKind,
    is_leukocyte,
    model_class,
    parent_of,
)

__all__ = [
    "SHARES", "LabelPairs", "NumberPairs", "SignedCases", "SignedCell", "SignedField", "Source",
    "SourceKind", "count_pairs", "label_pairs", "labels_of", "models_here", "share_pairs",
    "signed_cases", "sources",
]  # fmt: skip

SourceKind = Literal["verified", "reader", "model", "recomputed"]
SHARES: Final = ("neutrophil", *(name for name in WBC_CLASSES if name not in NOT_LEUKOCYTES))
"""Classes whose share of the leukocytes can be compared case by case."""


@dataclass(frozen=True)
class Source:
    """One side of a comparison.

    ``verified``: what was signed. ``reader``: ``key`` is their subject. ``model``: what that model
    answered when the case was made, ``key`` its identity. ``recomputed``: it answers now.
    """

    kind: SourceKind
    key: str
    title: str


@dataclass(frozen=True)
class LabelPairs:
    """Labels of the same cells by two sources, in the same order."""

    reference: tuple[str, ...]
    other: tuple[str, ...]
    cells: tuple[SignedCell, ...]


@dataclass(frozen=True)
class NumberPairs:
    """Measurements of the same samples by two sources; ``samples`` says which."""

    reference: tuple[float, ...]
    other: tuple[float, ...]
    samples: tuple[str, ...]


def sources(signed: SignedCases) -> list[Source]:
    """Whom and what these cases can be compared by; models at hand can answer them now."""
    found = [Source("verified", "", "Verified (signed)")]
    readers = sorted({who for cell in signed.cells for who in cell.readers})
    found += [Source("reader", who, signed.names.get(who, who)) for who in readers]
    models = sorted({cell.model for cell in signed.cells if cell.model and cell.proposed})
    found += [Source("model", name, f"{name}, as it answered") for name in models]
    found += [Source("recomputed", name, f"{name}, computed now") for name in models_here()]
    return found


def models_here() -> list[str]:
    """Identities of the white-cell models on this computer: the live one, shipped and promoted."""
    found = []
    folders = (settings().weights, settings().var / registry.MODELS)
    for file in sorted(file for folder in folders for file in folder.glob("*.safetensors")):
        try:
            if isinstance(read_model_card(file.with_suffix(".json")), WhiteCellCard):
                found.append(registry.load(file).identity)
        except WeightsRefused:
            continue  # a file that cannot be used cannot answer
    return found


def label_pairs(
    store: ReviewStore,
    person: Person,
    signed: SignedCases,
    reference: Source,
    other: Source,
    *,
    blind_only: bool = False,
) -> LabelPairs:
    """Labels both sources gave; cells one of them did not answer, or could not tell, are left out.

    Where a model is one of them, a class that it does not tell counts as its class that this one
    belongs to, and a cell of a class without one is left out; of two models, what both tell.

    Args:
        store: where the pictures are, for a model that answers now.
        person: who asks.
        signed: of :func:`signed_cases`.
        reference: the source taken as the reference.
        other: the source compared with it.
        blind_only: only cells that were reviewed without the machine's answer.

    Raises:
        NotAllowed: without the right to read.
        WeightsRefused, PictureLost: if a model or a picture is not here any more.
    """
    require(person, "read")
    cells = [cell for cell in signed.cells if cell.blind or not blind_only]
    ones = labels_of(store, signed, cells, reference)
    others = labels_of(store, signed, cells, other)
    if {reference.kind, other.kind} & {"model", "recomputed"}:
        # A model cannot tell a myelocyte from other immature granulocytes: that is no error of it.
        both = [
            _classes_of(source, labels)
            for source, labels in ((reference, ones), (other, others))
            if source.kind in ("model", "recomputed")
        ]
        told = frozenset.intersection(*both)
        ones, others = _as_models_tell(ones, told), _as_models_tell(others, told)
    known = [
        (one, two, cell)
        for one, two, cell in zip(ones, others, cells, strict=True)
        if one not in (None, UNIDENTIFIED) and two not in (None, UNIDENTIFIED)
    ]
    return LabelPairs(
        tuple(str(one) for one, _, _ in known),
        tuple(str(two) for _, two, _ in known),
        tuple(cell for _, _, cell in known),
    )


def _classes_of(source: Source, answered: Sequence[str | None]) -> frozenset[str]:
    """What a model tells: the classes of its card, or where it is gone the shipped ones and those
    that it answered.
    """
    try:
        card = registry.named(source.key).card
    except WeightsRefused:
        return frozenset({*WBC_CLASSES, *(label for label in answered if label is not None)})
    return frozenset(card.classes) if isinstance(card, WhiteCellCard) else frozenset(WBC_CLASSES)


def _as_models_tell(labels: Sequence[str | None], told: Collection[str]) -> list[str | None]:
    return [None if label is None else model_class(label, told) for label in labels]


def labels_of(
    store: ReviewStore, signed: SignedCases, cells: Sequence[SignedCell], source: Source
) -> list[str | None]:
    """What a source called each cell; None where it did not."""
    if source.kind == "verified":
        return [cell.verified for cell in cells]
    if source.kind == "reader":
        return [cell.readers.get(source.key) for cell in cells]
    if source.kind == "model":
        return [cell.proposed if cell.model == source.key else None for cell in cells]
    return list(_answers_now(store, signed, cells, registry.named(source.key)))


def _answers_now(
    store: ReviewStore, signed: SignedCases, cells: Sequence[SignedCell], model: LoadedModel
) -> list[str]:
    fields = {field.picture_id: field for field in signed.fields}
    labels: dict[int, str] = {}
    by_picture: dict[int, list[SignedCell]] = {}
    for cell in cells:
        by_picture.setdefault(cell.picture_id, []).append(cell)
    for picture_id, here in by_picture.items():
        field = fields[picture_id]
        pixels = pictures.read(store, field.sha256).pixels
        crops = [crop_cell(pixels, cell.box_xyxy_px, field.rbc_diameter_px) for cell in here]
        calls = call_crops(crops, model)
        labels |= {cell.cell_id: call.label for cell, call in zip(here, calls, strict=True)}
    return [labels[cell.cell_id] for cell in cells]


def share_pairs(pairs: LabelPairs, signed: SignedCases, label: str) -> NumberPairs:
    """Percent of a class among the leukocytes, case by case, from cells both sources answered.

    ``label`` is one of :data:`SHARES`; ``neutrophil`` is segmented and band together.
    """
    by_case: dict[int, tuple[list[str], list[str]]] = {}
    for one, two, cell in zip(pairs.reference, pairs.other, pairs.cells, strict=True):
        ones, twos = by_case.setdefault(cell.case_id, ([], []))
        ones.append(one)
        twos.append(two)
    rows = [
        (_percent(ones, label), _percent(twos, label), signed.accessions[case_id])
        for case_id, (ones, twos) in by_case.items()
    ]
    whole = [(x, y, name) for x, y, name in rows if x is not None and y is not None]
    return NumberPairs(*(tuple(column) for column in zip(*whole, strict=True))) if whole else _NONE


_NONE: Final = NumberPairs((), (), ())


def _percent(labels: Sequence[str], label: str) -> float | None:
    counted = Counter(name for name in labels if is_leukocyte(name))
    if not counted:
        return None
    of = sum(n for name, n in counted.items() if label in (name, parent_of(name)))
    return 100 * of / sum(counted.values())


def count_pairs(signed: SignedCases, kind: CellKind) -> NumberPairs:
    """Cells of a kind in each field: reference the corrected boxes, other the program's count.

    Only fields whose boxes a person confirmed or changed: the rest is no evidence.
    """
    fields = [field for field in signed.fields if field.looked_at]
    return NumberPairs(
        tuple(float(field.verified[kind]) for field in fields),
        tuple(float(field.counted[kind]) for field in fields),
        tuple(
            f"{signed.accessions[field.case_id]}, picture {field.picture_id}" for field in fields
        ),
    )
