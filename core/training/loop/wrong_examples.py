"""What a model gets most wrong among the examples it is chosen on, for a person to look at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.files import read_json, write_json

FILE: Final = "wrong.json"
MOST: Final = 8


@dataclass(frozen=True)
class WrongExample:
    """One picture, what is in it and what the model said; ``badness`` orders them, worst first."""

    path: str
    truth: str
    said: str
    badness: float


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
    said = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != truth)
    worst = wrong[np.argsort(-probabilities[wrong, said[wrong]], kind="stable")][:MOST]
    return [
        WrongExample(
            str(paths[int(i)]),
            classes[int(truth[i])],
            f"{classes[int(said[i])]} {probabilities[i, said[i]]:.2f}",
            float(probabilities[i, said[i]]),
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

    def words(row: npt.NDArray[np.number]) -> str:
        return ", ".join(f"{k} {v:.0f}" for k, v in zip(kinds, row.tolist(), strict=True))

    return [
        WrongExample(str(paths[int(i)]), words(truth[i]), words(counted[i]), float(errors[i]))
        for i in worst
        if errors[i] >= 0.5
    ]


def keep(folder: Path, epoch: int, found: Sequence[WrongExample]) -> None:
    """Write what the last epoch got wrong into a run's folder, atomically."""
    rows = [asdict(example) for example in found]
    write_json(folder / FILE, {"epoch": epoch, "examples": rows}, durable=False)


def kept(folder: Path) -> tuple[int, list[WrongExample]] | None:
    """Number of the epoch and its examples; None where there are none yet."""
    stored = read_json(folder / FILE)
    if stored is None:
        return None
    return int(stored["epoch"]), [WrongExample(**row) for row in stored["examples"]]
