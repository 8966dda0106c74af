"""Every figure of a palm score on one set of photos, with intervals over session blocks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.statistics.palm_scores import Scores, Truth, auroc, block_bootstrap, diagnostic_odds_ratio


def auroc_row(scores: Scores, anemic: Truth, blocks: Sequence[str]) -> dict[str, Any]:
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
) -> dict[str, Any]:
    """Shares that are told each answer, of the anemic and of the others.

    A score of at least ``suspect_from`` is suspected, one under ``clear_below`` is not; the rest
    is referred.
    """
    told = {
        "anemia_suspected": probabilities >= suspect_from,
        "not_suspected": probabilities < clear_below,
    }
    told["refer"] = ~(told["anemia_suspected"] | told["not_suspected"])
    return {
        name: {
            "of_anemic": _share_row(said, anemic, anemic, blocks),
            "of_others": _share_row(said, ~anemic, anemic, blocks),
        }
        for name, said in told.items()
    }


def per_block(probabilities: Scores, anemic: Truth, blocks: Sequence[str]) -> list[dict[str, Any]]:
    """Mean probability of each block; a block holds one class, so it has no AUROC of its own.

    ``auroc_against_others`` sets the block's photos against all photos of the other class.
    """
    names = np.asarray(blocks)
    rows = []
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
) -> dict[str, Any]:
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
        "diagnostic_odds_ratio": diagnostic_odds_ratio(sensitivity["value"], specificity["value"]),
    }


def calibration_rows(probabilities: Scores, anemic: Truth, bins: int = 5) -> list[dict[str, Any]]:
    """Said against seen in equal parts of the scores, both classes weighted to one half."""
    weights = np.where(anemic, 0.5 / anemic.mean(), 0.5 / (1 - anemic.mean()))
    rows = []
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
    said: np.ndarray, among: np.ndarray, anemic: Truth, blocks: Sequence[str]
) -> dict[str, float | int]:
    def share(index: np.ndarray) -> float:
        inside = among[index]
        return float(said[index][inside].mean()) if inside.any() else float("nan")

    low, high = block_bootstrap(share, anemic, blocks)
    return {"value": share(np.arange(len(said))), "low": low, "high": high, "n": int(among.sum())}
