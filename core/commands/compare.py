"""``python -m core compare``: compare a run's model with the live one on the locked test sets."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import stop

if TYPE_CHECKING:
    from core.training.promote.evidence import OnFields, OnOneSet


def compare(
    run: Annotated[str, typer.Argument(help="number, name or folder of a run")],
    as_json: Annotated[
        bool, typer.Option("--json", help="print everything that was found")
    ] = False,
    folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare a run's model with the live one; the page Models shows it and can promote it."""
    from core.store.database import DatabaseRefused
    from core.training.promote import comparisons
    from core.training.promote.compare_worker import work
    from core.training.runs.from_terminal import person
    from core.training.runs.lifecycle import find

    try:
        chosen = find(run)
        if folder is not None:
            os.nice(5)  # a page that a person waits for goes first
            comparison = work(chosen, folder)
        else:
            place, lock = comparisons.begin_here(chosen, person())
            with lock:
                comparison = work(chosen, place)
    except (DatabaseRefused, ValueError, OSError) as error:
        stop(error)
    if comparison.state != "done":
        stop(f"not compared: {comparison.message}")
    result = comparisons.evidence_of(comparison)
    if as_json:
        payload = result.as_json()
        # The keys that this command prints are a contract; the stored file has the newer name.
        payload["elsewhere"] = payload.pop("external_lab")
        print(json.dumps(payload))
        return
    print(f"live {result.champion}, challenger {result.challenger}")
    for one in result.sets.values():
        print(_in_words(one))
    for why in result.objections:
        print(f"against it: {why}")
    if not result.objections:
        print("nothing in the evidence speaks against it; it is promoted on the page Models")


def _in_words(one: "OnOneSet | OnFields") -> str:
    from core.training.promote.evidence import OnOneSet

    if isinstance(one, OnOneSet):
        gain = one.accuracy
        return (
            f"{one.title}, {gain.items} cells: live {one.champion:.1%}, challenger "
            f"{one.challenger:.1%}; {100 * gain.difference:+.1f} points "
            f"({100 * gain.low:+.1f} to {100 * gain.high:+.1f}), McNemar p = {gain.p:.2g}"
        )
    errors = one.errors
    return (
        f"{one.title}, {errors.items} fields: error live {errors.champion:.2f}, challenger "
        f"{errors.challenger:.2f} cells a field; {errors.difference:+.2f} "
        f"({errors.low:+.2f} to {errors.high:+.2f})"
    )
