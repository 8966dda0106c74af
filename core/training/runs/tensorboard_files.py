"""A run's epochs as TensorBoard reads them, packed to take away."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from core.store.runs import Epoch, Run


def tensorboard_zip(run: Run, epochs: Sequence[Epoch]) -> bytes:
    """A ZIP with one event file: losses, learning rate and every metric by epoch, from 1."""
    from torch.utils.tensorboard import SummaryWriter

    packed = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="hemadesk-events-") as folder:
        with SummaryWriter(folder) as writer:
            for row in epochs:
                step = row.number + 1
                writer.add_scalar("loss/train", row.train_loss, step)
                writer.add_scalar("learning_rate", row.learning_rate, step)
                for name, value in row.metrics.items():
                    kind, _, rest = name.partition("_")
                    place = f"recall/{rest}" if kind == "recall" else name
                    writer.add_scalar("loss/validation" if name == "loss" else place, value, step)
            writer.add_text("settings", "\n".join(f"    {k}: {v}" for k, v in run.settings.items()))
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, f"{run.name}/{file.name}")
    return packed.getvalue()
