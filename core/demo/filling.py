"""Filling the demo once, before it is served."""

import shutil
from collections.abc import Callable
from typing import Final

from core.demo import cases, place, trainings
from core.models import registry
from core.review.record.review_store import review_store

_FILLED: Final = "filled"
"""The file that says that every case is there."""


def ensure(say: Callable[[str], None] = lambda words: None) -> None:
    """Fill the demo of these settings, unless it is filled.

    Raises:
        DemoRefused: if its folder is something else.
        ValueError: outside a demo.
    """
    folder = place.prepare()
    if (folder / _FILLED).is_file():
        return
    # One that was stopped while it was filled is begun again.
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    for file in folder.glob("hemadesk.db*"):
        file.unlink()
    say("Loading the models")
    store = review_store()
    cases.fill(store, registry.smear_models(), registry.live("palm"), say)
    say("Two trainings")
    trainings.store(store.database, cases.FIRST.name)
    (folder / _FILLED).touch()
    say("The demo is filled")
