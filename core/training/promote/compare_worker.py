"""The process that makes one comparison; it shares only the job's folder with the screen."""

from pathlib import Path

from core.jobs import worker
from core.jobs.job import Job
from core.jobs.worker import JobContext
from core.store.runs import Run
from core.training.promote.compare import compare


def work(run: Run, folder: Path) -> Job:
    """Make the comparison whose lock this process holds; returns the finished job.

    One at a time in an installation: two at once would only slow each other down.
    """

    def do(context: JobContext) -> dict[str, object]:
        with context.turn("comparing", "waiting for another comparison"):

            def report(title: str, doing: str, share: float) -> None:
                context.report(share, 1, f"{title}: {doing}" if title else doing)

            return compare(run, report).as_json()

    return worker.work(folder, do)
