"""``python -m core demo``: fill a store of invented cases and serve it."""

import os
import shutil
from typing import Annotated

import typer

from core.commands.serve import serve
from core.commands.terminal import progress, stop


def demo(
    address: Annotated[str, typer.Option(help="what to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    fill_only: Annotated[bool, typer.Option("--fill-only", help="do not serve")] = False,
) -> None:
    """Serve invented cases from a store of their own; HEMADESK_DEMO=public is for strangers."""
    from core.demo import place
    from core.settings import settings

    if os.environ.get("HEMADESK_DEMO", "off") == "off":
        os.environ["HEMADESK_DEMO"] = "on"
    settings.cache_clear()
    try:
        folder = place.prepare()
        if not (folder / place.FILLED).is_file():
            # One that was stopped while it was filled is begun again.
            shutil.rmtree(folder / "pictures", ignore_errors=True)
            for file in folder.glob("hemadesk.db*"):
                file.unlink()
            _fill()
            (folder / place.FILLED).touch()
    except (place.DemoRefused, ValueError, OSError) as refusal:
        stop(refusal)
    if not fill_only:
        serve(address, port)


def _fill() -> None:
    from core.demo import cases, trainings
    from core.models import registry
    from core.review.record.review_store import review_store

    progress("Loading the models")
    store = review_store()
    cases.fill(store, registry.smear_models(), registry.live("palm"), progress)
    progress("Two trainings")
    trainings.store(store.database, cases.FIRST.name)
    progress("The demo is filled")
    # Its server opens it anew.
    store.database.close()
