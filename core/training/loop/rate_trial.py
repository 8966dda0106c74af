"""The result of a trial of learning rates. Loads no network library: a screen can read it."""

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from core.files import read_json_as, write_json

FILE: Final = "rates.json"


@dataclass(frozen=True)
class RateTrial:
    """Rates that were tried, the smoothed loss at each, and the proposed rate."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    proposed: float


def write(folder: Path, trial: RateTrial) -> None:
    """Write a trial into a folder, as ``rates.json`` for the screen."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, asdict(trial))


def read(folder: Path) -> RateTrial | None:
    """The trial in a folder; None while there is none. Raises ValueError if it is damaged."""
    return read_json_as(folder / FILE, RateTrial)


def as_csv(trial: RateTrial) -> str:
    """Rate and smoothed loss, a row each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["learning_rate", "smoothed_loss"])
    writer.writerows(zip(trial.rates, trial.losses, strict=True))
    return out.getvalue()
