"""A run's steps and epochs as TensorBoard reads them: live in its folder, or packed to take away.

``tensorboard --logdir`` on the folder of the runs shows all of them, those under way too.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from core.store.runs import Epoch, Run
from core.training.runs.steps import Step

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER: Final = "tensorboard"
"""Below a run's folder."""


class LiveBoard:
    """Event files of one attempt of a run; a disk that is full costs them, not the training.

    What an earlier attempt wrote after the epoch with which this one goes on is dropped by
    TensorBoard itself: an event file says from which step on it counts.
    """

    def __init__(self, folder: Path, log: Callable[[str], None]) -> None:
        self._folder, self._log = folder / FOLDER, log
        self._writer: SummaryWriter | None = None
        self._is_off = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._do(lambda: self._writer.close() if self._writer is not None else None)

    def step(self, step: Step) -> None:
        """Add a step of the optimizer."""
        number = (step.epoch - 1) * step.batches + step.batch

        def add() -> None:
            writer = self._open(number)
            writer.add_scalar("step/loss", step.loss, number)
            writer.add_scalar("step/gradient_norm", step.gradient_norm, number)
            writer.add_scalar("step/learning_rate", step.learning_rate, number)

        self._do(add)

    def epoch(self, row: Epoch) -> None:
        """Add a validated epoch."""

        def add() -> None:
            writer = self._open(row.number + 1)
            _add_epoch(writer, row)
            writer.flush()

        self._do(add)

    def _open(self, first: int) -> "SummaryWriter":
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=first, flush_secs=5)
        return self._writer

    def _do(self, action: Callable[[], object]) -> None:
        if self._is_off:
            return
        try:
            action()
        except OSError as error:
            self._is_off = True
            self._log(f"nothing more is written for TensorBoard: {error}")


def tensorboard_zip(run: Run, epochs: Sequence[Epoch]) -> bytes:
    """A ZIP with one event file: losses, learning rate and every metric by epoch, from 1."""
    from torch.utils.tensorboard import SummaryWriter

    packed = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="hemadesk-events-") as folder:
        with SummaryWriter(folder) as writer:
            for row in epochs:
                _add_epoch(writer, row)
            writer.add_text("settings", "\n".join(f"    {k}: {v}" for k, v in run.settings.items()))
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, f"{run.name}/{file.name}")
    return packed.getvalue()


def _add_epoch(writer: "SummaryWriter", row: Epoch) -> None:
    number = row.number + 1
    writer.add_scalar("loss/train", row.train_loss, number)
    writer.add_scalar("learning_rate", row.learning_rate, number)
    for name, value in row.metrics.items():
        kind, _, rest = name.partition("_")
        place = f"recall/{rest}" if kind == "recall" else name
        writer.add_scalar("loss/validation" if name == "loss" else place, value, number)
