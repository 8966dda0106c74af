"""Judge from a palm whether a blood test should be asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from core.imaging.palm_quality import SPOILS_THE_COLOUR, assess_palm
from core.imaging.white_balance import balance
from core.inference.palm.crop import Kind, PalmCrop, crop_palm, views
from core.models.cards import PalmCard
from core.models.engine import as_batch, engine_for
from core.models.weights import LoadedModel
from core.records import Field, Flag, PalmCall, PalmDecision, RgbImage
from core.statistics.palm_scores import at_prevalence

CALIBRATED_AT = 0.5
"""Prevalence at which the model's probabilities are calibrated."""

_UNUSUAL = Flag(
    "unusual_palm",
    "This picture looks unlike the palms the program learnt from, so it gives no verdict.",
)


@dataclass(frozen=True)
class PalmReading:
    """A palm's answer and the crop it was read from, after the white balance."""

    call: PalmCall
    crop: PalmCrop
    calibrated: bool


def read_palm(
    field: Field,
    model: LoadedModel,
    kind: Kind = "auto",
    which: int | None = None,
    reference: tuple[float, float, float] | None = None,
    prevalence: float = CALIBRATED_AT,
) -> PalmReading:
    """Judge one palm.

    Args:
        field: a photo of a hand, or a crop of a palm.
        model: the palm model.
        kind: which of the two; ``auto`` finds out.
        which: of several hands, the one to judge.
        reference: RGB of something neutral in the same photo, for the white balance.
        prevalence: share of people like this one with anemia, in (0, 1).

    Raises:
        PalmRefused: if there is no palm to judge.
    """
    crop = crop_palm(field, kind, which)
    if reference is not None:
        crop = PalmCrop(balance(crop.pixels, reference), crop.hand, crop.corners_px)
    flags = assess_palm(crop.pixels, calibrated=reference is not None)
    return PalmReading(
        call_palm(field.name, crop.pixels, flags, model, prevalence), crop, reference is not None
    )


def call_palm(
    file: str,
    pixels: RgbImage,
    flags: tuple[Flag, ...],
    model: LoadedModel,
    prevalence: float = CALIBRATED_AT,
) -> PalmCall:
    """The answer for a crop with these quality flags."""
    card = model.card_as(PalmCard)
    logits, distance = scores_of(pixels, model)
    # The first head answers; the others were fitted to resampled blocks and give the interval.
    probabilities = expit(card.calibration.slope * logits + card.calibration.offset)
    low, high = np.percentile(probabilities[1:], [2.5, 97.5])
    probability = float(probabilities[0])
    if distance > card.unusual_above:
        flags = (*flags, _UNUSUAL)
    decision: PalmDecision = "refer"
    if can_be_judged(flags):
        decision = decide(probability, card)

    def here(value: float) -> float:
        return at_prevalence(value, prevalence, CALIBRATED_AT)

    return PalmCall(
        file,
        here(probability),
        here(min(float(low), probability)),
        here(max(float(high), probability)),
        decision,
        flags,
        model.identity,
        prevalence,
        is_research_result(card),
    )


def at_another_prevalence(call: PalmCall, prevalence: float) -> PalmCall:
    """The same answer where another share of the people has anemia; the decision stays."""

    def there(value: float) -> float:
        return at_prevalence(value, prevalence, call.prevalence)

    return replace(
        call,
        anemia_probability=there(call.anemia_probability),
        low=there(call.low),
        high=there(call.high),
        prevalence=prevalence,
    )


def is_research_result(card: PalmCard) -> bool:
    """Does the evidence of the photos that were locked away not exclude chance.

    Without such evidence nothing is excluded.
    """
    try:
        return float(card.evaluation["locked"]["auroc"]["low"]) <= 0.5
    except KeyError:
        return True


_NO_VERDICT = SPOILS_THE_COLOUR | {"out_of_focus", "unusual_palm"}


def can_be_judged(flags: Iterable[Flag]) -> bool:
    """Whether the probability means anything: False with a flag that spoils the colours."""
    return not any(flag.code in _NO_VERDICT for flag in flags)


def decide(probability: float, card: PalmCard) -> PalmDecision:
    """The decision for a probability at a prevalence of one half.

    Prevalence changes the predictive value of a decision, not the decision.
    """
    if probability < card.clear_below:
        return "not_suspected"
    return "anemia_suspected" if probability >= card.suspect_from else "refer"


def scores_of(pixels: RgbImage, model: LoadedModel) -> tuple[np.ndarray, float]:
    """Logits ``(heads,)`` and distance from the training palms, both means of four views."""
    logits, distances = engine_for(model)(as_batch(views(pixels)))
    return logits.mean(axis=0), float(distances.mean())
