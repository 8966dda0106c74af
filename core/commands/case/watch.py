"""``python -m core cases watch``: pictures dropped into a folder become fields of cases."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import opened_store, progress, stop


def watch(
    folder: Annotated[Path, typer.Argument(help="one folder in it for each case, by accession")],
    once: Annotated[bool, typer.Option(help="look once and leave")] = False,
    every: Annotated[float, typer.Option(min=0.2, help="seconds between two looks")] = 5.0,
) -> None:
    """Keep pictures that a microscope writes: FOLDER/ACCESSION/picture goes into that case.

    A case that is not there is made. A picture is read when it has stopped growing; then it is
    moved to done or refused below FOLDER, and beside a refused one lies the reason.
    """
    if not folder.is_dir():
        stop(f"folder not found: {folder}")
    from core.access.people import AT_THE_TERMINAL
    from core.models import registry
    from core.models.weights import WeightsRefused
    from core.scale.watched_folder import WatchedFolder

    watched = WatchedFolder(folder, opened_store(), AT_THE_TERMINAL, registry.smear_models)
    refused = False
    try:
        while True:
            for one in watched.look(settled=once):
                refused |= one.refusal is not None
                out = sys.stdout if one.refusal is None else sys.stderr
                print(f"{one.name}: {one.refusal or 'kept'}", file=out, flush=True)
            if once:
                break
            time.sleep(every)
    except WeightsRefused as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"cannot move files: {error.strerror or error} ({error.filename})", 1)
    except KeyboardInterrupt:
        progress("stopped; pictures that were not read yet stay where they are")
    if once and refused:
        raise typer.Exit(1)
