"""Trains a tiny network in two processes at once, which die or pause together.

Run by ``test_process_group.py`` in a process of its own: children are forked before torch has
started any thread. The parent does what torchrun does: when the first child dies it ends the other.
"""

import os
import signal
import socket

import torch
import torch.nn.functional as F
from torch import nn

from core.training.loop.process_group import init_group
from core.training.loop.recipe import Interrupted, Order, Progress
from core.training.loop.train import LoopSettings, train
from tests.training.loop.killed_runs import Examples, Tiny, die, print_statuses

SETTINGS = LoopSettings(
    epochs=3,
    batch_size=4,
    learning_rate=0.01,
    warmup_steps=2,
    averaging=0.9,
    workers=0,
    bfloat16=False,
)


class Plain(Tiny):
    """Without normalisation and chance, so that two halves of a batch learn what the whole does."""

    def __init__(self, dropout=0.0):
        self.dropout, self.epochs = dropout, 0

    def build(self):
        return nn.Sequential(
            *(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Dropout(self.dropout)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 2)),
        )

    def training_set(self):
        return Examples()

    @torch.no_grad()
    def validate(self, model):
        loss = float(sum(p.square().sum() for p in model.parameters()))
        return {"score": loss, "loss": loss}


class InParts(Plain):
    """The same loss, from parts of the model called one by one, as the count recipes do."""

    def loss(self, model, batch):
        *features, last = model
        output = batch["image"]
        for layer in features:
            output = layer(output)
        return F.cross_entropy(last(output).float(), batch["label"])


def child(folder, rank, place):
    kind, _, count = place.partition(":")
    seen = 0

    def control(progress: Progress) -> Order:
        nonlocal seen
        seen += 1
        if kind == "batch" and seen == int(count):
            die()
        return "pause" if kind == "pause" and seen >= int(count) else "go"

    if rank is not None:
        os.environ.update({"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"})
    with init_group() as group:
        # The loop obeys the main process only: what another one's control answers must not matter.
        def ignored(progress: Progress) -> Order:
            return "leave"

        try:
            kind_of = InParts if "parts" in folder.name else Plain
            recipe = kind_of(0.3 if "chance" in folder.name else 0.0)
            train(recipe, SETTINGS, folder, control=control if group.is_main else ignored)
        except Interrupted:
            os._exit(3)
    os._exit(0)


def run(folder, place):
    """Status of the first child: minus the signal's number, or its exit status."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ.update({"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"})
        os.environ["MASTER_PORT"] = str(probe.getsockname()[1])
    ranks = [None] if "single" in folder.name else [0, 1]
    children = []
    for rank in ranks:
        process = os.fork()
        if process == 0:
            try:
                child(folder, rank, place)
            finally:
                os._exit(99)
        children.append(process)
    status = os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1])
    for other in children[1:]:
        if status < 0:
            os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
    return status


if __name__ == "__main__":
    print_statuses(run)
