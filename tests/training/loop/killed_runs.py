"""Trains a tiny network again and again, each time in a child that dies somewhere else.

Run by ``test_resume.py`` in a process of its own: children are forked before torch has started
any thread. Each place to die gets a folder; the child killed there is followed by one that goes on.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from core.training.loop.train import Interrupted, LoopSettings, train

SETTINGS = LoopSettings(
    epochs=4, batch_size=4, learning_rate=0.01, warmup_steps=2, averaging=0.9, workers=0
)
BATCHES = 5


class Examples(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __len__(self):
        return 4 * BATCHES + 2

    def __getitem__(self, key):
        epoch, index = key
        generator = torch.Generator().manual_seed(1000 * epoch + index)
        image = torch.rand(3, 16, 16, generator=generator)
        return {"image": image, "label": (image.mean() > 0.5).long()}


class Tiny:
    """Convolutions, normalisation and dropout: everything with a state or chance of its own."""

    name = "tiny"

    def build(self):
        return nn.Sequential(
            *(nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Dropout(0.3)),
            *(nn.Conv2d(32, 32, 3, groups=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
            *(nn.Flatten(), nn.Linear(32, 2)),
        )

    def training_set(self):
        return Examples()

    def loss(self, model, batch):
        image = batch["image"].contiguous(memory_format=torch.channels_last)
        return F.cross_entropy(model(image).float(), batch["label"])

    @torch.no_grad()
    def validate(self, model):
        # From the weights' own count of batches: every epoch is better, or every one is worse.
        batches = float(model[1].num_batches_tracked)
        loss = float(sum(p.square().sum() for p in model.parameters()))
        return {"score": -batches if self.falls else batches, "loss": loss}

    falls = False


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def child(folder, place):
    """Train in ``folder`` and die at ``place``; never returns."""
    kind, _, count = place.partition(":")
    seen = renames = 0

    def control(progress):
        nonlocal seen
        seen += 1
        if kind == "batch" and seen == int(count):
            die()
        return "pause" if kind == "pause" and seen >= int(count) else "go"

    def count_renames(event, arguments):
        nonlocal renames
        if event == "os.rename" and kind == "rename":
            renames += 1
            if renames == int(count):
                die()

    sys.addaudithook(count_renames)
    if kind == "bytes":
        # The system kills whoever writes a file past this size: in the middle of a checkpoint.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(count), int(count)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    recipe = Tiny()
    recipe.falls = "falls" in folder.name
    try:
        train(recipe, SETTINGS, folder, control=control)
    except Interrupted:
        os._exit(3)
    os._exit(0)


def run(folder, place):
    """The status of a child: minus the signal's number, or its exit status."""
    process = os.fork()
    if process == 0:
        try:
            child(folder, place)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def print_statuses(run):
    """Call ``run(folder, place)`` for each place of the arguments and print the statuses as JSON.

    The arguments are a folder and, as JSON, the places to die for each name of a folder below it.
    """
    torch.set_num_threads(1)
    # What torch imports at its first step is imported once, before there are children.
    warm = nn.Linear(2, 2)
    warm(torch.ones(1, 2)).sum().backward()
    torch.optim.AdamW(warm.parameters()).step()
    root = Path(sys.argv[1])
    statuses = {}
    for name, places in json.loads(sys.argv[2]).items():
        statuses[name] = [run(root / name, place) for place in places]
    print(json.dumps(statuses))


if __name__ == "__main__":
    print_statuses(run)
