"""``python -m core reproduce learning-curve``: how many labelled fields a count takes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.error import URLError

import typer

from core.settings import settings

if TYPE_CHECKING:
    from core.studies.learning_curve import Plan


def learning_curve(
    data: Annotated[
        Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
    ] = None,
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

    On any machine, ImageNet's MobileNetV2 left as it is. Broken off, it goes on.
    """
    from core.studies.learning_curve import learning_curve as measure

    folder = to or settings().var / "reproduce" / "learning-curve"
    try:
        found = measure(
            data or settings().data,
            folder,
            _plan(sizes, drawn, seed),
            lambda line: print(line, file=sys.stderr, flush=True),
        )
    except KeyboardInterrupt as error:
        print(
            f"Stopped. Every finished training is kept in {folder}; the same command goes on.",
            file=sys.stderr,
        )
        raise typer.Exit(130) from error
    except URLError as error:
        _stop(
            "ImageNet's weights are not on this computer and could not be fetched "
            f"({error.reason}); connect to the internet once",
            error,
        )
    except (OSError, ValueError) as error:
        _stop(str(error), error)
    _keep(found, folder)


def _keep(found: dict[str, Any], folder: Path) -> None:
    from core.studies.count_tables import learning_curve_svg

    tables = as_markdown(found)
    (folder / "tables.md").write_text(tables)
    print(tables)
    if len(found["sizes"]) > 1:
        (folder / "learning-curve.svg").write_text(learning_curve_svg(found))
        print(f"The tables, the figure and the numbers behind them are in {folder}.")
    else:
        print(f"The tables are in {folder}; a figure needs at least two sizes.")


def as_markdown(found: dict[str, Any]) -> str:
    """The curve as tables: the mean, what drawn fields change, and every kind."""
    from core.studies.count_tables import (
        learning_curve_gains_table,
        learning_curve_kinds_table,
        learning_curve_table,
    )

    fields, setting = found["fields"], found["setting"]
    parts = [
        "# Count error by labelled fields",
        f"{fields['training']} camera fields to learn from, {fields['validation']} to choose the "
        f"step on, {fields['test']} to measure on; "
        f"{fields['left_out_as_copies']} fields of any size left out as copies of a test or a "
        "validation field. "
        f"Backbone: {setting['backbone']}, not trained further. {setting['steps']} steps each, "
        f"seed {setting['seed']}. Mean absolute error a field; brackets hold 95 % bootstrap "
        "intervals.",
        learning_curve_table(found),
    ]
    if found["drawn"]:
        parts += [
            f"What {found['drawn']} drawn fields change, in pairs of the same test fields; below "
            "zero they help.",
            learning_curve_gains_table(found),
        ]
    parts += ["Every kind:", learning_curve_kinds_table(found)]
    return "\n\n".join(parts) + "\n"


def _plan(sizes: str, drawn: int, seed: int) -> "Plan":
    """Raises ValueError for sizes that are no numbers."""
    from core.studies.learning_curve import Plan

    words = [word.strip() for word in sizes.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise ValueError(
            f"--sizes takes whole numbers from 1 with commas, such as 25,50,100, not {sizes!r}"
        )
    return Plan(tuple(int(word) for word in words), drawn, seed)


def _stop(message: str, error: Exception) -> None:
    """Say what is wrong in one sentence and leave with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(2) from error
