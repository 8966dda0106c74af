"""The order in which a run sees its examples: a function of (seed, epoch) and nothing else."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import torch
from torch.utils.data import Sampler

from core.training.loop.process_group import ProcessGroup

Item = TypeVar("Item")


class Batches(Sampler[list[tuple[int, int]]]):
    """Batches of ``(epoch, index)``: a permutation of all examples without its first batches.

    Each process of a group gets its own part of every batch.
    """

    def __init__(
        self,
        length: int,
        size: int,
        count: int,
        *,
        seed: int,
        epoch: int,
        skip: int,
        group: ProcessGroup,
    ) -> None:
        """``count`` batches of ``size`` out of ``length`` examples, without the first ``skip``."""
        self._length, self._size, self._count, self._skip = length, size, count, skip
        self._seed, self._epoch, self._group = seed, epoch, group

    def __len__(self) -> int:
        return self._count - self._skip

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        order = torch.randperm(self._length, generator=generator).tolist()
        for number in range(self._skip, self._count):
            batch = order[number * self._size : (number + 1) * self._size]
            yield [(self._epoch, index) for index in self._group.share(batch)]


def groups_of(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size`` items, in order."""
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group
