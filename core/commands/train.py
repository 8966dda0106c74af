"""``python -m core train``: start, resume, or look for a learning rate."""

import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.error import URLError

import typer

from core.settings import settings


def train(
    recipe: Annotated[str, typer.Argument(help="locator, regression, wbc or palm")],
    data: Annotated[
        Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="number, name or folder of a run to go on with")
    ] = None,
    preset: Annotated[str, typer.Option(help="settings by name")] = "shipped",
    epochs: Annotated[int | None, typer.Option()] = None,
    batch_size: Annotated[int | None, typer.Option()] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    workers: Annotated[int | None, typer.Option()] = None,
    patience: Annotated[int | None, typer.Option()] = None,
    accumulation: Annotated[
        int | None, typer.Option(help="batches whose gradients make one step")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="adamw or adam")] = None,
    start: Annotated[
        str | None, typer.Option(help="weights to begin with: imagenet, live or random")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="a choice of the recipe, NAME=VALUE, such as frozen=half; repeatable"),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="where to save the model (default: the run's folder)")
    ] = None,
    find_rate: Annotated[
        bool, typer.Option(help="try learning rates and print what was found; nothing is trained")
    ] = False,
    run: Annotated[int | None, typer.Option(hidden=True)] = None,
    attempt: Annotated[int | None, typer.Option(hidden=True)] = None,
    trial: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train a model; stopped at any moment, it goes on with --resume.

    Several cards: torchrun --standalone --nproc-per-node N -m -- core train RECIPE ...
    """
    from core.training.job import in_words
    from core.training.runs import from_terminal

    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    given |= {"seed": seed, "workers": workers, "patience": patience, "accumulation": accumulation}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    values |= {"optimizer": optimizer} if optimizer is not None else {}
    folder = data or settings().data

    def lead() -> int:
        if run is not None and attempt is not None:
            return from_terminal.work_on(run, attempt)
        if resume is not None:
            if values or start or option:
                raise ValueError("a resumed run keeps its settings; give --resume without any")
            return from_terminal.go_on(recipe, resume, to)
        options = _pairs(option or []) | ({"start": start} if start else {})
        if find_rate:
            return from_terminal.try_rates(recipe, folder, preset, values, options, to, trial)
        return from_terminal.begin(recipe, folder, preset, values, options, to)

    try:
        status = from_terminal.in_crew(lead)
    except (ValueError, FileNotFoundError, FloatingPointError, URLError) as error:
        print(in_words(error), file=sys.stderr)
        raise typer.Exit(2) from error
    raise typer.Exit(status)


def _pairs(said: list[str]) -> dict[str, str]:
    for pair in said:
        if "=" not in pair:
            raise ValueError(f"--option takes NAME=VALUE, got {pair!r}")
    return {name: value for name, _, value in (pair.partition("=") for pair in said)}
