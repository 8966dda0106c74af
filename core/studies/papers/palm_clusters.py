"""The balanced clusters of Rizal et al. 2022, and splits of them.

Of 193 photos, 57 anemic, the paper forms two clusters of 136: each has one half of the larger class
and the whole smaller class, with copies until both classes are equal. It splits after copying, so a
photo and its copy can be on both sides of the split, and so can photos of one hand.
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
    """Training photos (balanced, with copies) and test photos.

    ``on_both_sides`` counts the test photos with a training photo of the same photo group (a copy,
    for one); ``blocks_on_both_sides`` those with one of the same session block.
    """

    train: list[PalmPhoto]
    test: list[PalmPhoto]
    on_both_sides: int
    blocks_on_both_sides: int


def clusters(photos: Sequence[PalmPhoto], seed: int = 0) -> tuple[list[PalmPhoto], list[PalmPhoto]]:
    """The two balanced clusters of the paper."""
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
    """The paper's split: 80/20 at random, after copying."""
    order = np.random.default_rng(state).permutation(len(cluster))
    tested = math.ceil(TEST_SHARE * len(cluster))
    test = [cluster[i] for i in order[:tested]]
    return _with_leaks([cluster[i] for i in order[tested:]], test)


def split_honestly(cluster: Sequence[PalmPhoto], state: int) -> ClusterSplit:
    """About 80/20 by session block within each class, without dividing a photo group.

    The training part is balanced by copying after the split; the test part has no photo twice.
    """
    once = list(dict.fromkeys(cluster))
    rng = np.random.default_rng(state)
    chosen: set[str] = set()
    for side in (True, False):
        names = sorted({photo.session_block for photo in once if photo.anemic is side})
        sizes = {n: sum(photo.session_block == n for photo in once) for n in names}
        rng.shuffle(names)
        held_out, wanted = 0, TEST_SHARE * sum(sizes.values())
        for name in names[:-1]:  # one block of each class stays in the training part
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
    """A given split, with the training part balanced by copying."""
    return _balanced(learn, list(test), np.random.default_rng(state))


def _balanced(
    learn: Sequence[PalmPhoto], test: list[PalmPhoto], rng: np.random.Generator
) -> ClusterSplit:
    ill = [photo for photo in learn if photo.anemic]
    well = [photo for photo in learn if not photo.anemic]
    most = max(len(ill), len(well))
    return _with_leaks(_to_size(ill, most, rng) + _to_size(well, most, rng), test)


def _to_size(photos: list[PalmPhoto], size: int, rng: np.random.Generator) -> list[PalmPhoto]:
    """``size`` photos: all of them and random copies, or a random part if there are more."""
    if len(photos) >= size or not photos:
        return [photos[i] for i in rng.permutation(len(photos))[:size]]
    return photos + [photos[i] for i in rng.integers(0, len(photos), size - len(photos))]


def _with_leaks(train: list[PalmPhoto], test: list[PalmPhoto]) -> ClusterSplit:
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
    """Summary of one measurement over a cluster; ``values`` photos have it."""

    name: str
    values: int
    missing: int
    mean: float | None
    lowest: float | None
    highest: float | None


def cluster_facts(cluster: Sequence[PalmPhoto]) -> list[ClusterFacts]:
    """Mean, range and missing values of haemoglobin, haematocrit and age, as in the paper's table.

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
