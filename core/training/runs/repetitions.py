"""Published systems that are being trained anew, for the screen that shows what runs.

``python -m core reproduce`` does each as a job in its folder below ``var``. Loads no network
library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typing_extensions import TypedDict

from core.access.people import Person
from core.access.rights import require
from core.files import json_as
from core.jobs import job
from core.jobs.job import Job
from core.settings import settings
from core.store.run_records import Epoch
from core.training.loop.history import FILE, read_history

FOLDER: Final = "reproduce"
TITLES: Final = {
    "counts": "Counts by direct regression (Adinugroho et al. 2025)",
    "wbc": "White-cell classification by ResNet-18",
    "palm": "Anemia from palm photos (Rizal et al. 2022)",
}


class Task(TypedDict):
    """The order of a repetition: name and arguments of its command below ``reproduce``."""

    system: str
    arguments: Sequence[str]


@dataclass(frozen=True)
class Repetition:
    """A repetition: its job, and the epochs of its trainings by name."""

    job: Job
    title: str
    trainings: Mapping[str, Sequence[Epoch]]


def repetitions() -> list[Repetition]:
    """Those in the folder of this installation, newest first."""
    found = []
    for one in job.find(settings().var / FOLDER):
        system = json_as(one.task, Task, str(one.folder)).get("system", one.folder.name)
        files = [*one.folder.glob(FILE), *sorted(one.folder.glob(f"*/{FILE}"))]
        trainings = {_name(file, one.folder): read_history(file.parent) for file in files}
        found.append(Repetition(one, TITLES.get(system, system), trainings))
    return found


def ask_to_stop(repetition: Job, who: Person) -> None:
    """Let it save its state and end. Raises NotAllowed if ``who`` may not train."""
    require(who, "train")
    job.ask_to_stop(repetition.folder, who.name)


def resume(repetition: Job, who: Person) -> Job:
    """Go on with a repetition that was stopped, failed or lost, in a process of its own.

    Raises:
        JobRunning: if it is running.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    task = json_as(repetition.task, Task, str(repetition.folder))
    command = ["core", "reproduce", task["system"], *task["arguments"], "--job"]
    return job.start(repetition.folder, command, dict(repetition.task), who.name)


def _name(file: Path, folder: Path) -> str:
    return "training" if file.parent == folder else file.parent.name
