"""A signed finding computed again from the stored picture by the models it names.

A palm's answer has the arguments of ``read_palm`` in ``read_with``; without them the defaults hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.access.people import Person
from core.access.rights import require
from core.inference.palm.screening import read_palm
from core.inference.smear import analyse
from core.models import registry
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel, WeightsRefused
from core.records import Cell, CellCounts, Field, SmearFinding
from core.review.record import pictures
from core.review.record.case_rows import CasePicture, case_in, pictures_in
from core.review.record.errors import CaseRefused, PictureLost
from core.review.record.review_store import ReviewStore
from core.review.record.stored_finding import from_text
from core.review.record.versions import code_version, preprocessing_version
from core.review.signature.signing import signatures_in
from core.taxonomy import KINDS

BOX_PX: Final = 0.05
PROBABILITY: Final = 1e-4
COUNT: Final = 1e-2
"""Differences below these are the arithmetic of another processor, not another finding."""


@dataclass(frozen=True)
class Replayed:
    """One picture computed again.

    ``drift`` says in words what differs, empty if nothing does; ``refused`` why it could not be
    computed; ``notes`` what is different about this program, whether or not it shows.
    """

    picture: CasePicture
    drift: tuple[str, ...]
    refused: str
    notes: tuple[str, ...]

    @property
    def is_identical(self) -> bool:
        return not self.drift and not self.refused


def replay(
    store: ReviewStore, person: Person, case_id: int, version: int | None = None
) -> list[Replayed]:
    """Every field and palm of a case computed again, by the models its finding names.

    Args:
        store: the database and its folder.
        person: who asks.
        case_id: a case that was signed.
        version: which signed version; the last one by default.

    Raises:
        NotAllowed: without the right to read.
        CaseRefused: if it was never signed, or not in this version.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        signed = signatures_in(connection, case_id)
        known = pictures_in(connection, case_id)
    chosen = [s for s in signed if version in (None, s.version)]
    if not chosen:
        which = "" if version is None else f" as version {version}"
        raise CaseRefused(f"case {case.accession} is not signed{which}; there is nothing to repeat")
    signed_pictures = {row["id"] for row in chosen[-1].snapshot["pictures"]}
    return [_again(store, picture) for picture in known if picture.id in signed_pictures]


def _again(store: ReviewStore, picture: CasePicture) -> Replayed:
    notes = []
    if picture.models.get("preprocessing") != preprocessing_version():
        notes.append("the files that prepare a picture were changed since")
    if picture.code_version != code_version():
        notes.append(f"the program was {picture.code_version}, now it is {code_version()}")
    try:
        field = pictures.read(store, picture.sha256, picture.name)
        again = _palm_drift if picture.kind == "palm" else _field_drift
        found = again(picture, field)
    except (PictureLost, WeightsRefused, ValueError, TypeError, KeyError) as error:
        words = str(error) if isinstance(error, ValueError) else "its finding cannot be read"
        return Replayed(picture, (), words, tuple(notes))
    return Replayed(picture, tuple(found), "", tuple(notes))


def _model(picture: CasePicture, task: registry.Task) -> LoadedModel:
    """The model that a picture names; the live one where its finding needed none of the task."""
    identity = picture.models.get(task)
    return registry.live(task) if identity is None else registry.named(identity)


def _field_drift(picture: CasePicture, field: Field) -> list[str]:
    before = from_text(picture.finding_text)
    # Without a model of shapes then, none is asked now either.
    shapes = _model(picture, "red_cells") if "red_cells" in picture.models else None
    models = SmearModels(
        _model(picture, "locator"), _model(picture, "wbc"), _model(picture, "counts"), shapes
    )
    after = analyse(field, models, counting_rule=before.counting_rule, method=before.method)
    return drift(before, after)


def _palm_drift(picture: CasePicture, field: Field) -> list[str]:
    before = picture.palm()
    arguments = dict(before.get("read_with", {}))
    if arguments.get("reference") is not None:
        arguments["reference"] = tuple(arguments["reference"])
    after: Mapping[str, Any] = read_palm(field, _model(picture, "palm"), **arguments).call.as_json()
    found = []
    for name in ("anemia_probability", "low", "high"):
        old, new = float(before[name]), float(after[name])
        # Kept with four digits, so the last of them may be rounded either way.
        if abs(old - new) > 2 * PROBABILITY:
            found.append(f"{name} was {old:.4f}, is {new:.4f}")
    if before["decision"] != after["decision"]:
        found.append(f"decision was {before['decision']}, is {after['decision']}")
    old_codes, new_codes = ([f["code"] for f in one["flags"]] for one in (before, after))
    if old_codes != new_codes:
        was, now = (" ".join(codes) or "none" for codes in (old_codes, new_codes))
        found.append(f"flags were {was}, are {now}")
    return found


def drift(before: SmearFinding, after: SmearFinding) -> list[str]:
    """What differs between two findings of one picture, in words; empty if nothing does."""
    found = []
    for name in ("width", "height", "method", "model", "counting_rule"):
        if getattr(before, name) != getattr(after, name):
            found.append(f"{name} was {getattr(before, name)}, is {getattr(after, name)}")
    found += _count_drift("counts", before.counts, after.counts)
    if before.regressed is not None and after.regressed is not None:
        # One may be by a program that counts one way only.
        found += _count_drift("regressed counts", before.regressed, after.regressed)
    old, new = ([flag.code for flag in one.flags] for one in (before, after))
    if old != new:
        found.append(f"flags were {' '.join(old) or 'none'}, are {' '.join(new) or 'none'}")
    if len(before.cells) != len(after.cells):
        found.append(f"cells were {len(before.cells)}, are {len(after.cells)}")
        return found
    return found + _cell_drift(before.cells, after.cells)


def _cell_drift(before: Sequence[Cell], after: Sequence[Cell]) -> list[str]:
    found = []
    shift = most = 0.0
    for place, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        corners = zip(old.box_xyxy_px, new.box_xyxy_px, strict=True)
        shift = max(shift, *(abs(a - b) for a, b in corners))
        most = max(most, abs(old.score - new.score))
        if old.kind != new.kind:
            found.append(f"cell {place} was {old.kind}, is {new.kind}")
        label_before, label_after = (c.wbc.label if c.wbc else None for c in (old, new))
        if label_before != label_after:
            found.append(f"cell {place} was called {label_before}, now {label_after}")
        if old.wbc and new.wbc:
            most = max(most, _furthest(old.wbc.probabilities, new.wbc.probabilities))
            for what in ("abstained", "prediction_set"):
                if getattr(old.wbc, what) != getattr(new.wbc, what):
                    found.append(f"cell {place}: its {what.replace('_', ' ')} differs")
        shape_before, shape_after = (_shape(cell) for cell in (old, new))
        if shape_before != shape_after:
            found.append(f"cell {place} had the shape {shape_before}, now {shape_after}")
        if old.shape and new.shape:
            most = max(most, _furthest(old.shape.probabilities, new.shape.probabilities))
    if shift > BOX_PX:
        found.append(f"boxes moved by up to {shift:.2f} px")
    if most > PROBABILITY:
        found.append(f"scores or probabilities differ by up to {most:.4f}")
    return found


def _shape(cell: Cell) -> str | None:
    return None if cell.shape is None else cell.shape.not_judged or cell.shape.label


def _furthest(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    names = before.keys() | after.keys()
    return max((abs(before.get(n, 0.0) - after.get(n, 0.0)) for n in names), default=0.0)


def _count_drift(what: str, before: CellCounts, after: CellCounts) -> list[str]:
    most = max(
        abs(old - new)
        for kind in KINDS
        for old, new in zip(
            before.of(kind).as_json().values(), after.of(kind).as_json().values(), strict=True
        )
    )
    return [f"{what} were {_counts(before)}, are {_counts(after)}"] if most > COUNT else []


def _counts(counts: CellCounts) -> str:
    return " / ".join(f"{counts.of(kind).value:g}" for kind in KINDS)
