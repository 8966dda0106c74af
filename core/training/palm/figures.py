"""The figures of a palm model: in cross-validation, and on the locked part.

Used by the fit of the shipped model and by ``python -m core evaluate palm``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from core.datasets.public.ghana_palms import PalmPhoto, load, usable
from core.datasets.public.palm_splits import PalmSplit, lock_away
from core.evaluation.palm_report import (
    auroc_row,
    calibration_rows,
    decision_rows,
    per_block,
    two_way_row,
)
from core.models.palm_classifier import PalmClassifier
from core.models.weights import LoadedModel
from core.statistics.palm_scores import Scores
from core.training.card_facts import data_hash
from core.training.palm.head import (
    PARTS,
    REPEATS,
    Features,
    as_probability,
    blocks_of,
    colour_features,
    cross_validated,
    features_of,
    fit_head,
    mean_auroc,
    truth_of,
)

Say = Callable[[str], None]
Logits = npt.NDArray[np.float64]

_SPLITS: Final = {
    "cross_validated": "{photos} photos of {blocks} session blocks; neither a block nor a photo "
    f"group on both sides; {PARTS} parts, dealt out {REPEATS} times",
    "locked": "{photos} photos of {blocks} session blocks, locked away before anything was tried",
    "held_out": "both parts together: {photos} photos of {blocks} session blocks, each judged by "
    "heads that knew nothing of its block",
}


@dataclass(frozen=True)
class PalmPart:
    """Photos of one part with the network's features, ``(photos, 1280)``."""

    photos: list[PalmPhoto]
    features: Features


@dataclass(frozen=True)
class PaperCnnLogits:
    """The paper's CNN on the same photos: cross-validated, and on the locked part.

    ``(repeats, photos)`` logits each; ``network`` says how it was trained.
    """

    cross_validated: Logits
    locked: Logits
    network: dict[str, Any]


def palm_photos(data: Path) -> tuple[list[PalmPhoto], PalmSplit]:
    """The usable photos, and their split into development and locked part.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if their table cannot be read.
    """
    photos = usable(load(data / "palm"))
    return photos, lock_away(photos)


def part_of(module: PalmClassifier, photos: list[PalmPhoto]) -> PalmPart:
    """The photos with their features."""
    return PalmPart(photos, features_of(module, photos))


def measure_palm(
    model: LoadedModel,
    data: Path,
    paper_cnn: PaperCnnLogits | None = None,
    say: Say = lambda line: None,
) -> dict[str, Any]:
    """The ``evaluation`` part of a palm model's card.

    Cross-validation measures heads that are fitted like the model's on its features. The locked
    part is answered by the model itself, with its calibration and thresholds.

    Args:
        model: of the task palm.
        data: folder of the public sets.
        paper_cnn: logits of the paper's CNN for comparison; None omits it.
        say: called with a line for each finished step.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if the model learnt from other photos, or there are too few session blocks.
    """
    module, card = model.module, model.card
    assert isinstance(module, PalmClassifier)
    photos, split = palm_photos(data)
    learn, held_out = ([photos[i] for i in part] for part in (split.learn, split.held_out))
    if data_hash([photo.path for photo in learn]) != card["data"]["sha256"]:
        raise ValueError(
            f"{model.identity} learnt from other photos than those in {data / 'palm'}, so nobody "
            "knows which of these it has seen"
        )
    development, locked = part_of(module, learn), part_of(module, held_out)
    say("features are ready")
    calibration = (float(card["calibration"]["slope"]), float(card["calibration"]["offset"]))
    truth = truth_of(learn)
    repeats = cross_validated(development.features, learn)
    probabilities = as_probability(repeats.mean(axis=0), calibration)
    with torch.no_grad():
        logits = module.head(torch.from_numpy(locked.features).float())[:, 0].double().numpy()
    on_locked = as_probability(logits, calibration)
    comparisons = _comparisons(learn, held_out, paper_cnn)
    comparisons["cross_validated"] |= {
        "repeats": REPEATS,
        "parts": PARTS,
        "mean_auroc_of_repeats": mean_auroc(repeats, truth),
    }
    answers = {
        "cross_validated": (probabilities, learn),
        "locked": (on_locked, held_out),
        "held_out": (np.concatenate([probabilities, on_locked]), learn + held_out),
    }
    return {
        name: {**_figures(name, scores, among, card), **comparisons[name]}
        for name, (scores, among) in answers.items()
    }


def _comparisons(
    learn: list[PalmPhoto], held_out: list[PalmPhoto], paper_cnn: PaperCnnLogits | None
) -> dict[str, dict[str, Any]]:
    """AUROC of the naive baseline (colours only) and of the paper's CNN, by part."""
    colours = colour_features(learn)
    head = fit_head(colours, truth_of(learn), blocks_of(learn))
    rows = {
        "cross_validated": _row("colour_features", cross_validated(colours, learn), learn),
        "locked": _row("colour_features", head(colour_features(held_out))[None], held_out),
        "held_out": {},
    }
    if paper_cnn is not None:
        for name, logits, photos in (
            ("cross_validated", paper_cnn.cross_validated, learn),
            ("locked", paper_cnn.locked, held_out),
        ):
            rows[name] |= _row("published_cnn", logits, photos, paper_cnn.network)
    return rows


def evaluate_palm(data: Path, model: LoadedModel) -> dict[str, Any]:
    """A palm model's figures, measured now.

    The paper's CNN is not trained again: its rows are copied from the card.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if the model learnt from other photos.
    """
    figures = measure_palm(model, data)
    for name, stored in model.card.get("evaluation", {}).items():
        if name in figures and "published_cnn" in stored:
            figures[name]["published_cnn"] = stored["published_cnn"]
    return figures


def _row(
    name: str, scores: Logits, photos: list[PalmPhoto], more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """AUROC of a comparison: of the mean score, and the mean of the single repeats."""
    truth = truth_of(photos)
    row = auroc_row(scores.mean(axis=0), truth, blocks_of(photos))
    if len(scores) > 1:
        row |= {"repeats": len(scores), "mean_auroc_of_repeats": mean_auroc(scores, truth)}
    return {name: {**row, **(more or {})}}


def _figures(
    name: str, probabilities: Scores, photos: list[PalmPhoto], card: dict[str, Any]
) -> dict[str, Any]:
    truth, blocks = truth_of(photos), blocks_of(photos)
    clear_below, suspect_from = float(card["clear_below"]), float(card["suspect_from"])
    return {
        "split": _SPLITS[name].format(photos=len(photos), blocks=len(set(blocks))),
        "auroc": {**auroc_row(probabilities, truth, blocks), "chance": 0.5},
        "at_sensitivity_90": two_way_row(probabilities, truth, blocks, clear_below),
        "decisions": decision_rows(probabilities, truth, blocks, clear_below, suspect_from),
        "calibration": calibration_rows(probabilities, truth),
        "per_block": per_block(probabilities, truth, blocks),
    }
