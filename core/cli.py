"""The command line, the stable interface for other programs: ``python -m core``.

``--json`` prints one object per picture and line on standard output, in input order, and nothing
else there. A picture that cannot be used becomes an ``error`` object, the others still run, and
the exit status is 1. Wrong arguments get one sentence and the exit status 2.

Each command lives in ``core/commands``. None of those modules may import torch or another heavy
library when it is loaded: they import what a command needs once its arguments are known to be
right, so that help and refusals appear at once.
"""

from typing import Annotated

import typer

from core import __version__
from core.commands import (
    bench,
    compare,
    datasets,
    demo,
    evaluate,
    hands,
    installation,
    palm,
    reproduce,
    serve,
    smear,
    train,
    white_cells,
)
from core.commands.case import cases
from core.commands.train_choices import TrainCommand

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    # Plain text: importing rich and drawing its boxes takes longer than everything else in help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Hemadesk. Research use: a qualified person decides.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"hemadesk {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="print it and exit"),
    ] = False,
) -> None:
    """Hemadesk. Research use: a qualified person decides."""


app.command()(smear.analyse)
app.command()(smear.classify)
app.command()(palm.palm)
app.command()(evaluate.evaluate)
app.command()(serve.serve)
app.command()(demo.demo)
app.command(cls=TrainCommand)(train.train)
app.command()(compare.compare)
app.command()(white_cells.adapt)
app.command()(white_cells.fit_uncertainty)
app.command("characterise", hidden=True)(white_cells.characterise)
app.command()(palm.fit_palm)
app.command()(white_cells.export)
app.command()(hands.hands)
app.command()(installation.check)
app.add_typer(installation.weights, name="weights")
app.add_typer(datasets.app, name="datasets")
app.add_typer(cases.app, name="cases")
app.add_typer(bench.app, name="bench")
app.add_typer(reproduce.app, name="reproduce")
