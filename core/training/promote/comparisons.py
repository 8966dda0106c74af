"""Comparisons with the live model: jobs in folders inside the run's folder.

Loads no network library, so that a screen can ask it without loading one.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from core.access.people import Person
from core.access.rights import require
from core.jobs import folder_lock, job, processes
from core.jobs.job import Job
from core.store.runs import Run
from core.training.promote.evidence import Comparison, PromotionRefused, from_json
from core.training.runs.lifecycle import folder_of

if TYPE_CHECKING:
    from core.models.registry import Task  # loads the networks' libraries

TASK_OF: Final[dict[str, "Task"]] = {"wbc": "wbc", "locator": "locator", "counts": "counts"}
"""Recipe -> task of the model it makes."""

FOLDER: Final = "comparisons"


def task_of(run: Run) -> "Task":
    """Task of a run's model. Raises PromotionRefused if it made none that can be compared."""
    task = TASK_OF.get(run.recipe)
    if task is None or not run.model_path:
        raise PromotionRefused(f"run {run.label} made no model that can be compared")
    return task


def start(run: Run, who: Person) -> Job:
    """Compare in a process of its own; a comparison that is going on is returned as it is.

    Raises:
        PromotionRefused: for a run without a model that can be compared.
        NotAllowed: if ``who`` may not train.
    """
    ordered = _order(run, who)
    if isinstance(ordered, Job):
        return ordered
    folder, lock = ordered
    with lock:
        command = ["core", "compare", run.name, "--folder", str(folder)]
        processes.start(command, folder / job.LOG, lock)
        return job.read(folder)


def begin_here(run: Run, who: Person) -> tuple[Path, IO[bytes]]:
    """A folder for a comparison that this process makes, and its lock, to be kept open meanwhile.

    Raises:
        PromotionRefused: also if one of this run is going on.
        NotAllowed: if ``who`` may not train.
    """
    ordered = _order(run, who)
    if isinstance(ordered, Job):
        raise PromotionRefused(f"run {run.label} is being compared since {ordered.at:%H:%M} UTC")
    return ordered


def latest(run: Run, *, done: bool = False) -> Job | None:
    """The newest comparison of a run, whatever its outcome, or the newest with a result."""
    jobs = job.find(folder_of(run) / FOLDER)
    return next((one for one in jobs if not done or one.state == "done"), None)


def evidence_of(comparison: Job) -> Comparison:
    """The result. Raises ValueError if the file is damaged, FileNotFoundError if it is gone."""
    return from_json(comparison.result())


def ask_to_stop(comparison: Job, who: Person) -> None:
    """Let it end at its next picture. Raises NotAllowed if ``who`` may not train."""
    require(who, "train")
    job.ask_to_stop(comparison.folder, who.name)


def _order(run: Run, who: Person) -> tuple[Path, IO[bytes]] | Job:
    require(who, "train")
    task_of(run)
    root = folder_of(run) / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    # Two people press at once: the second waits for the first, and finds that one's comparison.
    with folder_lock.take(root, wait=True):
        newest = latest(run)
        if newest is not None and newest.state == "running":
            return newest
        folder = root / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        return folder, job.order(folder, {"run": run.name}, who.name)
