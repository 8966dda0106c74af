"""From palm photos to the model that answers: cross-validated, calibrated, judged once on the
locked part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from core.datasets.palm import PalmPhoto, load, usable
from core.datasets.palm_splits import LOCK_SEED, lock_away
from core.evaluation.palm_report import (
    auroc_row,
    calibration_rows,
    decision_rows,
    per_block,
    two_way_row,
)
from core.evaluation.palm_scores import (
    Scores,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from core.models.palm import PalmClassifier
from core.models.weights import LoadedModel, save_model
from core.training.palm_head import (
    HEADS,
    NOVELTY_RANK,
    PARTS,
    REPEATS,
    STRENGTH,
    Features,
    as_probability,
    blocks_of,
    calibrate,
    colour_features,
    cross_validated,
    features_of,
    fit_head,
    mean_auroc,
    novelty,
    resampled_heads,
    truth_of,
)
from core.training.publish import data_hash

SENSITIVITY: Final = 0.9
SPECIFICITY: Final = 0.9
_UNUSUAL: Final = 0.975

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Part:
    """Photos of one part with their features."""

    photos: list[PalmPhoto]
    features: Features
    colours: Features


def fit_palm(data: Path, target: Path, say: Say = lambda line: None) -> LoadedModel:
    """Fit, calibrate and save the palm classifier; ``target`` ends in ``.safetensors``.

    Everything is chosen on the development part by cross-validation. The locked part is looked at
    once, after the thresholds are fixed, and the shipped head does not learn from it.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if there are too few session blocks.
    """
    torch.manual_seed(0)
    photos = usable(load(data / "palm"))
    split = lock_away(photos)
    module = PalmClassifier(1 + HEADS, NOVELTY_RANK, pretrained=True).eval()
    say(f"{len(photos)} photos: {len(split.learn)} to learn from, {len(split.held_out)} locked")
    development, locked = (
        _part(module, [photos[i] for i in part]) for part in (split.learn, split.held_out)
    )
    say("features are ready")

    truth, blocks = truth_of(development.photos), blocks_of(development.photos)
    repeats = cross_validated(development.features, development.photos)
    scores = repeats.mean(axis=0)
    calibration = calibrate(scores, truth)
    probabilities = as_probability(scores, calibration)
    clear_below = threshold_for_sensitivity(probabilities, truth, SENSITIVITY)
    suspect_from = float(
        np.nextafter(threshold_for_specificity(probabilities, truth, SPECIFICITY), 1)
    )
    suspect_from = max(suspect_from, clear_below)
    colours = cross_validated(development.colours, development.photos)
    evaluation: dict[str, Any] = {
        "cross_validated": {
            **_figures(probabilities, development, clear_below, suspect_from),
            "repeats": REPEATS,
            "parts": PARTS,
            "mean_auroc_of_repeats": mean_auroc(repeats, truth),
            "colour_features": auroc_row(colours.mean(axis=0), truth, blocks),
        }
    }
    say(f"cross-validated AUROC {evaluation['cross_validated']['auroc']['value']:.3f}")

    head = fit_head(development.features, truth, blocks)
    rows = [head, *resampled_heads(development.features, development.photos)]
    with torch.no_grad():
        module.head.weight.copy_(torch.from_numpy(np.stack([row.weights for row in rows])))
        module.head.bias.copy_(torch.tensor([row.bias for row in rows]))
        novelty(module, development.features)
        unusual = _unusual_above(development)

    colour_head = fit_head(development.colours, truth, blocks)
    locked_truth, locked_blocks = truth_of(locked.photos), blocks_of(locked.photos)
    evaluation["locked"] = {
        **_figures(
            as_probability(head(locked.features), calibration), locked, clear_below, suspect_from
        ),
        "colour_features": auroc_row(colour_head(locked.colours), locked_truth, locked_blocks),
    }
    # Every photo once, by heads that saw nothing of its block: what the screen's shares rest on.
    every = _Part(
        development.photos + locked.photos,
        np.concatenate([development.features, locked.features]),
        np.concatenate([development.colours, locked.colours]),
    )
    said = np.concatenate([probabilities, as_probability(head(locked.features), calibration)])
    evaluation["held_out"] = _figures(said, every, clear_below, suspect_from)
    card = {
        "task": "palm",
        "architecture": {
            "kind": "palm_classifier",
            "heads": len(rows),
            "novelty_rank": NOVELTY_RANK,
        },
        "calibration": {"slope": calibration[0], "offset": calibration[1], "prevalence": 0.5},
        "clear_below": clear_below,
        "suspect_from": suspect_from,
        "unusual_above": unusual,
        "intended_use": "A hint whether a palm is pale enough to ask for a blood test. "
        "Research use, a qualified person decides; a blood test decides about anemia.",
        "limits": "Learnt from one set of photos of one country without haemoglobin values, whose "
        "lighting goes with the label. In other light, with another camera and on other skin it "
        "may know nothing. It must not replace a blood test.",
        "licence": "MIT; trained on palm photos of Asare et al. (CC BY 4.0), "
        "features of torchvision's ImageNet MobileNetV2 (BSD)",
        "data": {
            "set": "Ghana palms, session blocks and photo groups never divided, conflicts dropped",
            "photos": len(photos),
            "training_photos": len(development.photos),
            "locked_photos": len(locked.photos),
            "locked_blocks": sorted(set(locked_blocks)),
            "lock_seed": LOCK_SEED,
            "sha256": data_hash([photo.path for photo in development.photos]),
        },
        "seed": 0,
        "training": {"penalty": 1 / STRENGTH, "resampled_heads": HEADS},
        "made": datetime.now(UTC).date().isoformat(),
        "evaluation": evaluation,
    }
    return save_model(target, module, card)


def _part(module: PalmClassifier, photos: list[PalmPhoto]) -> _Part:
    return _Part(photos, features_of(module, photos), colour_features(photos))


def _figures(
    probabilities: Scores, part: _Part, clear_below: float, suspect_from: float
) -> dict[str, Any]:
    truth, blocks = truth_of(part.photos), blocks_of(part.photos)
    return {
        "auroc": auroc_row(probabilities, truth, blocks),
        "at_sensitivity_90": two_way_row(probabilities, truth, blocks, clear_below),
        "decisions": decision_rows(probabilities, truth, blocks, clear_below, suspect_from),
        "calibration": calibration_rows(probabilities, truth),
        "per_block": per_block(probabilities, truth, blocks),
    }


def _unusual_above(part: _Part) -> float:
    """Distance that 2.5 % of palms of a block exceed when nothing was known of that block."""
    distances = np.zeros(len(part.photos))
    names = np.asarray(blocks_of(part.photos))
    for name in np.unique(names):
        other = PalmClassifier(1, NOVELTY_RANK)
        novelty(other, part.features[names != name])
        inside = torch.from_numpy(part.features[names == name]).float()
        distances[names == name] = other.distance(inside).numpy()
    return float(np.quantile(distances, _UNUSUAL))
