"""``python -m core reproduce learning-curve``: how many labelled fields a count takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import Data, progress, public_sets, results_folder, stop

if TYPE_CHECKING:
    from core.studies.learning_curve_result import LearningCurve


def learning_curve(
    data: Data = None,
    to: Annotated[
        Path | None, typer.Option("--out", "--to", help="folder for the table and the figure")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=1_000_000, help="of everything random")] = 0,
    sizes: Annotated[
        str, typer.Option(help="numbers of labelled fields, with commas")
    ] = "25,50,100,300",
    drawn: Annotated[
        int, typer.Option(min=0, max=10_000, help="synthetic fields added to each; 0: none")
    ] = 200,
) -> None:
    """Count errors by the number of labelled fields, two counters, without and with drawn fields.

    On any machine, with ImageNet's MobileNetV2 frozen. A stopped run resumes.
    """
    fields = _sizes(sizes)
    sets, folder = public_sets(data), results_folder(to, "reproduce", "learning-curve")
    from urllib.error import URLError

    from core.studies.learning_curve import Plan
    from core.studies.learning_curve import learning_curve as measure

    try:
        result = measure(sets, folder, Plan(fields, drawn, seed), progress)
    except KeyboardInterrupt:
        stop(
            f"Stopped. Every finished training is saved in {folder}; the same command resumes.",
            status=130,
        )
    except URLError as error:
        stop(
            "ImageNet's weights are not on this computer and could not be fetched "
            f"({error.reason}); connect to the internet once"
        )
    except (OSError, ValueError) as error:
        stop(error)
    _write(result, folder)


def _write(result: "LearningCurve", folder: Path) -> None:
    from core.studies.count_tables import learning_curve_svg

    tables = as_markdown(result)
    (folder / "tables.md").write_text(tables)
    print(tables)
    if len(result["sizes"]) > 1:
        (folder / "learning-curve.svg").write_text(learning_curve_svg(result))
        print(f"The tables, the figure and the numbers behind them are in {folder}.")
    else:
        print(f"The tables are in {folder}; a figure needs at least two sizes.")


def as_markdown(result: "LearningCurve") -> str:
    """The curve as tables: the mean, what drawn fields change, and every kind."""
    from core.studies.count_tables import (
        learning_curve_gains_table,
        learning_curve_kinds_table,
        learning_curve_table,
    )

    fields, setting = result["fields"], result["setting"]
    parts = [
        "# Count error by labelled fields",
        f"{fields['training']} camera fields to learn from, {fields['validation']} to choose the "
        f"step on, {fields['test']} to measure on; "
        f"{fields['left_out_as_copies']} fields of any size left out as copies of a test or a "
        "validation field. "
        f"Backbone: {setting['backbone']}, not trained further. {setting['steps']} steps each, "
        f"seed {setting['seed']}. Mean absolute error a field; brackets hold 95 % bootstrap "
        "intervals.",
        learning_curve_table(result),
    ]
    if result["drawn"]:
        parts += [
            f"What {result['drawn']} drawn fields change, in pairs of the same test fields; below "
            "zero they help.",
            learning_curve_gains_table(result),
        ]
    parts += ["Every kind:", learning_curve_kinds_table(result)]
    return "\n\n".join(parts) + "\n"


def _sizes(sizes: str) -> tuple[int, ...]:
    """The numbers of a list such as ``25,50,100``; anything else stops the command."""
    words = [word.strip() for word in sizes.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        stop(f"--sizes takes whole numbers from 1 with commas, such as 25,50,100, not {sizes!r}")
    return tuple(int(word) for word in words)
