"""The balanced clusters of Rizal et al. 2022, and the splits made of them.

193 photos, 57 anemic: two clusters of 136. That is the larger class halved, one half for each
cluster, and the smaller class in both, with copies until it is as many. The split comes after the
copying, so a photo and its copy can fall on both sides, and photos of one hand always may.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.public.palm_splits import hold_out

TEST_SHARE = 0.2


@dataclass(frozen=True)
class ClusterSplit:
    """Photos to learn from (balanced, with copies) and to test on.

    ``on_both_sides`` counts the test photos of which a copy, or another photo of the same group,
    was learnt from; ``blocks_on_both_sides`` those whose session block was.
    """

    train: list[PalmPhoto]
    test: list[PalmPhoto]
    on_both_sides: int
    blocks_on_both_sides: int


def clusters(photos: Sequence[PalmPhoto], seed: int = 0) -> tuple[list[PalmPhoto], list[PalmPhoto]]:
    """Two balanced clusters, as published."""
    rng = np.random.default_rng(seed)
    ill = [photo for photo in photos if photo.anemic]
    well = [photo for photo in photos if photo.anemic is False]
    larger, smaller = (ill, well) if len(ill) > len(well) else (well, ill)
    order = [larger[i] for i in rng.permutation(len(larger))]
    half = len(order) // 2
    first, second = order[:half], order[half:]
    return (
        first + _to_size(smaller, len(first), rng),
        second + _to_size(smaller, len(second), rng),
    )


def split_as_in_paper(cluster: Sequence[PalmPhoto], state: int) -> ClusterSplit:
    """80/20 at random by the random state, after the copying."""
    order = np.random.default_rng(state).permutation(len(cluster))
    tested = math.ceil(TEST_SHARE * len(cluster))
    test = [cluster[i] for i in order[:tested]]
    return _judged([cluster[i] for i in order[tested:]], test)


def split_honestly(cluster: Sequence[PalmPhoto], state: int) -> ClusterSplit:
    """About 80/20 by whole session blocks of each class, groups kept whole; then the learning part
    is balanced by copying. No photo stands twice in the test part.
    """
    once = list(dict.fromkeys(cluster))
    rng = np.random.default_rng(state)
    chosen: set[str] = set()
    for side in (True, False):
        names = sorted({photo.session_block for photo in once if photo.anemic is side})
        sizes = {n: sum(photo.session_block == n for photo in once) for n in names}
        rng.shuffle(names)
        held_out, wanted = 0, TEST_SHARE * sum(sizes.values())
        for name in names[:-1]:  # one block of each class stays to learn from
            if held_out and held_out + sizes[name] > 1.5 * wanted:
                continue
            chosen.add(name)
            held_out += sizes[name]
            if held_out >= 0.85 * wanted:
                break
    split = hold_out(once, chosen)
    learn, test = ([once[i] for i in part] for part in (split.learn, split.held_out))
    return _balanced(learn, test, rng)


def balanced_split(
    learn: Sequence[PalmPhoto], test: Sequence[PalmPhoto], state: int
) -> ClusterSplit:
    """A split that was made already; its learning part gets copies until both classes are alike."""
    return _balanced(learn, list(test), np.random.default_rng(state))


def _balanced(
    learn: Sequence[PalmPhoto], test: list[PalmPhoto], rng: np.random.Generator
) -> ClusterSplit:
    ill = [photo for photo in learn if photo.anemic]
    well = [photo for photo in learn if not photo.anemic]
    most = max(len(ill), len(well))
    return _judged(_to_size(ill, most, rng) + _to_size(well, most, rng), test)


def _to_size(photos: list[PalmPhoto], size: int, rng: np.random.Generator) -> list[PalmPhoto]:
    """All of them and random copies until there are ``size``; a random part where they are more."""
    if len(photos) >= size or not photos:
        return [photos[i] for i in rng.permutation(len(photos))[:size]]
    return photos + [photos[i] for i in rng.integers(0, len(photos), size - len(photos))]


def _judged(train: list[PalmPhoto], test: list[PalmPhoto]) -> ClusterSplit:
    groups = {photo.photo_group for photo in train}
    blocks = {photo.session_block for photo in train}
    return ClusterSplit(
        train,
        test,
        sum(photo.photo_group in groups for photo in test),
        sum(photo.session_block in blocks for photo in test),
    )


@dataclass(frozen=True)
class ClusterFacts:
    """One measurement over a cluster; ``values`` is how many have it."""

    name: str
    values: int
    missing: int
    mean: float | None
    lowest: float | None
    highest: float | None


def cluster_facts(cluster: Sequence[PalmPhoto]) -> list[ClusterFacts]:
    """Means, ranges and missing counts of haemoglobin, haematocrit and age, as the paper's table;
    ``female`` is the share of women.
    """
    fields = ("haemoglobin_g_dl", "haematocrit_percent", "age_years")
    facts = [_facts(name, [getattr(photo, name) for photo in cluster]) for name in fields]
    women = [None if photo.sex is None else float(photo.sex == "female") for photo in cluster]
    return [*facts, _facts("female", women)]


def _facts(name: str, values: Sequence[float | None]) -> ClusterFacts:
    known = [value for value in values if value is not None]
    missing = len(values) - len(known)
    if not known:
        return ClusterFacts(name, 0, missing, None, None, None)
    return ClusterFacts(name, len(known), missing, float(np.mean(known)), min(known), max(known))
