"""A repeated paper as a job in its folder, so that Fine-tune shows and stops it as it does others.

The screen that resumes one starts the same command with ``--job``: its order stands already, and
this process holds its lock.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.commands.terminal import progress, stop

if TYPE_CHECKING:
    from core.studies.papers.progress import Reporter

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="only print what would be trained, and for how long")
]
Ordered = Annotated[bool, typer.Option("--job", hidden=True)]

_RESUMES: Final = "Stopped. The same command resumes."


def as_job(
    folder: Path,
    system: str,
    options: Mapping[str, object],
    ordered: bool,
    do: Callable[["Reporter"], str],
) -> None:
    """Do a study as the job in ``folder`` and print the text that ``do`` returns.

    Args:
        folder: of the study; what it needs to resume stays in it.
        system: name of the command below ``reproduce``.
        options: of the command by name, without dashes; None and False are left out.
        ordered: a screen has ordered the job, and this process holds its lock.
        do: the study.
    """
    from contextlib import nullcontext, suppress

    from core.jobs import job, worker
    from core.jobs.worker import JobContext, JobStopped
    from core.studies.papers.progress import Reporter
    from core.training.loop.recipe import Interrupted
    from core.training.runs.from_terminal import person

    def work(context: JobContext) -> dict[str, object]:
        def show(done: float, total: float, message: str) -> None:
            # The loop saves its state before it ends, so a request to stop raises nothing here.
            with suppress(JobStopped):
                context.report(done, total, message)

        reporter = Reporter(progress, show, lambda: context.stop_requested)
        try:
            return {"text": do(reporter)}
        except Interrupted as interrupted:
            raise JobStopped from interrupted

    task = {"system": system, "arguments": _arguments(options)}
    try:
        lock = nullcontext() if ordered else job.order(folder, task, person().name)
        with lock:
            ended = worker.work(folder, work)
    except job.JobRunning as error:
        stop(f"{error}; it shows on the screen Fine-tune")
    except KeyboardInterrupt:
        stop(_RESUMES, status=130)
    if ended.state == "stopped":
        stop(_RESUMES, status=130)
    if ended.state != "done":
        raise typer.Exit(2)  # the reason was printed
    print(ended.result()["text"])


def _arguments(options: Mapping[str, object]) -> list[str]:
    arguments: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        option = f"--{name}"
        if isinstance(value, Path):
            value = value.resolve()  # a screen resumes it from another folder
        arguments += [option] if value is True else [option, str(value)]
    return arguments
