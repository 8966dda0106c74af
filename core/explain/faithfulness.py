"""Faithfulness of a heat map: two checks that looking at the map cannot replace.

1. **Deletion.** Blurring the marked area must lower the score more than blurring the same shape
   in other places of the picture. Source: Petsiuk 2018 (RISE), deletion; Samek 2017.
2. **Randomised weights.** The map of a copy of the network with random last weights must look
   different, otherwise the map shows the picture and not the decision. Source: Adebayo 2018.

The checks take any module and any scalar score of its output.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.explain.heat import HeatMap
from core.models.engine import as_batch
from core.models.gradient_lock import gradient_lock
from core.records import RgbImage

MARKED_SHARE: Final = 0.2
"""Share of the picture that is deleted, where the map is strongest."""

DRAWS: Final = 12
"""Random places at which the same shape is deleted."""

RANDOMISED: Final = 3
"""Networks with randomised last weights whose maps are compared."""

LARGEST_SIMILARITY: Final = 0.8
"""Correlation with the randomised networks' maps above which a map is not believed."""


@dataclass(frozen=True)
class Faithfulness:
    """The verdict on one map.

    ``drop`` is how much the score falls when the marked area is filled, ``random_drop`` the mean
    fall over ``draws`` other places of the same shape, ``beaten`` the share of those places that
    cost less than the marked one; ``similarity`` is the mean correlation with the maps of the
    network with randomised last weights, in [-1, 1]. ``reason`` says in words why a map is not
    reliable, and is empty for one that is.
    """

    reliable: bool
    drop: float
    random_drop: float
    beaten: float
    similarity: float
    draws: int
    reason: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "reliable": self.reliable,
            "drop": round(self.drop, 4),
            "random_drop": round(self.random_drop, 4),
            "similarity_randomised": round(self.similarity, 4),
            "draws": self.draws,
            "reason": self.reason,
        }


def check_map(
    heat: HeatMap,
    pixels: RgbImage,
    module: nn.Module,
    *,
    score: Callable[[Any], Tensor],
    last: nn.Module,
    map_of: Callable[[nn.Module], HeatMap],
    seed: int = 0,
) -> Faithfulness:
    """Judge a map of one picture.

    Args:
        heat: ``(H, W)`` in [0, 1], the map to be judged.
        pixels: ``(H, W, 3)``, exactly what the module was given (before scaling to [0, 1]).
        module: what made the map; it is copied, never changed. Input ``(B, 3, H, W)`` in [0, 1].
        score: the module's output for a batch -> ``(B,)``, the score the map explains.
        last: the part of ``module`` whose weights are randomised, usually its last layer.
        map_of: the map of another module of the same structure for the same picture; it is handed
            changed copies of ``module``.
        seed: of the random places and weights; the same seed gives the same verdict.

    Returns:
        The verdict. A map without any evidence (all zero, or the same everywhere) is not reliable.

    Raises:
        ValueError: if map and picture differ in size, or ``last`` is no part of ``module``.
    """
    if heat.shape != pixels.shape[:2]:
        raise ValueError(f"map {heat.shape} does not fit picture {pixels.shape[:2]}")
    name = next((name for name, part in module.named_modules() if part is last), None)
    if name is None:
        raise ValueError("the layer to be randomised is no part of the module")
    if float(heat.max() - heat.min()) < 1e-6:
        return Faithfulness(False, 0.0, 0.0, 0.0, 0.0, 0, "the map marks nothing")
    # Another thread may be making a map: its hooks must not be copied, nor see these passes.
    with gradient_lock:
        copied = copy.deepcopy(module).eval()
    drop, random_drops = _deletion(heat, pixels, copied, score, seed)
    similarity = _similarity_randomised(heat, copied, name, map_of, seed)
    random_drop, beaten = float(random_drops.mean()), float((random_drops < drop).mean())
    reasons = []
    if drop <= 0:
        reasons.append("taking away what it marks does not lower the score")
    elif drop <= random_drop or beaten < 0.5:
        reasons.append("taking away what it marks lowers the score no more than any other place")
    if similarity > LARGEST_SIMILARITY:
        reasons.append("a network with random last weights gives nearly the same map")
    return Faithfulness(
        not reasons, drop, random_drop, beaten, similarity, DRAWS, " and ".join(reasons)
    )


def marked_area(heat: HeatMap, share: float = MARKED_SHARE) -> npt.NDArray[np.bool_]:
    """The ``share`` of the picture where the map is strongest, ``(H, W)``; fewer where it is 0."""
    wanted = max(1, round(share * heat.size))
    order = np.argsort(-heat, axis=None, kind="stable")[:wanted]
    marked = np.zeros(heat.size, bool)
    marked[order] = True
    return marked.reshape(heat.shape) & (heat > 0)


def random_masks(
    marked: npt.NDArray[np.bool_], draws: int, rng: np.random.Generator
) -> list[npt.NDArray[np.bool_]]:
    """The same shape mirrored and shifted at random, wrapping round the edges: the same area."""
    height, width = marked.shape
    moved = []
    for _ in range(draws):
        shape = marked[:, ::-1] if rng.random() < 0.5 else marked
        shape = shape[::-1] if rng.random() < 0.5 else shape
        moved.append(
            np.roll(shape, (int(rng.integers(height)), int(rng.integers(width))), axis=(0, 1))
        )
    return moved


def delete(pixels: RgbImage, marked: npt.NDArray[np.bool_]) -> RgbImage:
    """The picture with the marked area blurred strongly, fading in at its rim.

    A flat colour with a hard rim would be a new object that the network never saw.
    """
    side = min(pixels.shape[:2])
    blurred = cv2.GaussianBlur(pixels, (0, 0), side / 6, borderType=cv2.BORDER_REFLECT)
    share = cv2.GaussianBlur(marked.astype(np.float32), (0, 0), side / 64)[..., None]
    return np.asarray(pixels * (1 - share) + blurred * share + 0.5, dtype=np.uint8)


@torch.no_grad()
def _deletion(
    heat: HeatMap, pixels: RgbImage, module: nn.Module, score: Callable[[Any], Tensor], seed: int
) -> tuple[float, npt.NDArray[np.float64]]:
    marked = marked_area(heat)
    places = [marked, *random_masks(marked, DRAWS, np.random.default_rng(seed))]
    pictures = [pixels, *(delete(pixels, place) for place in places)]
    # Whole fields go through one at a time, which bounds the memory.
    at_once = len(pictures) if pixels.size < 300_000 else 1
    scores = np.concatenate(
        [
            score(module(torch.from_numpy(as_batch(pictures[i : i + at_once]))))
            .double()
            .reshape(-1)
            .numpy()
            for i in range(0, len(pictures), at_once)
        ]
    )
    drops = scores[0] - scores[1:]
    return float(drops[0]), drops[1:]


def _similarity_randomised(
    heat: HeatMap,
    copied: nn.Module,
    name: str,
    map_of: Callable[[nn.Module], HeatMap],
    seed: int,
) -> float:
    """Mean correlation with the maps of networks whose last weights are random.

    Mean and spread of the weights stay, tensor by tensor. A map that is zero everywhere correlates
    with nothing.
    """
    similarities = []
    source = torch.Generator().manual_seed(seed)
    for _ in range(RANDOMISED):
        with torch.no_grad():
            for parameter in copied.get_submodule(name).parameters():
                spread = float(parameter.std()) if parameter.numel() > 1 else 1.0
                drawn = torch.randn(parameter.shape, generator=source, dtype=parameter.dtype)
                parameter.copy_(drawn * (spread or 1.0) + float(parameter.mean()))
        similarities.append(_correlation(heat, map_of(copied)))
    return float(np.mean(similarities))


def _correlation(a: HeatMap, b: HeatMap) -> float:
    if a.std() < 1e-6 or b.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
