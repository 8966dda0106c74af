"""``python -m core reproduce``: the tables of published systems beside our numbers.

The command of each system has a file of its own (``counts.py`` and so on).
"""

import typer

from core.commands.reproduce.counts import counts
from core.commands.reproduce.learning_curve import learning_curve
from core.commands.reproduce.palm import palm
from core.commands.reproduce.wbc import wbc

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Train a published system as its authors describe and print its tables beside ours.",
)
app.command("counts")(counts)
app.command("learning-curve")(learning_curve)
app.command("palm")(palm)
app.command("wbc")(wbc)
