"""``python -m core weights`` and ``check``: what is installed, and whether it works."""

import sys

import typer


def list_weights() -> None:
    """List the installed models and what each is for."""
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


def check() -> None:
    """Check that this installation works."""
    from core.installation import checks

    failed = False
    for row in checks():
        failed |= not row.passed
        print(f"{'ok  ' if row.passed else 'FAIL'} {row.name}: {row.seen}", flush=True)
    if failed:
        raise typer.Exit(1)
