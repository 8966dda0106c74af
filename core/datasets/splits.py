"""Splits by group: whatever belongs together stands on one side."""

from collections.abc import Hashable, Sequence

import numpy as np


def grouped_split(
    groups: Sequence[Hashable],
    strata: Sequence[Hashable],
    shares: Sequence[float],
    seed: int,
) -> list[list[int]]:
    """Indices of each part, groups kept whole, strata in about equal proportion.

    Args:
        groups: group of every item; a group is never divided.
        strata: class (or source) of every item; a group goes by its first item's.
        shares: share of each part, summing to 1.
        seed: same seed, same split.

    Returns:
        One sorted list of indices per share; together they are all items, once.

    Raises:
        ValueError: if the shares do not sum to 1 or the lengths differ.
    """
    if len(groups) != len(strata):
        raise ValueError(f"{len(groups)} groups for {len(strata)} strata")
    if abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"shares must sum to 1, got {list(shares)}")
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    by_stratum: dict[Hashable, list[list[int]]] = {}
    for items in members.values():
        by_stratum.setdefault(strata[items[0]], []).append(items)

    rng = np.random.default_rng(seed)
    parts: list[list[int]] = [[] for _ in shares]
    for stratum in sorted(by_stratum, key=str):
        blocks = by_stratum[stratum]
        rng.shuffle(blocks)
        total = sum(map(len, blocks))
        filled = np.zeros(len(shares))
        for block in blocks:
            # The part furthest below its share takes the next group.
            part = int(np.argmax(np.asarray(shares) - filled / total))
            parts[part].extend(block)
            filled[part] += len(block)
    return [sorted(part) for part in parts]


def run_split(
    numbers: Sequence[int],
    shares: Sequence[float],
    *,
    seed: int = 0,
    length: int = 40,
    gap: int = 5,
    margin: int = 3,
) -> list[list[int]]:
    """Indices of each part, cut by runs of neighbouring numbers.

    Pictures numbered in the order they were taken overlap, or show one slide, where their numbers
    are near each other. A run ends where numbers jump by more than ``gap`` or after ``length``
    pictures. Where a run was ended by its length alone and the next one went to another part, the
    pictures within ``margin`` numbers of the cut are left out of the earlier run.

    Args:
        numbers: of every item; items of one number stay together.
        shares: share of each part, summing to 1.
        seed: same seed, same split.
        length: pictures after which a run is ended.
        gap: jump of the numbers that ends a run.
        margin: numbers this near to a picture of another part are left out.

    Returns:
        One sorted list of indices per share; no index twice, those of the margins in none.

    Raises:
        ValueError: if the shares do not sum to 1.
    """
    order = sorted(range(len(numbers)), key=lambda i: numbers[i])
    run_of: dict[int, int] = {}
    run = size = 0
    for before, index in zip([None, *order], order, strict=False):
        step = 0 if before is None else numbers[index] - numbers[before]
        if step > gap or (step > 0 and size >= length):
            run, size = run + 1, 0
        run_of[index], size = run, size + 1
    runs = [run_of[i] for i in range(len(numbers))]
    parts = grouped_split(runs, ["run"] * len(runs), shares, seed)
    part_of = {numbers[i]: part for part, items in enumerate(parts) for i in items}
    return [
        [
            i
            for i in items
            if all(
                part_of.get(near, part) == part
                for near in range(numbers[i] + 1, numbers[i] + margin + 1)
            )
        ]
        for part, items in enumerate(parts)
    ]
