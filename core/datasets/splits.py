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
