"""Cross-validation of a small set: every cell is a test cell once, of a model that did not see it.

Source: Kohavi 1995; groups are kept whole and classes spread evenly.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np


def fold_parts(
    labels: Sequence[str], groups: Sequence[int], fold: int, of: int, seed: int = 0
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Indices of training, validation and test part of one fold.

    The test part is the fold, the validation part the one after it, and the rest is learnt from.

    Args:
        labels: class of each cell.
        groups: number of what belongs together (copies, a slide, a patient); it is never cut.
        fold: which, from 1 on.
        of: how many, three at least.
        seed: same seed, same folds.

    Raises:
        ValueError: for a fold that there is none of, or where a class has fewer groups than folds.
    """
    if not 1 <= fold <= of or of < 3:
        raise ValueError(f"there is no fold {fold} of {of}; three folds are needed at least")
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    of_class: dict[str, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        of_class[label].add(group)
    few = {name: len(found) for name, found in of_class.items() if len(found) < of}
    if few:
        words = ", ".join(f"{name} {number}" for name, number in sorted(few.items()))
        raise ValueError(f"{of} folds need {of} separate pictures of each class; there are {words}")
    rng = np.random.default_rng(seed)
    place: dict[int, int] = {}
    # The rarest class first: a group of several classes goes where the rare one needs it.
    for name in sorted(of_class, key=lambda one: (len(of_class[one]), one)):
        sizes = [0] * of
        for group in of_class[name]:
            if group in place:
                sizes[place[group]] += 1
        free = sorted(group for group in of_class[name] if group not in place)
        for group in rng.permutation(np.array(free, np.int64)).tolist():
            least = min(sizes)
            choice = int(rng.choice([n for n, size in enumerate(sizes) if size == least]))
            place[group] = choice
            sizes[choice] += 1
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for group, indices in sorted(members.items()):
        after = (place[group] - (fold - 1)) % of
        parts[{0: 2, 1: 1}.get(after, 0)].extend(indices)
    train, validation, test = (tuple(sorted(part)) for part in parts)
    return train, validation, test


def fold_of(word: str) -> tuple[int, int] | None:
    """``"2 of 5"`` -> (2, 5); None for ``"no"``."""
    first, _, last = word.partition(" of ")
    return (int(first), int(last)) if last else None
