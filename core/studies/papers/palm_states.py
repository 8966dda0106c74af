"""Every random state of the palm paper, both clusters, split in two manners; resumable.

Each training saves its result in a folder, so that a stopped study resumes after the last one.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F

from core.datasets.public.ghana_palms import PalmPhoto
from core.files import atomic_path
from core.models.paper_palm_cnn import PaperPalmCnn
from core.studies.papers.palm import CnnSettings, train_and_test, training_key
from core.studies.papers.palm_clusters import (
    ClusterSplit,
    clusters,
    split_as_in_paper,
    split_honestly,
)
from core.studies.papers.palm_tables import StateResult
from core.studies.papers.progress import Reporter, duration
from core.studies.papers.step_time import seconds_of

Split = Callable[[list[PalmPhoto], int], ClusterSplit]

MANNERS: Final[Mapping[str, Split]] = {
    "As published": split_as_in_paper,
    "Honestly": split_honestly,
}


def all_states(
    photos: Sequence[PalmPhoto],
    states: int,
    settings: CnnSettings,
    folder: Path,
    reporter: Reporter | None = None,
) -> dict[str, list[list[StateResult]]]:
    """Train and test in each random state; results by manner, then cluster, then state.

    Args:
        photos: with labels; the clusters are made from them.
        states: number of random states, from 0.
        settings: of every training.
        folder: for the result of each training; one found there is not repeated.
        reporter: of progress; None for none.

    Raises:
        Interrupted: if the reporter was asked to stop; the same call resumes.
    """
    reporter = reporter or Reporter()
    total, done, trained = len(MANNERS) * 2 * states, 0, 0
    began = time.monotonic()
    results: dict[str, list[list[StateResult]]] = {}
    for manner, split in MANNERS.items():
        results[manner] = []
        for number, cluster in enumerate(clusters(photos), start=1):
            rows = []
            for state in range(states):
                name = f"{manner.lower()}, cluster {number}, state {state}"
                reporter.now(done, total, name)
                row, new = _result(split(cluster, state), state, settings, folder, reporter, name)
                rows.append(row)
                done, trained = done + 1, trained + new
                per_training_s = (time.monotonic() - began) / max(1, trained)
                reporter.line(
                    f"{done} of {total}: {name}: accuracy {row.accuracy:.3f} after {row.epochs} "
                    f"epochs, at most {duration((total - done) * per_training_s)} left"
                )
            results[manner].append(rows)
    return results


def forecast(photos: Sequence[PalmPhoto], states: int, settings: CnnSettings) -> str:
    """Describe what would be trained, the longest time and the memory, from three steps."""
    both = clusters(photos)
    splits = [split(cluster, 0) for split in MANNERS.values() for cluster in both]
    learn = sum(len(split.train) for split in splits) / len(splits)
    trainings = len(splits) * states
    width, height = settings.size_px
    model = PaperPalmCnn(settings.size_px)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    pictures = torch.rand(settings.batch_size, 3, height, width)
    labels = torch.zeros(settings.batch_size)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(model(pictures), labels).backward()
        optimizer.step()

    epoch_s = seconds_of(step) * learn / settings.batch_size
    weights_mb = 4 * sum(p.numel() for p in model.parameters()) / 1e6
    # The pictures, the maps of the three convolutions with their gradients, weights with Adam.
    maps_mb = 4 * settings.batch_size * width * height * 2 * (16 + 32 / 4 + 64 / 16) * 2 / 1e6
    return (
        f"The palm CNN at {width}x{height} pixels: {trainings} trainings of about {learn:.0f} "
        f"photos ({len(MANNERS)} manners of splitting, 2 clusters, {states} states), at most "
        f"{settings.epochs} epochs, on the processor.\n"
        f"About {epoch_s:.0f} seconds an epoch, at most "
        f"{epoch_s * settings.epochs * trainings / 3600:.1f} hours; a training ends early at a "
        f"loss below {settings.enough:g}.\n"
        f"About {maps_mb + 4 * weights_mb + 700:,.0f} MB of memory."
    )


def _result(
    split: ClusterSplit,
    state: int,
    settings: CnnSettings,
    folder: Path,
    reporter: Reporter,
    name: str,
) -> tuple[StateResult, bool]:
    """The result of one training, and whether it was trained now."""

    def ended(epochs: int, loss: float) -> None:
        reporter.line(f"{name}: epoch {epochs} of at most {settings.epochs}, loss {loss:.4f}")
        reporter.stop_if_requested()

    file = folder / f"{training_key(split.train, split.test, settings, state)}.json"
    if file.is_file():
        return StateResult(**json.loads(file.read_text())), False
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = file.with_suffix(".safetensors")
    result = train_and_test(split, state, settings, checkpoint, ended)[0]
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(asdict(result)))
    checkpoint.unlink()
    return result, True
