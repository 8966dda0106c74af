"""How a repeated training went: its curve as a picture, and best epoch and time in a sentence."""

from collections.abc import Sequence

from core.store.run_records import Epoch
from core.studies.line_chart import Line, line_chart_svg


def loss_curve_svg(epochs: Sequence[Epoch], title: str) -> str | None:
    """Loss on the training and the validation part by epoch; None for fewer than two epochs.

    The validation part's needs the metric ``loss``; epochs without it are left out of that line.
    """
    if len(epochs) < 2:
        return None
    learnt = [(row.number + 1, row.train_loss) for row in epochs]
    judged = [(row.number + 1, row.metrics["loss"]) for row in epochs if "loss" in row.metrics]
    lines = [Line("training part", learnt, "#0072b2")]
    if len(judged) > 1:
        lines.append(Line("validation part", judged, "#d55e00", "7 4"))
    above_zero = min(loss for line in lines for _, loss in line.points) > 0
    return line_chart_svg(lines, title, "epoch", "loss", log_y=above_zero)


def in_words(epochs: Sequence[Epoch], metric: str) -> str:
    """The kept epoch, what it reached of ``metric``, how many there were, and the time of all."""
    if not epochs:
        return "No epoch was trained."
    best = max(epochs, key=lambda row: row.rank)
    minutes = sum(row.seconds for row in epochs) / 60
    time = f"{minutes / 60:.1f} hours" if minutes >= 120 else f"{minutes:.0f} minutes"
    return (
        f"Epoch {best.number + 1} of {len(epochs)} was kept: {metric} {best.metrics[metric]:.3f} "
        f"on the validation part. All epochs together took {time}."
    )
