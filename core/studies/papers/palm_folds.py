"""The paper's CNN in the folds of session blocks that the shipped model is measured in.

Every training saves its logits in a folder, so that a stopped study resumes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.public.palm_splits import PalmSplit, folds
from core.files import atomic_path
from core.studies.papers.palm import CnnSettings, train_and_test, training_key
from core.studies.papers.palm_clusters import balanced_split
from core.training.palm.figures import Logits, PaperCnnLogits, palm_photos
from core.training.palm.head import PARTS

GROUPED: Final = CnnSettings((125, 94), reduced="125x94 pixels instead of 500x375")
"""A quarter of the paper's width and height, so that a training takes 25 seconds of one core. The
photos have about 200 pixels a side: the paper's size would only enlarge them."""

CNN_REPEATS: Final = 4
"""The first four of the ten random partitions that the shipped model is measured in."""

Say = Callable[[str], None]


def paper_cnn_logits(data: Path, folder: Path, say: Say = lambda line: None) -> PaperCnnLogits:
    """The paper's CNN in the shipped model's folds, then trained on the whole development part.

    Trainings whose logits are in ``folder`` are not repeated.

    Raises:
        FileNotFoundError: if the photos are not there.
        ValueError: if there are too few session blocks.
    """
    photos, split = palm_photos(data)
    learn = [photos[i] for i in split.learn]
    return PaperCnnLogits(
        cross_validated_cnn(learn, folder, say=say),
        cnn_on_held_out(photos, split, folder, say=say),
        {"size_px": list(GROUPED.size_px), "epochs": GROUPED.epochs, "reduced": GROUPED.reduced},
    )


def cross_validated_cnn(
    photos: Sequence[PalmPhoto],
    folder: Path,
    settings: CnnSettings = GROUPED,
    repeats: int = CNN_REPEATS,
    parts: int = PARTS,
    say: Say = lambda line: None,
) -> Logits:
    """Logit of every photo by networks that saw neither its block nor its group, ``(repeats, N)``.

    The folds are those of :func:`core.training.palm.head.cross_validated`. The learning part of
    each is balanced by copying as in the paper, but after the split.

    Args:
        photos: with labels.
        folder: for the logits of each training; those found there are not trained again.
        settings: of the training.
        repeats: number of random partitions of the blocks.
        parts: folds of each partition.
        say: called with one line for each training.

    Raises:
        ValueError: if a class has fewer blocks than ``parts``.
    """
    logits = np.full((repeats, len(photos)), np.nan)
    for repeat in range(repeats):
        for part, split in enumerate(folds(photos, parts, seed=repeat)):
            state = repeat * parts + part
            logits[repeat, split.held_out] = _trained(photos, split, folder, settings, state)
            say(f"published CNN: training {state + 1} of {repeats * parts}")
    return logits


def cnn_on_held_out(
    photos: Sequence[PalmPhoto],
    split: PalmSplit,
    folder: Path,
    settings: CnnSettings = GROUPED,
    repeats: int = CNN_REPEATS,
    say: Say = lambda line: None,
) -> Logits:
    """Logits of the held-out photos by ``repeats`` networks trained on the rest, ``(repeats, N)``.

    The arguments are those of :func:`cross_validated_cnn`.
    """
    rows = []
    for repeat in range(repeats):
        rows.append(_trained(photos, split, folder, settings, repeat))
        say(f"published CNN on the part held out: training {repeat + 1} of {repeats}")
    return np.stack(rows)


def _trained(
    photos: Sequence[PalmPhoto], split: PalmSplit, folder: Path, settings: CnnSettings, state: int
) -> Logits:
    """Logits of the held-out photos; loaded if the same training was done before."""
    learn, test = ([photos[i] for i in part] for part in (split.learn, split.held_out))
    file_of_logits = folder / f"{training_key(learn, test, settings, state)}.npy"
    if file_of_logits.is_file():
        return np.asarray(np.load(file_of_logits, allow_pickle=False), np.float64)
    logits = train_and_test(balanced_split(learn, test, state), state, settings)[1]
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(file_of_logits) as temporary, temporary.open("wb") as file:
        np.save(file, logits)
    return logits
