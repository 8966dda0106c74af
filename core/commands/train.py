"""``python -m core train``: start or resume a training, or find a learning rate."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import check_recipe, progress, stop
from core.commands.train_choices import names_from, settings_and_options, together
from core.training.recipe_info import OptionValue


def train(
    recipe: Annotated[str, typer.Argument(help="locator, counts, wbc, palm or red_cells")],
    data: Annotated[
        Path | None,
        typer.Option(help="folder of the public sets, or your own pictures (HEMADESK_DATA)"),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="number, name or folder of a run to resume")
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
        typer.Option(
            "--set",
            "--option",
            help="a setting or an option of the recipe, NAME=VALUE, such as frozen=half or "
            "weight_decay=0.05; repeatable",
        ),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            help="JSON or CSV: your own names of folders or boxes, and the known name of each"
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(help="cross-validate your own cells: a training for each of 3, 5 or 10 folds"),
    ] = None,
    class_file: Annotated[
        Path | None,
        typer.Option(
            help="CSV of classes of your own (class, title, parent, code, critical, ...) that wbc "
            "shall learn; folders with these names are theirs"
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="where to save the model (default: the run's folder)")
    ] = None,
    find_rate: Annotated[
        bool, typer.Option(help="only try learning rates and print the result; nothing is trained")
    ] = False,
    run: Annotated[int | None, typer.Option(hidden=True)] = None,
    attempt: Annotated[int | None, typer.Option(hidden=True)] = None,
    trial: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train a model; a run stopped at any moment is resumed with --resume.

    Several cards: torchrun --standalone --nproc-per-node N -m -- core train RECIPE ...
    """
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    given |= {"seed": seed, "workers": workers, "patience": patience, "accumulation": accumulation}
    values: dict[str, float | str] = {
        name: value for name, value in given.items() if value is not None
    }
    values |= {"optimizer": optimizer} if optimizer is not None else {}
    # The app starts this command too, in a process whose output nobody reads.
    recipe = _todays_name(recipe, quiet=run is not None or trial is not None)
    if resume is not None and (values or start or option or names or class_file or folds):
        stop("a resumed run keeps its settings; give --resume without any")
    if class_file is not None:
        _add_classes(recipe, class_file)
    values, options = _checked(recipe, preset, values, option or [], start, names)
    if data is not None and not data.exists():
        stop(f"--data: folder not found: {data}")
    if folds is not None:
        _cross_validate(recipe, data, preset, values, options, folds)
    _train(recipe, data, resume, preset, values, options, to, find_rate, run, attempt, trial)


def _cross_validate(
    recipe: str,
    data: Path | None,
    preset: str,
    values: dict[str, float | str],
    options: dict[str, OptionValue],
    of: int,
) -> None:
    """Train every fold, one after the other, print mean and spread, and end the command."""
    from core.settings import settings
    from core.training.choices import FOLD_NUMBERS
    from core.training.presets import recipe_info

    layout = {**recipe_info(recipe).preset(preset).options, **options}.get("layout")
    if recipe != "wbc" or layout != "folders":
        stop("--folds: only your own class folders are cross-validated (wbc, layout=folders)")
    if of not in FOLD_NUMBERS:
        stop(f"--folds: one of {', '.join(map(str, FOLD_NUMBERS))}, got {of}")
    from core.training.runs import from_terminal

    try:
        status = from_terminal.cross_validate(
            recipe, data or settings().data, preset, values, options, of
        )
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        stop(error)
    raise typer.Exit(status)


def _todays_name(recipe: str, *, quiet: bool) -> str:
    """The recipe's name, for a former name today's; stops the command for an unknown one."""
    from core.training.presets import FORMER_NAMES, RECIPES

    if recipe in FORMER_NAMES:
        if not quiet:
            progress(
                f"the recipe {recipe} is now called {FORMER_NAMES[recipe]}; "
                "the former name still works"
            )
        recipe = FORMER_NAMES[recipe]
    check_recipe(recipe, tuple(RECIPES))
    return recipe


def _add_classes(recipe: str, file: Path) -> None:
    """Take a table of classes into those of this installation; stops where one does not fit."""
    from core.taxonomy import title
    from core.training import own_classes
    from core.training.runs.from_terminal import person

    if recipe != "wbc":
        stop(f"--class-file: {recipe} has no classes; it goes with wbc")
    try:
        names = own_classes.add_file(file, person())
    except (ValueError, OSError) as error:
        stop(f"--class-file: {error}")
    progress(f"classes of this site: {', '.join(title(name) for name in names)}")


def _checked(
    recipe: str,
    preset: str,
    values: dict[str, float | str],
    pairs: list[str],
    start: str | None,
    names: Path | None,
) -> tuple[dict[str, float | str], dict[str, OptionValue]]:
    """Settings and options; wrong ones stop the command here, before torch is imported."""
    from core.training.loop.settings import loop_settings
    from core.training.presets import checked_options, recipe_info

    try:
        by_set, chosen_options = settings_and_options(pairs)
        values = together(values, by_set)
        options: dict[str, OptionValue] = {**chosen_options}
        options |= {"start": start} if start else {}
        options |= {"names": names_from(names)} if names else {}
        chosen = recipe_info(recipe).preset(preset)
        # Only checked: what begins the run makes the settings and options from the preset again.
        loop_settings({**asdict(chosen.settings), **values})
        checked_options(recipe, {**chosen.options, **options})
    except ValueError as error:
        stop(error)
    return values, options


def _train(
    recipe: str,
    data: Path | None,
    resume: str | None,
    preset: str,
    values: dict[str, float | str],
    options: dict[str, OptionValue],
    to: Path | None,
    find_rate: bool,
    run: int | None,
    attempt: int | None,
    trial: Path | None,
) -> None:
    """Train in this process, or together with the others that torchrun started."""
    from urllib.error import URLError

    from core.settings import settings
    from core.training.runs import from_terminal

    folder = data or settings().data

    def lead() -> int:
        if run is not None and attempt is not None:
            return from_terminal.work_on(run, attempt)
        if resume is not None:
            return from_terminal.go_on(recipe, resume, to)
        if find_rate:
            return from_terminal.try_rates(recipe, folder, preset, values, options, to, trial)
        return from_terminal.begin(recipe, folder, preset, values, options, to)

    try:
        status = from_terminal.in_process_group(lead)
    except (ValueError, FileNotFoundError, FloatingPointError, URLError) as error:
        from core.training.job import in_words

        stop(in_words(error))
    raise typer.Exit(status)
