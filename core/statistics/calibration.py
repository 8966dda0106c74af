"""Temperature, conformal limits and abstention, chosen on validation cells only."""

import math

import numpy as np
import numpy.typing as npt
import scipy

Logits = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]


def best_temperature(logits: Logits, labels: Labels) -> float:
    """Temperature with the least negative log-likelihood, in [0.2, 5]. Source: Guo 2017."""

    def cost(log_t: float) -> float:
        log_probabilities = scipy.special.log_softmax(
            np.asarray(logits, float) / math.exp(log_t), axis=1
        )
        return float(-log_probabilities[np.arange(len(labels)), labels].mean())

    found = scipy.optimize.minimize_scalar(
        cost, bounds=(math.log(0.2), math.log(5.0)), method="bounded"
    )
    return float(math.exp(found.x))


def set_limit(probabilities: Logits, labels: Labels, coverage: float = 0.9) -> float:
    """Smallest probability of a class in the conformal set, from cells not trained on.

    The finite-sample quantile of 1 - p(true) makes the sets hold the truth at least ``coverage``
    of the time on cells like these. Source: Sadinle 2019; Angelopoulos & Bates 2021, section 1.
    """
    misfit = np.sort(1 - probabilities[np.arange(len(labels)), labels])
    rank = math.ceil((len(labels) + 1) * coverage)
    return float(1 - misfit[min(rank, len(labels)) - 1])


def abstention_limit(probabilities: Logits, labels: Labels, accuracy: float = 0.99) -> float:
    """Smallest top probability above which the calls are right ``accuracy`` of the time.

    Returns 1.0 (always abstain) where no limit reaches it.
    """
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-top, kind="stable")
    running = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(running >= accuracy)
    return float(top[order[enough[-1]]]) if len(enough) else 1.0


def expected_calibration_error(probabilities: Logits, labels: Labels, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their cells.

    Source: Naeini 2015.
    """
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    index = np.minimum((top * bins).astype(int), bins - 1)
    gap = 0.0
    for b in np.unique(index):
        inside = index == b
        gap += inside.mean() * abs(float(top[inside].mean()) - float(right[inside].mean()))
    return float(gap)


def reliability(
    probabilities: Logits, labels: Labels, bins: int = 10
) -> list[tuple[float, float, int]]:
    """Mean confidence, share right and number of the items of each bin that is not empty.

    The bins divide the probability of the likeliest class, from 0 to 1, into equal parts.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for inside in (place == number for number in range(bins))
        if inside.any()
    ]


def conformal_scale(
    counted: npt.NDArray[np.number], truth: npt.NDArray[np.number], coverage: float = 0.9
) -> float:
    """Split-conformal half width of a count, in units of sqrt(count + 1). Source: Lei 2018."""
    misfit = np.sort(
        np.abs(np.asarray(counted, float) - truth) / np.sqrt(np.asarray(counted, float) + 1)
    )
    rank = math.ceil((len(misfit) + 1) * coverage)
    return float(misfit[min(rank, len(misfit)) - 1])


def as_probabilities(logits: Logits, temperature: float) -> npt.NDArray[np.float64]:
    """Softmax at a temperature, ``(N, classes)``."""
    return np.asarray(scipy.special.softmax(np.asarray(logits, float) / temperature, axis=1))
