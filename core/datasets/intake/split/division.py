"""Training, validation and test: the set's own split where it has one, else cut by groups."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.datasets.intake.pictures import ReadPicture
from core.datasets.intake.split.grouping import Groups
from core.datasets.intake.split.parts import PARTS, GivenParts
from core.datasets.skipped import Skipped
from core.datasets.splits import grouped_split

SHARES: Final = (0.7, 0.2, 0.1)


@dataclass(frozen=True)
class Division:
    """Indices of the pictures that are used, and of those the parts."""

    chosen: list[int]
    parts: list[list[int]]


def divide(
    pictures: Sequence[ReadPicture],
    given: GivenParts,
    groups: Groups,
    labels: Sequence[str],
    seed: int,
    skipped: list[Skipped],
    notes: list[str],
) -> Division:
    """Training, validation and test: the set's own where it has them, else cut by groups.

    In a given split a picture of training (or validation) that is a copy of a judged one is left
    out, and so is one that lies in no part. A missing validation or test part is cut out of
    training.
    """
    everything = list(range(len(pictures)))
    if not any(given.names):
        parts = grouped_split(groups.numbers, labels, SHARES, seed) if labels else [[], [], []]
        return Division(everything, _no_empty(parts, groups.numbers))
    chosen, crossing = _kept_of_given(pictures, given, groups, skipped)
    parts = [[n for n, i in enumerate(chosen) if given.names[i] == part] for part in PARTS]
    notes.insert(0, "the set's own split into folders or files is kept")
    if crossing:
        notes.insert(
            1,
            f"{crossing} pictures are left out of training or validation: copies of them, or the "
            "same slide or patient, lie in a part that is judged on",
        )
    missing = [number for number in (1, 2) if not parts[number]]
    if missing:
        train = parts[0]
        share = sum(SHARES[number] for number in missing)
        cut = grouped_split(
            [groups.numbers[chosen[n]] for n in train],
            [labels[chosen[n]] for n in train],
            (1 - share, *(SHARES[number] for number in missing)),
            seed,
        )
        parts[0] = [train[k] for k in cut[0]]
        for number, members in zip(missing, cut[1:], strict=True):
            parts[number] = [train[k] for k in members]
        words = " and ".join(PARTS[number] for number in missing)
        notes.insert(1, f"the set brings no {words} part: it is cut out of training")
    return Division(chosen, parts)


def _kept_of_given(
    pictures: Sequence[ReadPicture], given: GivenParts, groups: Groups, skipped: list[Skipped]
) -> tuple[list[int], int]:
    """Pictures of a given split that are used, and how many are not since a copy is judged on."""
    rank = {part: number for number, part in enumerate(PARTS)}
    judged: dict[int, int] = {}
    for group, name in zip(groups.numbers, given.names, strict=True):
        if name:
            judged[group] = max(judged.get(group, 0), rank[name])
    chosen, crossing = [], 0
    for i, name in enumerate(given.names):
        if not name:
            why = given.contradicted.get(i, "it lies in none of the set's own parts")
            skipped.append(Skipped(pictures[i].shown, why))
        elif rank[name] < judged[groups.numbers[i]]:
            part = PARTS[judged[groups.numbers[i]]]
            why = f"it belongs together with a picture of the {part} part ({groups.names[i]})"
            skipped.append(Skipped(pictures[i].shown, why))
            crossing += 1
        else:
            chosen.append(i)
    return chosen, crossing


def _no_empty(parts: list[list[int]], groups: Sequence[int]) -> list[list[int]]:
    """With few large groups validation may get none: then it gets training's smallest."""
    members: dict[int, list[int]] = defaultdict(list)
    for i in parts[0]:
        members[groups[i]].append(i)
    if not parts[1] and len(members) > 1:
        moved = min(members.values(), key=len)
        parts[1] = sorted(moved)
        parts[0] = sorted(set(parts[0]) - set(moved))
    return parts
