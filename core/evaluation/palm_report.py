"""Every figure of a palm score on one set of photos, with intervals over session blocks."""

from collections.abc import Sequence

import numpy as np

from core.models.cards.figures import (
    AurocRow,
    BlockRow,
    CalibrationRow,
    DecisionRow,
    DecisionRows,
    TwoWayRow,
)
from core.statistics.figures import Measured
from core.statistics.palm_scores import Scores, Truth, auroc, block_bootstrap, diagnostic_odds_ratio


def auroc_row(scores: Scores, anemic: Truth, blocks: Sequence[str]) -> AurocRow:
    """AUROC with its interval, and how many photos and blocks it rests on."""
    low, high = block_bootstrap(lambda i: auroc(scores[i], anemic[i]), anemic, blocks)
    return {
        "value": auroc(scores, anemic),
        "low": low,
        "high": high,
        "n": len(scores),
        "anemic": int(anemic.sum()),
        "blocks": len(set(blocks)),
    }


def decision_rows(
    probabilities: Scores,
    anemic: Truth,
    blocks: Sequence[str],
    clear_below: float,
    suspect_from: float,
) -> DecisionRows:
    """Shares that get each answer, of the anemic and of the others.

    A score of at least ``suspect_from`` is suspected, one under ``clear_below`` is not; the rest
    is referred.
    """
    suspected, cleared = probabilities >= suspect_from, probabilities < clear_below

    def row(answered: np.ndarray) -> DecisionRow:
        return {
            "of_anemic": _share_row(answered, anemic, anemic, blocks),
            "of_others": _share_row(answered, ~anemic, anemic, blocks),
        }

    return {
        "anemia_suspected": row(suspected),
        "not_suspected": row(cleared),
        "refer": row(~(suspected | cleared)),
    }


def per_block(probabilities: Scores, anemic: Truth, blocks: Sequence[str]) -> list[BlockRow]:
    """Mean probability of each block; a block holds one class, so it has no AUROC of its own.

    ``auroc_against_others`` sets the block's photos against all photos of the other class.
    """
    names = np.asarray(blocks)
    rows: list[BlockRow] = []
    for name in sorted(set(blocks)):
        inside = names == name
        side = bool(anemic[inside][0])
        compared = inside | (anemic != side)
        rows.append(
            {
                "block": str(name),
                "anemic": side,
                "photos": int(inside.sum()),
                "mean_probability": float(probabilities[inside].mean()),
                "auroc_against_others": auroc(probabilities[compared], anemic[compared]),
            }
        )
    return rows


def two_way_row(
    probabilities: Scores, anemic: Truth, blocks: Sequence[str], threshold: float
) -> TwoWayRow:
    """Sensitivity, specificity, accuracy and diagnostic odds ratio at one threshold."""
    positive = probabilities >= threshold
    sensitivity = _share_row(positive, anemic, anemic, blocks)
    specificity = _share_row(~positive, ~anemic, anemic, blocks)
    return {
        "threshold": threshold,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "accuracy": float((positive == anemic).mean()),
        "majority": float(max(anemic.mean(), 1 - anemic.mean())),
        "diagnostic_odds_ratio": diagnostic_odds_ratio(_value(sensitivity), _value(specificity)),
    }


def calibration_rows(probabilities: Scores, anemic: Truth, bins: int = 5) -> list[CalibrationRow]:
    """Predicted and observed share in equal parts of the scores, classes weighted to one half."""
    weights = np.where(anemic, 0.5 / anemic.mean(), 0.5 / (1 - anemic.mean()))
    rows: list[CalibrationRow] = []
    for part in np.array_split(np.argsort(probabilities, kind="stable"), bins):
        share = weights[part] / weights[part].sum()
        rows.append(
            {
                "said": float(probabilities[part] @ share),
                "seen": float(anemic[part] @ share),
                "photos": len(part),
            }
        )
    return rows


def _share_row(
    positive: np.ndarray, among: np.ndarray, anemic: Truth, blocks: Sequence[str]
) -> Measured:
    """Share of positive photos ``among`` some, with its interval over session blocks."""

    def share(index: np.ndarray) -> float:
        inside = among[index]
        return float(positive[index][inside].mean()) if inside.any() else float("nan")

    low, high = block_bootstrap(share, anemic, blocks)
    return {
        "value": share(np.arange(len(positive))),
        "low": low,
        "high": high,
        "n": int(among.sum()),
    }


def _value(row: Measured) -> float:
    """The share itself, which :func:`_share_row` always gives."""
    assert row["value"] is not None
    return row["value"]
