"""After a network is trained: what it knows about its own limits, fitted on frozen features.

Makes the files of :mod:`core.inference.white_cell.uncertainty`: limits of sets and abstention for
familiar and unfamiliar cells, the critical rule, novelty, attributes and the index of training
cells. Only training and validation cells are used; ``python -m core evaluate wbc`` measures what
comes of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import pbc, wbcatt
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.features import Answers, answers_of
from core.inference.white_cell.neighbours import FOUNDATION
from core.inference.white_cell.novelty import apply_label_shift, on_axes
from core.inference.white_cell.stages import BIAS as STAGE_BIAS
from core.inference.white_cell.stages import WEIGHT as STAGE_WEIGHT
from core.inference.white_cell.uncertainty import save_uncertainty
from core.models.cards import LabelShift, UncertaintyCard, WhiteCellCard
from core.models.foundation import foundation_features, installed_foundation
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.training.augment import vary_sharpness, vary_stain
from core.training.white_cells.attributes import fit_attributes
from core.training.white_cells.cell_examples import centre_crop
from core.training.white_cells.foreign_cells import ForeignCell, laboratories_of, load_foreign
from core.training.white_cells.limits import (
    fit_calibration,
    fit_critical,
    label_shift,
    likely_elsewhere,
)
from core.training.white_cells.novelty_head import (
    fit_familiarity,
    fit_not_a_cell,
    things_that_are_no_cells,
)
from core.training.white_cells.stages import stage_head

Array = npt.NDArray[np.float32]
Report = Callable[[str], None]
_FEWEST_UNFAMILIAR: Final = 100
Item = TypeVar("Item")

INDEXED: Final = 150
"""Training cells of each class in the index."""

AXES: Final = 128
RESTAINED_STRENGTH: Final = 3.0
"""Strength of the stains that stand for other laboratories; 1 spans those seen in training.

Chosen on the CBC training fields' cells, see docs/white-cells.md."""


WEIGHED_BEYOND: Final = 0.98
"""Share of the laboratory's validation cells that are nearer than any whose classes are weighed."""


@dataclass(frozen=True)
class Amount:
    """How many cells are read at most; fewer make a quick trial on a small machine."""

    validation: int = 3000
    restained: int = 900
    described: int = 4000
    described_validation: int = 600
    indexed: int = INDEXED
    no_cells: int = 150


def fit_uncertainty(
    model: LoadedModel,
    locator: LoadedModel,
    data: Path,
    *,
    amount: Amount | None = None,
    seed: int = 0,
    report: Report = lambda text: None,
) -> Path:
    """Fit and save the uncertainty of a model; returns its file.

    Raises:
        FileNotFoundError: if ``data`` lacks PBC.
    """
    amount = amount or Amount()
    rng = np.random.default_rng(seed)
    card = model.card_as(WhiteCellCard)
    classes = card.classes
    report("splitting PBC")
    train, validation, _ = pbc.split(pbc.load(data / "pbc"), seed=0)
    indexed = _by_class(rng, _usable(train, classes), amount.indexed)
    judged = _some(rng, _usable(validation, classes), amount.validation)
    report(f"features of {len(indexed)} training and {len(judged)} validation cells")
    known, known_labels = _answers(indexed, model), _labels(indexed)
    inside = _answers(judged, model)

    # Other laboratories' cells, as their blood is made up, in so far as PBC can stand for them.
    restained = _some(rng, judged, amount.restained, likely_elsewhere(_labels(judged)))
    report(f"features of {len(restained)} restained validation cells")
    pictures = [
        vary_sharpness(rng, vary_stain(rng, crop, RESTAINED_STRENGTH)) for crop in _crops(restained)
    ]
    outside = answers_of(pictures, model)

    report("novelty")
    foreign, foreign_cells = _foreign(data, model, locator)
    fields = red_cell_fields(data, laboratories_of(model))
    no_cells = answers_of(things_that_are_no_cells(rng, data, amount.no_cells, fields), model)
    # Every other one, so that both halves have every class.
    learnt_from, judged_by = outside.features[::2], outside.features[1::2]
    others = [known.features, learnt_from] + ([foreign] if len(foreign) else [])
    mean, basis = _axes(known.features)
    tensors: dict[str, npt.NDArray[Any]] = {"axes.mean": mean, "axes.basis": basis}
    own = on_axes(inside.features, mean, basis)
    near = fit_familiarity(on_axes(known.features, mean, basis), known_labels, own)
    head = fit_not_a_cell(np.concatenate(others), no_cells.features, [inside.features, judged_by])
    tensors |= {"novelty.means": near.means, "novelty.whiten": near.whiten}
    tensors["novelty.weight"] = head.weight

    report("limits")
    distances = near.distance(on_axes(outside.features, mean, basis))
    far = _furthest(distances, near.limit)
    rule = None
    # An adapted model has learnt the class frequencies of its laboratory.
    if card.adapted_from is None:
        beyond = float(np.quantile(near.distance(own), WEIGHED_BEYOND))
        rule = LabelShift(beyond=beyond, shift=tuple(label_shift(classes).tolist()))
    far_labels = [str(restained[i].label) for i in np.flatnonzero(far)]
    limits = fit_calibration(
        classes,
        (inside.logits, _labels(judged)),
        (apply_label_shift(outside.logits, distances, rule)[far], far_labels),
        card.temperature,
    )
    fitted: dict[str, object] = {
        "calibration": {name: asdict(one) for name, one in limits.items()},
        "calibration_cells": {
            "familiar": {"cells": len(judged), "from": "PBC validation"},
            "unfamiliar": {
                "cells": int(far.sum()),
                "from": "PBC validation, restained by strength "
                f"{RESTAINED_STRENGTH}, classes as elsewhere",
            },
        },
        "critical": fit_critical(
            classes, inside.logits, _labels(judged), limits["familiar"].temperature
        ),
        "label_shift": None if rule is None else rule.as_json(),
        "novelty": {
            "bias": head.bias,
            "not_a_cell_limit": head.limit,
            "familiar_limit": near.limit,
            "validation": head.validation,
            "familiar_share_of_restained": float((distances <= near.limit).mean()),
        },
    }
    # Classes that PBC lacks are kept too, or an adapted model would forget them.
    more = [
        i
        for i, cell in enumerate(foreign_cells)
        if cell.label in classes and cell.label not in known_labels
    ]
    stored = [*(cell.path for cell in indexed), *(foreign_cells[i].path for i in more)]
    labels = [*known_labels, *(foreign_cells[i].label for i in more)]
    foundation = installed_foundation()
    fitted["index"] = {
        "classes": list(classes),
        "files": [path.relative_to(data).as_posix() for path in stored],
        "foundation": "" if foundation is None else foundation.identity,
    }
    if foundation is not None:
        report(f"features of {len(stored)} indexed cells by {foundation.identity}")
        crops = [*_crops(indexed), *(centre_crop(foreign_cells[i].pixels) for i in more)]
        tensors[FOUNDATION] = foundation_features(crops, foundation).astype(np.float16)
    features = np.concatenate([known.features, foreign[more]]) if more else known.features
    tensors["index.feature"] = features.astype(np.float16)
    tensors["index.label"] = np.array([classes.index(name) for name in labels], np.int16)
    _add_attributes(fitted, tensors, model, data, amount, rng, report)
    if stages := stage_head(model, locator, train, validation, report):
        fitted["stages"] = stages.card
        tensors |= {STAGE_WEIGHT: stages.weight, STAGE_BIAS: stages.bias}
    fitted |= {"seed": seed, "amount": asdict(amount)}
    return save_uncertainty(model, UncertaintyCard.model_validate(fitted), tensors)


def _add_attributes(
    fitted: dict[str, object],
    tensors: dict[str, npt.NDArray[Any]],
    model: LoadedModel,
    data: Path,
    amount: Amount,
    rng: np.random.Generator,
    report: Report,
) -> None:
    if not (data / "wbcatt").is_dir():
        report("no WBCAtt tables: attributes are left out")
        return
    parts = []
    described: tuple[tuple[wbcatt.Part, int], ...] = (
        ("train", amount.described),
        ("val", amount.described_validation),
    )
    for part, most in described:
        cells = _some(rng, wbcatt.load(data, part), most)
        report(f"features of {len(cells)} described cells ({part})")
        crops = [centre_crop(read_rgb(cell.path)) for cell in cells]
        parts.append((answers_of(crops, model).features, [cell.values for cell in cells]))
    report("attributes")
    heads = fit_attributes(parts[0], parts[1])
    fitted["attributes"] = {
        "values": heads.values,
        "validation": heads.validation,
        "training_cells": len(parts[0][1]),
        "from": "WBCAtt train and val (NeurIPS 2023, MIT)",
    }
    tensors["attributes.weight"] = heads.weight.astype(np.float16)
    tensors["attributes.bias"] = heads.bias


def _furthest(distances: Array, limit: float) -> npt.NDArray[np.bool_]:
    """Cells beyond the limit; where those are few, as many of the furthest as limits need."""
    wanted = min(len(distances), _FEWEST_UNFAMILIAR)
    return np.asarray(distances > min(limit, float(np.sort(distances)[-wanted]) - 1e-6))


def red_cell_fields(data: Path, laboratories: Sequence[str]) -> list[Path]:
    """Folders of fields whose red cells the novelty head is shown: of laboratories learnt from.

    CBC's training fields, or DeepBioNet's where CBC is left out; none for a network of PBC alone,
    which has no fields. TXL-PBC's cannot stand for CBC's: copies of CBC's fields are among them.
    """
    cbc, deepbionet = data / "cbc" / "Training" / "Images", data / "wbc_other_lab"
    if "cbc" in laboratories and cbc.is_dir():
        return [cbc]
    if "deepbionet" in laboratories and deepbionet.is_dir():
        return sorted(folder for folder in deepbionet.iterdir() if folder.is_dir())
    return []


def _usable(cells: Sequence[LabelledCell], classes: Sequence[str]) -> list[LabelledCell]:
    return [cell for cell in cells if cell.label in classes and not cell.odd_background]


def _some(
    rng: np.random.Generator,
    items: Sequence[Item],
    most: int,
    chances: npt.NDArray[np.float64] | None = None,
) -> list[Item]:
    if len(items) <= most:
        return list(items)
    return [items[i] for i in sorted(rng.choice(len(items), most, replace=False, p=chances))]


def _by_class(
    rng: np.random.Generator, cells: Sequence[LabelledCell], most: int
) -> list[LabelledCell]:
    names = dict.fromkeys(_labels(cells))
    return [
        cell
        for name in names
        for cell in _some(rng, [cell for cell in cells if cell.label == name], most)
    ]


def _labels(cells: Sequence[LabelledCell]) -> list[str]:
    return [str(cell.label) for cell in cells]


def _crops(cells: Sequence[LabelledCell]) -> list[RgbImage]:
    return [centre_crop(read_rgb(cell.path)) for cell in cells]


def _answers(cells: Sequence[LabelledCell], model: LoadedModel) -> Answers:
    """In blocks, so that the crops of thousands of cells are never in memory together."""
    blocks = [answers_of(_crops(cells[i : i + 256]), model) for i in range(0, len(cells), 256)]
    return Answers(
        np.concatenate([block.logits for block in blocks]),
        np.concatenate([block.features for block in blocks]),
    )


def _foreign(
    data: Path, model: LoadedModel, locator: LoadedModel
) -> tuple[Array, list[ForeignCell]]:
    """Features and cells of other laboratories' training; empty where the sets are absent."""
    try:
        cells = load_foreign(data, locator, laboratories_of(model))
    except FileNotFoundError:
        return np.zeros((0, 0), np.float32), []
    return answers_of([centre_crop(cell.pixels) for cell in cells], model).features, cells


def _axes(features: Array) -> tuple[Array, Array]:
    """Mean and the directions of most variance, ``(axes, width)``."""
    mean = features.mean(axis=0)
    centred = features - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return mean, np.ascontiguousarray(vectors[:, ::-1][:, :AXES].T, np.float32)
