"""The figures of a palm model: in cross-validation, and on the locked part.

Used by the fit of the shipped model and by ``python -m core evaluate palm``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NotRequired, TypedDict

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
from core.models.cards import PalmCard
from core.models.cards.figures import AurocRow, PalmEvaluation, PalmFigures
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

_Part = Literal["cross_validated", "locked", "held_out"]
_COMPARED: Final[tuple[Literal["cross_validated", "locked"], ...]] = ("cross_validated", "locked")
"""Parts on which the paper's CNN was judged too."""

_SPLITS: Final[dict[_Part, str]] = {
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


class PaperNetwork(TypedDict):
    """How the paper's CNN was trained: width and height, epochs, and in words what was reduced."""

    size_px: list[int]
    epochs: int
    reduced: NotRequired[str]


@dataclass(frozen=True)
class PaperCnnLogits:
    """The paper's CNN on the same photos: cross-validated, and on the locked part.

    ``(repeats, photos)`` logits each; ``network`` says how it was trained.
    """

    cross_validated: Logits
    locked: Logits
    network: PaperNetwork


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
) -> PalmEvaluation:
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
    module, card = model.module, model.card_as(PalmCard)
    assert isinstance(module, PalmClassifier)
    photos, split = palm_photos(data)
    learn, locked_photos = ([photos[i] for i in part] for part in (split.learn, split.held_out))
    if data_hash([photo.path for photo in learn]) != card.data.sha256:
        raise ValueError(
            f"{model.identity} learnt from other photos than those in {data / 'palm'}, so nobody "
            "knows which of these it has seen"
        )
    development, locked = part_of(module, learn), part_of(module, locked_photos)
    say("features are ready")
    calibration = (card.calibration.slope, card.calibration.offset)
    truth = truth_of(learn)
    repeats = cross_validated(development.features, learn)
    probabilities = as_probability(repeats.mean(axis=0), calibration)
    with torch.no_grad():
        logits = module.head(torch.from_numpy(locked.features).float())[:, 0].double().numpy()
    on_locked = as_probability(logits, calibration)
    colours, locked_colours = colour_features(learn), colour_features(locked_photos)
    colour_head = fit_head(colours, truth, blocks_of(learn))
    figures: PalmEvaluation = {
        "cross_validated": {
            **_figures("cross_validated", probabilities, learn, card),
            "repeats": REPEATS,
            "parts": PARTS,
            "mean_auroc_of_repeats": mean_auroc(repeats, truth),
            "colour_features": _row(cross_validated(colours, learn), learn),
        },
        "locked": {
            **_figures("locked", on_locked, locked_photos, card),
            "colour_features": _row(colour_head(locked_colours)[None], locked_photos),
        },
        "held_out": _figures(
            "held_out", np.concatenate([probabilities, on_locked]), learn + locked_photos, card
        ),
    }
    if paper_cnn is not None:
        _add_paper_cnn(figures, paper_cnn, learn, locked_photos)
    return figures


def _add_paper_cnn(
    figures: PalmEvaluation,
    paper_cnn: PaperCnnLogits,
    learn: list[PalmPhoto],
    locked: list[PalmPhoto],
) -> None:
    """Add the rows of the paper's CNN to both parts that it was measured on."""
    network = paper_cnn.network
    figures["cross_validated"]["published_cnn"] = {
        **_row(paper_cnn.cross_validated, learn),
        **network,
    }
    figures["locked"]["published_cnn"] = {**_row(paper_cnn.locked, locked), **network}


def evaluate_palm(data: Path, model: LoadedModel) -> PalmEvaluation:
    """A palm model's figures, measured now.

    The paper's CNN is not trained again: its rows are copied from the card.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if the model learnt from other photos.
    """
    figures = measure_palm(model, data)
    before = model.card_as(PalmCard).evaluation
    for name in _COMPARED:
        if name in before and "published_cnn" in before[name]:
            figures[name]["published_cnn"] = before[name]["published_cnn"]
    return figures


def _row(scores: Logits, photos: list[PalmPhoto]) -> AurocRow:
    """AUROC of a comparison: of the mean score, and the mean of the single repeats."""
    truth = truth_of(photos)
    row = auroc_row(scores.mean(axis=0), truth, blocks_of(photos))
    if len(scores) > 1:
        row["repeats"] = len(scores)
        row["mean_auroc_of_repeats"] = mean_auroc(scores, truth)
    return row


def _figures(
    part: _Part, probabilities: Scores, photos: list[PalmPhoto], card: PalmCard
) -> PalmFigures:
    truth, blocks = truth_of(photos), blocks_of(photos)
    return {
        "split": _SPLITS[part].format(photos=len(photos), blocks=len(set(blocks))),
        "auroc": {**auroc_row(probabilities, truth, blocks), "chance": 0.5},
        "at_sensitivity_90": two_way_row(probabilities, truth, blocks, card.clear_below),
        "decisions": decision_rows(
            probabilities, truth, blocks, card.clear_below, card.suspect_from
        ),
        "calibration": calibration_rows(probabilities, truth),
        "per_block": per_block(probabilities, truth, blocks),
    }
