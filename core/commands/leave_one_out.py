"""``python -m core evaluate wbc --leave-out LAB``: accuracy in a laboratory never learnt from."""

import json
from pathlib import Path

from core.commands.terminal import progress, stop
from core.settings import settings


def evaluate_left_out(
    recipe: str, laboratory: str, data: Path, start: Path | None, folder: Path | None
) -> None:
    """Train without a laboratory, or go on with that training, and print the test on it as JSON.

    Exits with status 2, and one sentence, where that cannot be done.
    """
    from core.models import registry
    from core.models.weights import WeightsRefused
    from core.training.loop.recipe import Interrupted
    from core.training.white_cells.external_lab import evaluate_external
    from core.training.white_cells.left_out import train_without

    if recipe != "wbc":
        stop(f"--leave-out is for wbc, not for {recipe}")
    if start is None:
        stop(
            "--start must name a classifier that learnt from PBC alone, such as the model of a run "
            "of python -m core train wbc --preset shipped"
        )
    target = folder or settings().var / "leave_one_out" / laboratory
    try:
        model = train_without(laboratory, data, target, start, report=progress)
        figures = evaluate_external(model, registry.live("locator"), data, laboratory)
    except Interrupted:
        stop(f"stopped and saved in {target}; the same command resumes it", status=75)
    except (FileNotFoundError, ValueError, FloatingPointError, WeightsRefused) as error:
        stop(str(error))
    text = json.dumps(figures, indent=2)
    (target / "evaluation.json").write_text(text + "\n")
    print(text)
