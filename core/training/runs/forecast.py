"""Speed of a run and the time it still needs, from its row in the database."""

import csv
import io
from collections.abc import Sequence

from core.store.runs import Epoch, Run


def examples_per_second(run: Run, epochs: Sequence[Epoch]) -> float | None:
    """Speed of the running epoch, or of the last one; None before anything was learnt from."""
    if run.state == "running" and run.progress and run.progress["examples_per_second"] > 0:
        return float(run.progress["examples_per_second"])
    timed = [row for row in epochs if row.examples and row.seconds > 0]
    return timed[-1].examples / timed[-1].seconds if timed else None


def seconds_left(run: Run, epochs: Sequence[Epoch]) -> float | None:
    """Until the last epoch, if none is left out by patience; None where nothing is known yet.

    Whole epochs are taken to last as long as the median of those so far, which includes the
    validation; in the first one only the batches are known.
    """
    if run.state != "running" or not run.progress:
        return None
    where = run.progress
    share = where["batch"] / max(1, where["batches"])
    left = where["epochs"] - where["epoch"] - share
    if epochs:
        lasted = sorted(row.seconds for row in epochs)
        return float(max(0.0, left * lasted[len(lasted) // 2]))
    speed = where["examples_per_second"]
    if speed <= 0:
        return None
    learnt = where["batches"] * float(run.settings["batch_size"])
    return float(left * learnt / speed)


def best_epoch(epochs: Sequence[Epoch]) -> Epoch | None:
    """The epoch whose model is kept: highest score, of equal ones the lowest loss, then first."""
    scored = [row for row in epochs if "score" in row.metrics]
    return max(scored, key=lambda row: row.rank) if scored else None


def epochs_csv(run: Run, epochs: Sequence[Epoch]) -> str:
    """One row for each epoch, all metrics as columns; numbers from 1, as people count them."""
    names = sorted({name for row in epochs for name in row.metrics})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fixed = ["run", "epoch", "train_loss", "learning_rate", "seconds", "examples"]
    writer.writerow([*fixed, *(f"validation_{name}" for name in names)])
    for row in epochs:
        known = [row.train_loss, row.learning_rate, round(row.seconds, 3), row.examples]
        values = [row.metrics.get(name, "") for name in names]
        writer.writerow([run.name, row.number + 1, *known, *values])
    return out.getvalue()
