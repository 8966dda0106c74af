"""Several runs in one table: their best figures, and the settings in which they differ."""

from collections.abc import Sequence

from core.store.runs import Epoch, Run
from core.training.presets import recipe_info
from core.training.runs.forecast import best_epoch

Cell = str | float | None
"""The value in one cell of the table."""


def side_by_side(curves: Sequence[tuple[Run, Sequence[Epoch]]]) -> list[dict[str, Cell]]:
    """A row for each run: its best epoch's figures first, then what is not the same in all."""
    chosen = [_choices(run) for run, _ in curves]
    names = list(dict.fromkeys(name for one in chosen for name in one))
    differing = [name for name in names if len({repr(one.get(name)) for one in chosen}) > 1]
    rows = []
    for (run, epochs), one in zip(curves, chosen, strict=True):
        best, info = best_epoch(epochs), recipe_info(run.recipe)
        lasted = sum(row.seconds for row in epochs)
        rows.append(
            {
                "Run": run.label,
                info.metric_title: best.metrics.get(info.metric) if best else None,
                "Validation loss": best.metrics.get("loss") if best else None,
                "Best epoch": best.number + 1 if best else None,
                "Epochs": len(epochs),
                "Minutes": round(lasted / 60, 1),
                **{
                    name.replace("_", " ").capitalize(): _shown(one.get(name)) for name in differing
                },
            }
        )
    return rows


def _choices(run: Run) -> dict[str, object]:
    return {"data": run.data, **run.settings, **run.options}


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
