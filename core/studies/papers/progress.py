"""Progress of a study that trains for hours: lines for people, and the request to stop."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from core.store.run_records import Epoch
from core.training.loop.recipe import Interrupted, Order, Progress

_EVERY_S: Final = 30.0


class ShowProgress(Protocol):
    """Where progress goes: ``done`` of ``total`` epochs of the training that ``message`` names."""

    def __call__(self, done: float, total: float, message: str) -> None: ...


def _nothing(done: float, total: float, message: str) -> None:
    """Show progress nowhere."""


class Reporter:
    """Says a line about every half minute, and lets a training pause when a stop was requested.

    ``line`` prints a line, ``show`` is called after every step, ``stop_requested`` asked.
    """

    def __init__(
        self,
        line: Callable[[str], None] = lambda text: None,
        show: ShowProgress = _nothing,
        stop_requested: Callable[[], bool] = lambda: False,
        every_s: float = _EVERY_S,
    ) -> None:
        self.line, self._show, self._stop_requested = line, show, stop_requested
        self._every_s, self._last = every_s, time.monotonic()

    def control(self, training: str, batch_size: int) -> Callable[[Progress], Order]:
        """A ``control`` for the loop of the training of this name."""

        def control(progress: Progress) -> Order:
            done = progress.epoch + progress.batch / max(1, progress.batches)
            text = (
                f"{training}: epoch {progress.epoch + 1} of {progress.epochs}, batch "
                f"{progress.batch} of {progress.batches}"
            )
            self._show(done, progress.epochs, text)
            now = time.monotonic()
            if progress.examples_per_second > 0 and now - self._last >= self._every_s:
                self._last = now
                steps = (progress.epochs - progress.epoch) * progress.batches - progress.batch
                left_s = steps * batch_size / progress.examples_per_second
                self.line(
                    f"{text}: loss {progress.loss:.3f}, "
                    f"{progress.examples_per_second:.0f} pictures/s, at most "
                    f"{duration(left_s)} left"
                )
            return "pause" if self._stop_requested() else "go"

        return control

    def now(self, done: float, total: float, message: str) -> None:
        """Show how far a study is that has no loop of its own."""
        self._show(done, total, message)

    def stop_if_requested(self) -> None:
        """Raises Interrupted if a stop was requested; for work whose state is saved."""
        if self._stop_requested():
            raise Interrupted("pause")

    def epoch(self, training: str, epoch: Epoch, metrics: Sequence[str] = ("loss",)) -> None:
        """The line of a finished epoch, with the validation ``metrics`` of these names."""
        shown = ", ".join(f"{name} {epoch.metrics[name]:.4g}" for name in metrics)
        self.line(
            f"{training}: epoch {epoch.number + 1} took {duration(epoch.seconds)}, loss "
            f"{epoch.train_loss:.4g}; validation {shown}"
        )


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
