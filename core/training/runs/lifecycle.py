"""Runs: each has a row and a folder; they are queued, started as processes, and watched.

Loads no network library, so that a screen can ask it without loading one.
"""

import logging
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from sqlalchemy.exc import SQLAlchemyError

from core.access.people import Person
from core.access.rights import require
from core.files import read_json, write_json
from core.jobs import folder_lock, processes
from core.jobs.job import LOG
from core.settings import ROOT, settings
from core.store.database import DatabaseRefused, database
from core.store.runs import Run, RunBook, RunRefused
from core.training.loop.settings import LoopSettings, loop_settings, with_defaults
from core.training.presets import checked_options, recipe_info
from core.training.recipe_info import Options
from core.training.runs import messages

STARTING: Final = timedelta(minutes=10)
"""Longest time until the first heartbeat of a process: a busy machine loads slowly."""

_DEFINITION: Final = "run.json"
_LONGEST_TITLE: Final = 200  # of the column


def book() -> RunBook:
    """The runs of this installation. Raises DatabaseRefused where its database is not usable."""
    return RunBook(database())


def folder_of(run: Run) -> Path:
    """Folder of a run's checkpoints, log and model."""
    return settings().var / run.folder


def settings_of(run: Run) -> LoopSettings:
    """The settings it was started with."""
    return loop_settings(with_defaults(dict(run.settings)))


def submit(
    recipe: str,
    data: Path,
    chosen: LoopSettings,
    options: Options,
    *,
    who: Person,
    title: str = "",
) -> Run:
    """A new run, queued; :func:`start_next` starts it when its turn comes.

    Raises:
        ValueError: for an unknown recipe or an option it does not have.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    recipe_info(recipe)
    complete = checked_options(recipe, dict(options))
    name = f"{recipe}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    values = {
        "name": name,
        "recipe": recipe,
        "title": title or name,
        "folder": f"runs/{name}",
        "data": str(data.resolve()),
        "settings": asdict(chosen),
        "options": complete,
        "seed": chosen.seed,
        "code_version": code_version(),
    }
    folder = settings().var / "runs" / name
    folder.mkdir(parents=True)
    write_json(folder / _DEFINITION, values, indent=2)
    return book().add(values, who.name)


def find(which: str) -> Run:
    """The run of that number, name or folder.

    A folder whose row is gone (another database, a copied folder) gets a new row, paused.

    Raises:
        RunRefused: if there is none.
    """
    folder = Path(which)
    known = book().find(folder.name) or (book().get(int(which)) if which.isdecimal() else None)
    if known is not None:
        return known
    values = read_json(folder / _DEFINITION)
    if values is None:
        raise RunRefused(f"{which} is neither the number, the name nor the folder of a run")
    # Joined to var, an absolute path stays as it is.
    run = book().add({**values, "folder": str(folder.resolve())}, "found in its folder")
    return book().ask(run.id, "pause", "found in its folder")


def act(run_id: int, action: Literal["pause", "resume", "stop", "discard"], who: Person) -> Run:
    """Carry out a person's action, then start every run that may run now.

    Raises:
        RunRefused: if the run's state does not allow it.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    watch()
    run = book().ask(run_id, action, who.name)
    if run.state == "discarded":
        discard_files(run)
    start_next()
    return book().get(run_id)


def describe(run_id: int, title: str, note: str, tags: str, who: Person) -> Run:
    """Change a run's title, note and tags; ``tags`` are separated by commas.

    Raises:
        RunRefused: for an empty or overlong title, or a number no run has.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    title, note = " ".join(title.split()), note.strip()
    if not title:
        raise RunRefused("a run needs a title")
    if len(title) > _LONGEST_TITLE:
        raise RunRefused(f"a title has at most {_LONGEST_TITLE} characters, this one {len(title)}")
    words = (" ".join(word.split()) for word in tags.split(","))
    once = list(dict.fromkeys(word for word in words if word))
    return book().describe(run_id, title, note, once, who.name)


def discard_files(run: Run) -> None:
    """Remove a run's folder; its row and events stay."""
    shutil.rmtree(folder_of(run), ignore_errors=True)


def watch() -> list[Run]:
    """Find runs whose process died; they become ``lost``. Returns them."""
    here = socket.gethostname()
    dead = {
        (run.id, run.attempt)
        for run in book().all()
        if run.state == "running" and run.host == here and run.process and not is_held(run)
    }
    silent = timedelta(seconds=settings().heartbeat_timeout_s)
    lost = book().mark_lost(silent, dead, max(silent, STARTING))
    if lost:
        # Whoever looks, often a screen, does not wait for a mail server.
        threading.Thread(target=_tell, args=(lost,), name="messages", daemon=True).start()
    return lost


def start_next(leave: int | None = None) -> list[Run]:
    """Start queued runs, each in a process of its own, as long as more may run.

    Args:
        leave: a run that its caller will start itself; the queue waits for it.
    """
    watch()
    started = []
    while (first := book().next_queued()) is not None and first.id != leave:
        run = book().claim(settings().parallel_runs, socket.gethostname(), only=first.id)
        if run is None:
            # Either no more may run, or another process was faster and will start the rest.
            break
        _spawn(run)
        started.append(run)
    return started


def _spawn(run: Run) -> None:
    arguments = ["train", run.recipe, "--run", str(run.id), "--attempt", str(run.attempt)]
    # A run goes on with as many processes as it began with: their sums are part of the result.
    number = int((run.facts or {}).get("processes", settings().training_processes))
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(number)]
    # The two dashes keep torchrun from reading our options as its own.
    program = [*torchrun, "-m", "--", "core"] if number > 1 else ["core"]
    command = [*program, *arguments]
    processes.start(command, folder_of(run) / LOG, after=lambda process: _look_after(process, run))


def _look_after(process: "subprocess.Popen[bytes]", run: Run) -> None:
    """Wait for the process, which would stay a zombie, and mark its run as lost if it died."""
    process.wait()
    with suppress(SQLAlchemyError, DatabaseRefused):
        _tell(book().mark_lost(timedelta(days=36_500), {(run.id, run.attempt)}))


def _tell(lost: list[Run]) -> None:
    """Send the site's messages about lost runs; whoever runs this waits for it."""
    for run in lost:
        for sentence in messages.send(run, book().epochs(run.id), settings()):
            logging.getLogger(__name__).warning("%s: %s", run.name, sentence)


@contextmanager
def hold(run: Run) -> Iterator[None]:
    """Hold a run's folder for this process; the system releases it when the process dies.

    Raises:
        RunRefused: if another process holds it.
    """
    folder = folder_of(run)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = folder_lock.take(folder)
    except BlockingIOError as error:
        raise RunRefused(f"another process is working on run {run.name}") from error
    with lock:
        yield


def is_held(run: Run) -> bool:
    """Whether a process of this machine works on the run."""
    return folder_lock.is_held(folder_of(run))


def read_log(run: Run, last_bytes: int = 20_000) -> str:
    """The end of what a run's process wrote."""
    return processes.end_of(folder_of(run) / LOG, last_bytes)


def code_version() -> str:
    """The commit this code is at, or ``unknown`` outside a repository of its own."""
    if not (ROOT / ".git").exists():
        return "unknown"  # git would answer for whatever repository lies around
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "unknown"
