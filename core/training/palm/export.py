"""Fit the shipped palm model: cross-validate, calibrate, save, measure on the locked part."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.public.palm_splits import LOCK_SEED, PalmSplit
from core.models.cards import PalmCalibration, PalmCard, PalmClassifierArchitecture, PalmData
from core.models.palm_classifier import PalmClassifier
from core.models.weights import LoadedModel, load_model, save_model, write_card
from core.statistics.palm_scores import (
    Scores,
    Truth,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from core.training.card_facts import data_hash, made_now
from core.training.palm.figures import (
    PalmPart,
    PaperCnnLogits,
    measure_palm,
    palm_photos,
    part_of,
)
from core.training.palm.head import (
    HEADS,
    NOVELTY_RANK,
    STRENGTH,
    LinearHead,
    as_probability,
    blocks_of,
    calibrate,
    cross_validated,
    fit_head,
    novelty,
    resampled_heads,
    truth_of,
)

SENSITIVITY: Final = 0.9
SPECIFICITY: Final = 0.9
_UNUSUAL: Final = 0.975

Say = Callable[[str], None]


def fit_palm(
    data: Path,
    target: Path,
    paper_cnn: PaperCnnLogits | None = None,
    say: Say = lambda line: None,
) -> LoadedModel:
    """Fit, calibrate, save and judge the palm classifier.

    Everything is chosen on the development part by cross-validation. The locked part is used once,
    after the model is saved, and the shipped head does not learn from it.

    Args:
        data: folder of the public sets.
        target: the model's file, ends in ``.safetensors``.
        paper_cnn: logits of the paper's CNN in the same folds for comparison; None omits it.
        say: called with a line for each finished step.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if there are too few session blocks.
    """
    torch.manual_seed(0)
    photos, split = palm_photos(data)
    learn = [photos[i] for i in split.learn]
    # Rounded to half precision as it will be stored, so that the figures are the saved model's.
    module = PalmClassifier(1 + HEADS, NOVELTY_RANK, pretrained=True).half().float().eval()
    say(f"{len(photos)} photos: {len(learn)} to learn from, {len(split.held_out)} locked")
    development = part_of(module, learn)

    truth, blocks = truth_of(learn), blocks_of(learn)
    scores = cross_validated(development.features, learn).mean(axis=0)
    calibration = calibrate(scores, truth)
    clear_below, suspect_from = _thresholds(as_probability(scores, calibration), truth)
    head = fit_head(development.features, truth, blocks)
    rows = [head, *resampled_heads(development.features, learn)]
    with torch.no_grad():
        _store(rows, module)
        novelty(module, development.features)
        unusual = _unusual_above(development)
    card = PalmCard(
        architecture=PalmClassifierArchitecture(heads=len(rows), novelty_rank=NOVELTY_RANK),
        calibration=PalmCalibration(slope=calibration[0], offset=calibration[1], prevalence=0.5),
        clear_below=clear_below,
        suspect_from=suspect_from,
        unusual_above=unusual,
        intended_use="A hint whether a palm is pale enough to ask for a blood test. "
        "Research use, a qualified person decides; a blood test decides about anemia.",
        limits="Learnt from one set of photos of one country without haemoglobin values, whose "
        "lighting goes with the label. In other light, with another camera and on other skin it "
        "may know nothing. It must not replace a blood test.",
        licence="MIT; trained on palm photos of Asare et al. (CC BY 4.0), "
        "features of torchvision's ImageNet MobileNetV2 (BSD)",
        data=_data(photos, split),
        seed=0,
        training={"penalty": 1 / STRENGTH, "resampled_heads": HEADS},
        **made_now(),
    )
    model = save_model(target, module, card)
    write_card(target, model.card.with_evaluation(measure_palm(model, data, paper_cnn, say)))
    return load_model(target)


def _store(rows: Sequence[LinearHead], module: PalmClassifier) -> None:
    """Copy the heads into the module's last layer, one row each."""
    module.head.weight.copy_(torch.from_numpy(np.stack([row.weights for row in rows])))
    module.head.bias.copy_(torch.tensor([row.bias for row in rows]))


def _data(photos: Sequence[PalmPhoto], split: PalmSplit) -> PalmData:
    """The card's facts about the photos."""
    return PalmData(
        set="Ghana palms, session blocks and photo groups never divided, conflicts dropped",
        photos=len(photos),
        training_photos=len(split.learn),
        locked_photos=len(split.held_out),
        locked_blocks=tuple(sorted({photos[i].session_block for i in split.held_out})),
        lock_seed=LOCK_SEED,
        sha256=data_hash([photos[i].path for i in split.learn]),
    )


def _thresholds(probabilities: Scores, truth: Truth) -> tuple[float, float]:
    """Limits of "not suspected" (below the first) and "suspected" (from the second on)."""
    clear_below = threshold_for_sensitivity(probabilities, truth, SENSITIVITY)
    above = threshold_for_specificity(probabilities, truth, SPECIFICITY)
    return clear_below, max(float(np.nextafter(above, 1)), clear_below)


def _unusual_above(part: PalmPart) -> float:
    """Distance that 2.5 % of palms exceed when their session block was left out of the fit."""
    distances = np.zeros(len(part.photos))
    names = np.asarray(blocks_of(part.photos))
    for name in np.unique(names):
        other = PalmClassifier(1, NOVELTY_RANK)
        novelty(other, part.features[names != name])
        inside = torch.from_numpy(part.features[names == name]).float()
        distances[names == name] = other.distance(inside).numpy()
    return float(np.quantile(distances, _UNUSUAL))
