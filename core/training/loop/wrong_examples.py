"""The validation examples that a model gets most wrong, for a person to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from core.files import read_json_as, write_json

FILE: Final = "wrong.json"
MOST: Final = 8


@dataclass(frozen=True)
class WrongExample:
    """One picture, its true content and the prediction; sorted by ``badness``, largest first."""

    path: str
    truth: str
    predicted: str
    badness: float


class _Row(TypedDict):
    path: str
    truth: str
    said: str
    badness: float


class _Stored(TypedDict):
    epoch: int
    examples: list[_Row]


def worst_calls(
    paths: Sequence[Path],
    truth: npt.NDArray[np.integer],
    probabilities: npt.NDArray[np.floating],
    classes: Sequence[str],
) -> list[WrongExample]:
    """The wrong calls that were made with most confidence.

    Args:
        paths: of the pictures.
        truth: ``(N,)`` indices into ``classes``.
        probabilities: ``(N, len(classes))``.
        classes: their names.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:MOST]
    return [
        WrongExample(
            str(paths[int(i)]),
            classes[int(truth[i])],
            f"{classes[int(predicted[i])]} {probabilities[i, predicted[i]]:.2f}",
            float(probabilities[i, predicted[i]]),
        )
        for i in worst
    ]


def worst_counts(
    paths: Sequence[Path],
    truth: npt.NDArray[np.number],
    counted: npt.NDArray[np.number],
    kinds: Sequence[str],
) -> list[WrongExample]:
    """The pictures with the greatest count errors; ``truth`` and ``counted`` are ``(N, kinds)``."""
    errors = np.abs(np.asarray(counted, float) - np.asarray(truth, float)).sum(axis=1)
    worst = np.argsort(-errors, kind="stable")[:MOST]

    def listed(row: npt.NDArray[np.number]) -> str:
        return ", ".join(f"{k} {v:.0f}" for k, v in zip(kinds, row.tolist(), strict=True))

    return [
        WrongExample(str(paths[int(i)]), listed(truth[i]), listed(counted[i]), float(errors[i]))
        for i in worst
        if errors[i] >= 0.5
    ]


def write(folder: Path, epoch: int, examples: Sequence[WrongExample]) -> None:
    """Write the wrong examples of the last epoch into a run's folder, atomically."""
    stored: _Stored = {
        "epoch": epoch,
        "examples": [
            {"path": one.path, "truth": one.truth, "said": one.predicted, "badness": one.badness}
            for one in examples
        ],
    }
    write_json(folder / FILE, stored, durable=False)


def read(folder: Path) -> tuple[int, list[WrongExample]] | None:
    """Number of the epoch and its examples; None where there are none yet.

    Raises:
        ValueError: if the file is damaged.
    """
    stored = read_json_as(folder / FILE, _Stored)
    if stored is None:
        return None
    examples = [
        WrongExample(row["path"], row["truth"], row["said"], row["badness"])
        for row in stored["examples"]
    ]
    return stored["epoch"], examples
