"""All runs in a table, and their epochs as they are read for it and for the curves."""

from datetime import datetime
from functools import lru_cache

import streamlit as st

from core.store.runs import ENDED, Epoch, Run
from core.training.presets import recipe_info
from core.training.runs import lifecycle
from core.training.runs.forecast import best_epoch
from pages.parts.wording import several

_FIRST = ["Run", "State", "Learns", "Epochs", "Best", "Naive", "Learning rate", "Tags", "Begun"]


def draw(everything: list[Run]) -> None:
    """All runs, folded."""
    with st.expander(f"All runs ({several(len(everything), 'run')})"):
        lines = []
        for run in everything:
            best = best_epoch(found := epochs_of(run))
            metric = recipe_info(run.recipe).metric
            lines.append(
                {
                    "Run": run.label,
                    "State": run.state,
                    "Learns": recipe_info(run.recipe).title,
                    "Epochs": f"{len(found)} of {run.settings['epochs']}",
                    "Best": best.metrics.get(metric) if best else None,
                    "Naive": (run.facts or {}).get("baseline"),
                    "Learning rate": run.settings["learning_rate"],
                    "Batch": run.settings["batch_size"],
                    "Seed": run.seed,
                    "Tags": ", ".join(run.tags or ()),
                    "Note": run.note or "",
                    "Took, min": _minutes(run),
                    **{
                        name.capitalize(): str(value)
                        for name, value in run.options.items()
                        if name != "names"
                    },
                    "Begun": f"{run.started_at:%d %b %H:%M}" if run.started_at else "",
                    "By": run.created_by,
                }
            )
        columns = list(dict.fromkeys(name for line in lines for name in line))
        chosen = st.multiselect("Columns", columns, default=_FIRST, key="run_columns")
        st.dataframe(lines, hide_index=True, column_order=chosen or _FIRST)


def _minutes(run: Run) -> float | None:
    """How long it took from its first start to its end, pauses included."""
    if run.started_at is None or run.ended_at is None:
        return None
    return round((run.ended_at - run.started_at).total_seconds() / 60, 1)


def epochs_of(run: Run) -> list[Epoch]:
    """A run's epochs; of one that has ended they are read once."""
    if run.state in ENDED and run.ended_at is not None:
        return _of_ended(run.id, run.name, run.ended_at)
    return lifecycle.book().epochs(run.id)


@lru_cache(maxsize=512)
def _of_ended(run_id: int, _name: str, _ended_at: datetime) -> list[Epoch]:
    return lifecycle.book().epochs(run_id)
