"""What a run leaves in its folder between two epochs: every step, and the time of each phase.

``steps.csv`` is appended to once a second. A run that is killed repeats the steps after its last
checkpoint; of a step that is there twice the later one counts. Loads no network library.
"""

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from core.files import read_json_as, write_json

STEPS: Final = "steps.csv"
PHASES: Final = "phases.json"

Phase = Literal["reading", "training", "validating", "calibrating"]


@dataclass(frozen=True)
class Step:
    """A step of the optimizer: ``batch`` of ``batches`` in ``epoch``, both from 1.

    ``loss`` is that of the step alone, ``gradient_norm`` before it is clipped.
    """

    epoch: int
    batch: int
    batches: int
    loss: float
    learning_rate: float
    gradient_norm: float
    examples_per_second: float

    @property
    def epochs(self) -> float:
        """Epochs done after this step, the plots' x."""
        return self.epoch - 1 + self.batch / max(1, self.batches)


@dataclass
class Phases:
    """Seconds spent in each phase of an attempt, and the present one; None once it has ended."""

    present: Phase | None = "reading"
    seconds: dict[Phase, float] = field(default_factory=dict)


class LiveFiles:
    """Writes both files of a run; its methods may be called from the trainer and the heartbeat."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._waiting: list[Step] = []
        self._phases, self._since = Phases(), clock()
        self._lock = Lock()

    def step(self, step: Step) -> None:
        """Add a step; it is written with the next heartbeat."""
        with self._lock:
            self._waiting.append(step)

    def enter(self, phase: Phase | None) -> None:
        """Begin a phase; None when the attempt ends. Nothing happens if it has begun already."""
        with self._lock:
            if phase != self._phases.present:
                self._count()
                self._phases.present = phase

    def write(self) -> None:
        """Append the steps that wait, and replace the phases."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._count()
            row = {"present": self._phases.present, "seconds": dict(self._phases.seconds)}
        if waiting:
            with (self._folder / STEPS).open("a", newline="") as handle:
                csv.writer(handle).writerows(astuple(step) for step in waiting)
        write_json(self._folder / PHASES, row, durable=False)

    def _count(self) -> None:
        now = self._clock()
        present = self._phases.present
        if present is not None:
            before = self._phases.seconds.get(present, 0.0)
            self._phases.seconds[present] = before + now - self._since
        self._since = now


def read_steps(folder: Path) -> list[Step]:
    """The steps in order, each once; a line that was cut off by a kill is left out."""
    file = folder / STEPS
    if not file.is_file():
        return []
    found: dict[tuple[int, int], Step] = {}
    with file.open(newline="") as handle:
        for row in csv.reader(handle):
            if len(row) != len(fields(Step)):
                continue
            try:
                epoch, batch, batches = (int(value) for value in row[:3])
                loss, rate, norm, speed = (float(value) for value in row[3:])
            except ValueError:
                continue
            # What was learnt after the last checkpoint before a kill is learnt again.
            step = Step(epoch, batch, batches, loss, rate, norm, speed)
            found.pop((epoch, batch), None)
            found[epoch, batch] = step
    return sorted(found.values(), key=lambda step: (step.epoch, step.batch))


def read_phases(folder: Path) -> Phases | None:
    """The phases; None where none were written."""
    return read_json_as(folder / PHASES, Phases)


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Exponential moving average without the bias of its start, as TensorBoard has it.

    ``weight`` in [0, 1) is the share of the past; 0 changes nothing.
    """
    out: list[float] = []
    average = 0.0
    for number, value in enumerate(values, start=1):
        average = weight * average + (1 - weight) * value
        out.append(average / (1 - weight**number) if weight else value)
    return out


def thinned(steps: Sequence[Step], most: int = 1500) -> list[Step]:
    """At most about ``most`` steps: the mean loss and norm of each run of neighbours."""
    size = -(-len(steps) // most)
    if size <= 1:
        return list(steps)
    out = []
    for start in range(0, len(steps), size):
        part = steps[start : start + size]
        last = part[-1]
        out.append(
            Step(
                last.epoch,
                last.batch,
                last.batches,
                sum(step.loss for step in part) / len(part),
                last.learning_rate,
                sum(step.gradient_norm for step in part) / len(part),
                last.examples_per_second,
            )
        )
    return out


def steps_csv(steps: Sequence[Step]) -> str:
    """One row for each step, under the names of :class:`Step`."""
    lines = [",".join(one.name for one in fields(Step))]
    lines += [",".join(str(value) for value in astuple(step)) for step in steps]
    return "\n".join(lines) + "\n"
