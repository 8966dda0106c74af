"""How far a cell is from what the network learnt, by the features its last layer reads.

Two questions with two answers. *Is this a cell at all* is judged by a linear head that was shown
cells of many stains and things that are none (Hendrycks 2019, outlier exposure); a one-class
distance alone calls every other laboratory novel, since another stain lies further away than a
patch of skin. *Does it look like the laboratory learnt from* is the Mahalanobis distance to the
nearest class (Lee 2018); it decides which calibration holds and how the classes are weighed, and
makes no call doubtful by itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.inference.white_cell.uncertainty import Uncertainty
from core.models.cards import LabelShift, WhiteCellCard
from core.models.weights import LoadedModel

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """Limits for one group of cells; probabilities are taken at ``temperature``.

    ``set_limit`` and ``wide_limit`` are least probabilities of a class in the 90 % set and in the
    set that people are shown; ``abstain_below`` is the least probability of a call, or of its
    parent class where ``abstain_by_parent``.
    """

    temperature: float
    set_limit: float
    wide_limit: float
    abstain_below: float
    abstain_by_parent: bool = False


@dataclass(frozen=True)
class Familiarity:
    """Of ``N`` cells: ``not_a_cell`` in [0, 1], above ``limit`` it is none; ``unfamiliar`` says
    that the stain or the cell is unlike the laboratory learnt from.
    """

    not_a_cell: Array
    limit: float
    distance: Array
    unfamiliar: npt.NDArray[np.bool_]


def familiarity(features: Array, uncertainty: Uncertainty) -> Familiarity:
    """Judge ``(N, width)`` features."""
    novelty = uncertainty.card.novelty
    tensors = uncertainty.tensors
    head = tensors["novelty.weight"].astype(np.float32)
    odds = features @ head + np.float32(novelty.bias)
    rows = on_axes(features, tensors["axes.mean"], tensors["axes.basis"])
    distance = mahalanobis(rows, tensors["novelty.means"], tensors["novelty.whiten"])
    return Familiarity(
        not_a_cell=np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32),
        limit=novelty.not_a_cell_limit,
        distance=distance,
        unfamiliar=distance > novelty.familiar_limit,
    )


def apply_label_shift(logits: Array, distance: Array, rule: LabelShift | None) -> Array:
    """Logits corrected for the class frequencies expected in another laboratory, ``(N, classes)``.

    The class frequencies of the training set say nothing about those met elsewhere.

    Args:
        logits: ``(N, classes)``.
        distance: of each cell from the training laboratory, ``(N,)``.
        rule: ``label_shift`` of the uncertainty card: ``shift``, added to the logits of each class
            for cells farther than ``beyond``. None changes nothing.

    Source: Saerens et al. 2002, adjusting a classifier to new a priori probabilities.
    """
    if rule is None:
        return logits
    far = distance > rule.beyond
    return np.asarray(logits + far[:, None] * np.array(rule.shift, np.float32), np.float32)


def on_axes(features: Array, mean: Array, basis: Array) -> Array:
    """Features ``(N, width)`` on the stored axes ``(axes, width)``: ``(N, axes)``."""
    return np.asarray((features - mean) @ basis.T, np.float32)


def mahalanobis(rows: Array, means: Array, whiten: Array) -> Array:
    """Distance of each row to the nearest class, ``(N,)``; ``whiten`` is inv(L), covariance LL'."""
    centred = rows @ whiten.T
    centres = means @ whiten.T
    square = ((centred[:, None, :] - centres[None]) ** 2).sum(axis=2)
    return np.asarray(np.sqrt(square.min(axis=1)), np.float32)


def calibration_of(
    model: LoadedModel, uncertainty: Uncertainty | None, unfamiliar: bool
) -> Calibration:
    """The limits that hold for a cell; without extras the card's own, for every cell alike."""
    if uncertainty is None:
        card = model.card_as(WhiteCellCard)
        return Calibration(card.temperature, card.set_limit, card.set_limit, card.abstain_below)
    groups = uncertainty.card.calibration
    limits = groups.unfamiliar if unfamiliar else groups.familiar
    return Calibration(
        limits.temperature,
        limits.set_limit,
        limits.wide_limit,
        limits.abstain_below,
        limits.abstain_by_parent,
    )
