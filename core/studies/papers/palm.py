"""Train the paper's palm CNN on one split and test it: one row of its tables."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from core.datasets.public.ghana_palms import PalmPhoto
from core.models.paper_palm_cnn import PaperPalmCnn
from core.studies.papers.palm_clusters import ClusterSplit
from core.studies.papers.palm_tables import StateResult
from core.training.card_facts import data_hash
from core.training.loop.checkpoint import load_checkpoint, save_checkpoint
from core.training.palm.photos import PalmPhotos


@dataclass(frozen=True)
class CnnSettings:
    """Settings of the training; ``reduced`` says what is smaller than in the paper, if anything.

    A training ends early after an epoch with a mean loss below ``enough``.
    """

    size_px: tuple[int, int] = (500, 375)
    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 1e-3
    enough: float = 0.0065
    reduced: str = ""

    def __post_init__(self) -> None:
        if min(self.size_px) < 32 or self.epochs < 1 or self.batch_size < 1:
            raise ValueError(f"not settings for a training: {self}")


def training_key(
    learn: Sequence[PalmPhoto], test: Sequence[PalmPhoto], settings: CnnSettings, state: int
) -> str:
    """The name under which a study keeps what came of one training: a hash of all that it rests on.

    ``learn`` and ``test`` are the photos in their order; their labels and contents are hashed.
    """
    photos = (*learn, *test)
    labels = [(photo.path.name, photo.anemic) for photo in photos]
    contents = data_hash([photo.path for photo in photos])
    description = json.dumps([asdict(settings), state, len(learn), labels, contents])
    return hashlib.sha256(description.encode()).hexdigest()[:24]


REDUCED = CnnSettings((80, 60), 5, reduced="80x60 pixels instead of 500x375, 5 epochs")


def train_and_test(
    split: ClusterSplit,
    state: int,
    settings: CnnSettings,
    checkpoint: Path | None = None,
    ended: Callable[[int, float], None] = lambda epochs, loss: None,
) -> tuple[StateResult, npt.NDArray[np.float64]]:
    """Train on one split and test once; the result and the logit of each test photo.

    There is no validation part, as in the paper: the last epoch is tested.

    Args:
        split: training and test photos.
        state: random state of weights and order.
        settings: of the training.
        checkpoint: file written after each epoch, from which a stopped training resumes with the
            same result; None for none.
        ended: called after each epoch with their number and its mean loss; may raise to stop.
    """
    torch.manual_seed(state)
    model = PaperPalmCnn(settings.size_px)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    order = torch.Generator().manual_seed(state)
    loader = DataLoader(
        PalmPhotos(split.train, settings.size_px),
        batch_size=settings.batch_size,
        shuffle=True,
        generator=order,
    )
    epochs, mean_loss = 0, math.inf
    if checkpoint is not None and checkpoint.is_file():
        stored = load_checkpoint(checkpoint)
        model.load_state_dict(stored["model"])
        optimizer.load_state_dict(stored["optimizer"])
        order.set_state(stored["order"])
        epochs, mean_loss = stored["epochs"], stored["loss"]
    while epochs < settings.epochs and mean_loss >= settings.enough:
        epochs += 1
        model.train()
        total = 0.0
        for batch in loader:
            loss = F.binary_cross_entropy_with_logits(model(batch["image"]), batch["target"])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch["target"])
        mean_loss = total / len(split.train)
        if checkpoint is not None:
            save_checkpoint(
                checkpoint,
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "order": order.get_state(),
                    "epochs": epochs,
                    "loss": mean_loss,
                },
            )
        ended(epochs, mean_loss)
    logits = _logits(model, split, settings)
    truth = np.array([bool(photo.anemic) for photo in split.test])
    called_anemic = logits > 0
    test_loss = float(
        F.binary_cross_entropy_with_logits(
            torch.from_numpy(logits), torch.from_numpy(truth.astype(float))
        )
    )
    return (
        StateResult(
            state,
            test_loss,
            int((called_anemic & truth).sum()),
            int((~called_anemic & truth).sum()),
            int((called_anemic & ~truth).sum()),
            int((~called_anemic & ~truth).sum()),
            split.on_both_sides,
            epochs,
        ),
        logits,
    )


@torch.no_grad()
def _logits(
    model: PaperPalmCnn, split: ClusterSplit, settings: CnnSettings
) -> npt.NDArray[np.float64]:
    model.eval()
    loader = DataLoader(PalmPhotos(split.test, settings.size_px), batch_size=settings.batch_size)
    return np.concatenate([model(batch["image"]).double().numpy() for batch in loader])
