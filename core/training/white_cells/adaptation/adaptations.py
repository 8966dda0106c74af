"""Adaptations started from a screen: one job at a time, the last is kept.

Knows no network, so that a screen can ask it without loading one.
"""

from pathlib import Path
from typing import Final, NotRequired

from typing_extensions import TypedDict

from core.access.people import Person
from core.access.rights import require
from core.jobs import job
from core.jobs.job import Job, JobRunning
from core.settings import settings

WITHOUT_EXTRAS: Final = (
    "Its features moved: once it is live, python -m core fit-uncertainty fits novelty, limits and "
    "attributes to it anew; until then it answers without them."
)


class AdaptationTask(TypedDict):
    """What the process of an adaptation is told: the folder of cells, and how to adapt."""

    data: str
    per_class: int
    deep: bool


class LeftOut(TypedDict):
    """A picture that was not learnt from."""

    file: str
    reason: str


class AdaptationGain(TypedDict):
    """Balanced accuracy before and after, cross-validated within the ``n`` cells learnt from.

    ``value`` is the difference; ``low`` to ``high`` its 95 % interval.
    """

    before: float
    after: float
    value: float
    low: float
    high: float
    n: int


class AdaptationResult(TypedDict):
    """What ``python -m core adapt --json`` prints; ``run`` is None for a model beside a file.

    ``cells`` were learnt from, by class; ``left_for_test`` stay aside. ``gain`` is None for the
    deep way, which measures none, and absent in results of earlier versions.
    """

    model: str
    file: str
    cells: dict[str, int]
    left_for_test: int
    skipped: list[LeftOut]
    run: int | None
    deep: bool
    gain: NotRequired[AdaptationGain | None]


class AdaptationRunning(ValueError):
    """Another one is going on."""


def start(data: Path, per_class: int, deep: bool, who: Person) -> Job:
    """Begin one; see :func:`latest`. Its result is what ``python -m core adapt --json`` prints.

    Raises:
        NotAllowed: if ``who`` may not train.
        AdaptationRunning: if one is going on.
        OSError: if the folder cannot be written.
    """
    require(who, "train")
    folder = _folder()
    task: AdaptationTask = {"data": str(data), "per_class": per_class, "deep": deep}
    try:
        return job.start(folder, ["core", "adapt", "--folder", str(folder)], task, who.name)
    except JobRunning as error:
        raise AdaptationRunning("another adaptation is going on; wait for its end") from error


def latest() -> Job | None:
    """The last one that was begun; None before the first."""
    return job.latest(_folder())


def ask_to_stop(who: Person) -> None:
    """Let the present one end at its next step. Raises NotAllowed if ``who`` may not train."""
    require(who, "train")
    job.ask_to_stop(_folder(), who.name)


def _folder() -> Path:
    return settings().var / "adaptation"
