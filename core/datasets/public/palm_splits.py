"""Splits of palm photos by session block and photo group, neither ever divided.

A session block holds one class only, so blocks are drawn within each class. A photo whose group
also stands in a held-out block is left out of the learning part altogether.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.public.ghana_palms import PalmPhoto

LOCKED_SHARE = 0.2
LOCK_SEED = 2026


@dataclass(frozen=True)
class PalmSplit:
    """Indices into the photos: to learn from, and held out."""

    learn: list[int]
    held_out: list[int]


def hold_out(photos: Sequence[PalmPhoto], blocks: set[str]) -> PalmSplit:
    """Hold these blocks out, and every photo of a group found in them."""
    held = [i for i, photo in enumerate(photos) if photo.session_block in blocks]
    groups = {photos[i].photo_group for i in held}
    learn = [
        i
        for i, photo in enumerate(photos)
        if photo.session_block not in blocks and photo.photo_group not in groups
    ]
    return PalmSplit(learn, held)


def lock_away(
    photos: Sequence[PalmPhoto], share: float = LOCKED_SHARE, seed: int = LOCK_SEED
) -> PalmSplit:
    """The part that is looked at once, at the end: about ``share`` of each class, whole blocks."""
    rng = np.random.default_rng(seed)
    chosen: set[str] = set()
    for anemic in (False, True):
        sizes = _blocks(photos, anemic)
        total, taken = sum(sizes.values()), 0
        names = sorted(sizes)
        rng.shuffle(names)
        for name in names:
            if taken + sizes[name] <= 1.15 * share * total:
                chosen.add(name)
                taken += sizes[name]
            if taken >= 0.85 * share * total:
                break
    return hold_out(photos, chosen)


def folds(photos: Sequence[PalmPhoto], parts: int, seed: int) -> Iterator[PalmSplit]:
    """Cross-validation: each block is held out once.

    Raises:
        ValueError: if a class has fewer blocks than ``parts``.
    """
    rng = np.random.default_rng(seed)
    part_of: dict[str, int] = {}
    for anemic in (False, True):
        sizes = _blocks(photos, anemic)
        if len(sizes) < parts:
            raise ValueError(
                f"{len(sizes)} session blocks {'with' if anemic else 'without'} anemia cannot "
                f"make {parts} parts"
            )
        names = sorted(sizes)
        rng.shuffle(names)
        names.sort(key=lambda name: -sizes[name] + rng.uniform(-6, 6))
        filled = np.zeros(parts)
        for name in names:
            part = int(np.argmin(filled + rng.uniform(0, 0.1, parts)))
            part_of[name] = part
            filled[part] += sizes[name]
    for part in range(parts):
        yield hold_out(photos, {name for name, where in part_of.items() if where == part})


def _blocks(photos: Sequence[PalmPhoto], anemic: bool) -> dict[str, int]:
    names = [photo.session_block for photo in photos if photo.anemic is anemic]
    return {name: names.count(name) for name in set(names)}
