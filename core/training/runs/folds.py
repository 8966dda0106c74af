"""Cross-validation as runs that belong together, one for each fold. Loads no network library."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from core.access.people import Person
from core.access.rights import require
from core.files import read_json, write_json
from core.store.runs import Run, RunRefused
from core.training.choices import FOLD_NUMBERS
from core.training.loop.settings import LoopSettings
from core.training.recipe_info import Options
from core.training.runs.forecast import best_epoch
from core.training.runs.lifecycle import book, folder_of, submit

FILE: Final = "folds.json"


@dataclass(frozen=True)
class FoldScores:
    """Of the folds that have a kept epoch: its metric; ``spread`` is the standard deviation.

    ``spread`` is None below two folds.
    """

    scores: tuple[float, ...]
    of: int
    mean: float
    spread: float | None


def submit_folds(
    recipe: str,
    data: Path,
    chosen: LoopSettings,
    options: Options,
    of: int,
    *,
    who: Person,
    title: str = "",
) -> tuple[Run, ...]:
    """A run for each fold, queued; they know each other by a file in their folders.

    Raises:
        ValueError: for a number of folds, a recipe or an option that there is none of.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    if of not in FOLD_NUMBERS:
        known = ", ".join(map(str, FOLD_NUMBERS))
        raise ValueError(f"the number of folds must be one of {known}, got {of}")
    runs = []
    for fold in range(1, of + 1):
        name = f"{title or data.name}, fold {fold} of {of}"
        with_fold = {**options, "fold": f"{fold} of {of}"}
        runs.append(submit(recipe, data, chosen, with_fold, who=who, title=name))
    for run in runs:
        write_json(folder_of(run) / FILE, {"runs": [one.name for one in runs]})
    return tuple(runs)


def siblings(run: Run) -> tuple[Run, ...]:
    """The runs of all folds, this one among them, in order; empty for a run that is no fold.

    Raises:
        RunRefused: if one of them is gone.
    """
    stored = read_json(folder_of(run) / FILE)
    if stored is None:
        return ()
    names = stored.get("runs")
    found = []
    for name in names if isinstance(names, list) else ():
        one = book().find(str(name))
        if one is None or one.state == "discarded":
            raise RunRefused(f"a fold of the cross-validation is gone: {name}")
        found.append(one)
    return tuple(found)


def scores(runs: Sequence[Run], metric: str) -> FoldScores | None:
    """Mean and spread of the folds' metric at their kept epochs; None before there is one."""
    found = []
    for run in runs:
        best = best_epoch(book().epochs(run.id))
        if best is not None and metric in best.metrics:
            found.append(float(best.metrics[metric]))
    if not found:
        return None
    spread = stdev(found) if len(found) > 1 else None
    return FoldScores(tuple(found), len(runs), mean(found), spread)
