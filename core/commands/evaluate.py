"""``python -m core evaluate``: the live models on test data that nothing was tuned on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from core.commands.leave_one_out import evaluate_left_out
from core.commands.terminal import Data, check_recipe, public_sets, stop

SUITES: Final = ("locator", "wbc", "counts", "palm", "red_cells", "letters")
"""Five models, and the rule that points out letters burnt into a picture's border."""


def evaluate(
    recipe: Annotated[str, typer.Argument(help="locator, wbc, counts, palm, red_cells or letters")],
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="all figures on one line")] = False,
    write_card: Annotated[
        bool, typer.Option(help="put the figures into the model's sidecar")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="write confusion matrices into this folder")
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(help="wbc only: train without this laboratory and test on it (hours)"),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="with --leave-out: a classifier that learnt from PBC alone"),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="with --leave-out: folder of checkpoints and model; stopped, it resumes"),
    ] = None,
) -> None:
    """Measure the live model on test data that nothing was tuned on."""
    check_recipe(recipe, SUITES)
    if recipe == "letters" and write_card:
        stop("--write-card is for models; letters are found by a rule")
    folder = public_sets(data)
    if leave_out is not None:
        evaluate_left_out(recipe, leave_out, folder, start, to)
        return
    try:
        figures = _figures(recipe, folder)
    except (FileNotFoundError, ValueError) as error:
        stop(error)
    if write_card:
        _write_card(recipe, figures)
    if pictures is not None:
        from core.evaluation.confusion_picture import write_confusions

        write_confusions(pictures, recipe, figures)
    print(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


def _figures(recipe: str, folder: Path) -> Mapping[str, object]:
    if recipe == "letters":
        from core.evaluation.letters_suite import evaluate_letters

        return evaluate_letters(folder)
    from core.evaluation.count_suite import evaluate_counts
    from core.evaluation.locator_suite import evaluate_locator
    from core.evaluation.wbc_suite import evaluate_wbc
    from core.models import registry
    from core.training.palm.figures import evaluate_palm

    if recipe == "palm":
        return evaluate_palm(folder, registry.live("palm"))
    if recipe == "red_cells":
        from core.training.red_cells.figures import evaluate_red_cells

        return evaluate_red_cells(folder, registry.live("locator"), registry.live("red_cells"))
    if recipe == "wbc":
        # Not smear_models(): a count model that is missing must not stop what needs none.
        return evaluate_wbc(folder, registry.live("locator"), registry.live("wbc"))
    suite = evaluate_locator if recipe == "locator" else evaluate_counts
    return suite(folder, registry.smear_models())


def _write_card(recipe: str, figures: Mapping[str, object]) -> None:
    from core.models import registry, weights

    known = (*registry.TASKS, *registry.OTHER_TASKS)
    model = registry.live(next(task for task in known if task == recipe))
    # `adapt --measure` writes figures of its own into the same part of the card; they stay.
    before = model.card.evaluation
    adaptation = {key: row for key, row in before.items() if key.startswith("adaptation")}
    weights.write_card(model.path, model.card.with_evaluation({**adaptation, **figures}))
