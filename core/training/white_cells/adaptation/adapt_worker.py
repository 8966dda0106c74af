"""The process that makes an adaptation which a screen asked for."""

from pathlib import Path

from core.jobs import worker
from core.jobs.worker import JobContext
from core.training.white_cells.adaptation.adapt import adapt_to
from core.training.white_cells.adaptation.adaptations import AdaptationResult, AdaptationTask


def work(folder: Path) -> None:
    """Make the one that was begun in a folder: what its process does."""

    def do(context: JobContext) -> AdaptationResult:
        task = context.job.task_as(AdaptationTask)
        return adapt_to(
            Path(task["data"]),
            per_class=task["per_class"],
            deep=task["deep"],
            who=context.who,
            report=lambda doing: context.report(0, 0, doing),
        ).as_json()

    worker.work(folder, do)
