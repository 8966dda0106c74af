"""Data-parallel training by several processes, as torchrun starts them.

Each process computes its part of every batch and gradients are averaged, so that a run of two
processes learns what a run of one would, up to rounding. The main process (rank 0) validates,
writes the checkpoints and reads what a person asks for; it broadcasts every decision. Where there
is one process only, all methods return their argument unchanged.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

Item = TypeVar("Item")

_PATIENCE: Final = timedelta(hours=6)
"""How long the other processes wait while the main one reads data or validates."""


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of one training; ``rank`` is this one's number, 0 is the main process."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process validates and writes."""
        return self.rank == 0

    def device(self) -> torch.device:
        """A GPU of its own for each process where there are GPUs, otherwise the CPU."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", self.rank % torch.cuda.device_count())

    def check(self, batch_size: int, examples: int) -> None:
        """Raises ValueError where a batch cannot be divided evenly among the processes."""
        if batch_size % self.size or (self.size > 1 and examples < batch_size):
            raise ValueError(
                f"batch_size must be a multiple of the {self.size} processes and no more than the "
                f"{examples} examples, got {batch_size}"
            )

    def share(self, batch: Sequence[Item]) -> list[Item]:
        """This process's part of a batch."""
        return list(batch[self.rank :: self.size])

    def wrapped(self, loss_module: nn.Module) -> nn.Module:
        """The module as it must be called, so that gradients are averaged over the processes.

        Only what is computed inside that call is averaged: it has to be the whole loss, since a
        recipe may use a part of its model alone.
        """
        return loss_module if self.size == 1 else nn.parallel.DistributedDataParallel(loss_module)

    def mean(self, loss: Tensor) -> float:
        """Mean of a scalar over the processes."""
        mean = loss.detach()
        if self.size > 1:
            mean = mean.clone()
            dist.all_reduce(mean)
            mean = mean / self.size
        return float(mean)

    def broadcast(self, value: Any) -> Any:
        """The main process's value, in every process."""
        if self.size == 1:
            return value
        box: list[Any] = [value]  # filled in place by every process but the main one
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """A tensor of every process, in the order of their ranks."""
        if self.size == 1:
            return [tensor]
        tensors = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(tensors, tensor)
        return tensors


def current_group() -> ProcessGroup:
    """The group this process belongs to; a group of one outside :func:`init_group`."""
    if dist.is_available() and dist.is_initialized():
        return ProcessGroup(dist.get_rank(), dist.get_world_size())
    return ProcessGroup()


@contextmanager
def init_group() -> Iterator[ProcessGroup]:
    """Join the other processes that torchrun started; a group of one where it started none."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ProcessGroup()
        return
    with_gpus = torch.cuda.is_available()
    if with_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if with_gpus else "gloo", timeout=_PATIENCE)
    try:
        yield current_group()
    finally:
        dist.destroy_process_group()
