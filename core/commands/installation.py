"""``python -m core weights``, ``weights fetch`` and ``check``: what is installed, does it work."""

import sys
from typing import Annotated

import typer

from core.commands.terminal import check_choice, progress, stop

weights = typer.Typer(add_completion=False, help="Models: what is installed, and more to fetch.")


@weights.callback(invoke_without_command=True)
def list_weights(context: typer.Context) -> None:
    """List the installed models and what each is for."""
    if context.invoked_subcommand is not None:
        return
    from core.models import registry
    from core.models.weights import WeightsRefused

    failed = False
    for task in (*registry.TASKS, *registry.OTHER_TASKS):
        try:
            model = registry.live(task)
            print(f"{model.identity}: {model.card.intended_use}")
        except WeightsRefused as error:
            failed = True
            print(f"{task}: {error}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


@weights.command()
def fetch(
    name: Annotated[str, typer.Argument(help="dinobloom-s")],
    from_: Annotated[
        str | None, typer.Option("--from", help="another address of the same file")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="you have read its licence and accept it")
    ] = False,
) -> None:
    """Fetch a foundation model, whose features adapting reads beside its own."""
    from core.models.foundation_models import FOUNDATION_MODELS

    check_choice("NAME", name, tuple(FOUNDATION_MODELS))
    model = FOUNDATION_MODELS[name]
    address = from_ or model.address
    print(f"{name}: {model.citation}")
    print(f"from: {address} (page: {model.page}), at least {model.size_mb} MB")
    print(f"licence: {model.licence}")
    if model.sha256 is None:
        print("sha256: not known before; the first download is written down, later ones compared")
    else:
        print(f"sha256: {model.sha256} (by {model.sha256_from})")
    if not accept_licence:
        stop("nothing was fetched: read the licence, then add --accept-licence")
    from core.datasets.public.fetch import FetchRefused
    from core.models.weights import WeightsRefused
    from core.training.white_cells.adaptation.fetch_foundation import fetch_foundation

    shown = -1

    def report(done: int, total: int | None) -> None:
        nonlocal shown
        if done // 10_000_000 > shown:
            shown = done // 10_000_000
            progress(f"{done / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else ""))

    try:
        fetched = fetch_foundation(model, from_, report)
    except (FetchRefused, WeightsRefused, OSError) as error:
        stop(error)
    kept = "" if fetched.was_known else "; written down, since none was known before"
    print(f"sha256 of what came: {fetched.source_sha256}{kept}")
    print(f"{fetched.installed.identity} is installed: {fetched.installed.path}")


def check() -> None:
    """Check that this installation works."""
    from core.installation import checks

    failed = False
    for row in checks():
        failed |= not row.passed
        print(f"{'ok  ' if row.passed else 'FAIL'} {row.name}: {row.seen}", flush=True)
    if failed:
        raise typer.Exit(1)
