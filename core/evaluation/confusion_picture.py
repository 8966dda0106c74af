"""A confusion matrix as a picture and as a Markdown table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from core.taxonomy import title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL_INCHES: Final = 0.55
_SHADE: Final = "#084081"


def as_figure(table: npt.NDArray[np.int64], classes: Sequence[str]) -> "Figure":
    """Draw the matrix: rows the truth, columns the prediction, shades the shares of each row.

    Args:
        table: ``(classes, classes)`` counts.
        classes: names in the order of rows and columns.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    side = 2.4 + _CELL_INCHES * len(classes)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    shares = table / np.maximum(1, table.sum(axis=1, keepdims=True))
    shades = LinearSegmentedColormap.from_list("shades", ["white", _SHADE])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=1)
    for row, column in np.argwhere(table > 0):
        ink = "white" if shares[row, column] > 0.5 else "black"
        number = str(int(table[row, column]))
        axes.text(column, row, number, ha="center", va="center", color=ink, fontsize=9)
    names = [title(name) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("called")
    axes.set_ylabel("truth")
    # Thin lines between the squares, so that an empty row can still be followed.
    axes.set_xticks(np.arange(0.5, len(names) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, len(names) - 1), minor=True)
    axes.grid(which="minor", color="#dfe2e8")
    axes.tick_params(which="both", length=0)
    return figure


def write_picture(file: Path, table: npt.NDArray[np.int64], classes: Sequence[str]) -> None:
    """Write it as PNG, making the folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    as_figure(table, classes).savefig(file, format="png", dpi=120, metadata={"Software": None})


def write_confusions(folder: Path, recipe: str, figures: Mapping[str, Any]) -> list[Path]:
    """A picture and a table for each set of a suite's figures that has a confusion matrix."""
    written = []
    for name, one in figures.items():
        if isinstance(one, Mapping) and "confusion" in one and "classes" in one:
            table, stem = np.array(one["confusion"], np.int64), f"{recipe}-{name}-confusion"
            written += [folder / f"{stem}.png", folder / f"{stem}.md"]
            write_picture(written[-2], table, one["classes"])
            written[-1].write_text(as_markdown(table, one["classes"]) + "\n")
    return written


def as_markdown(table: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    """The matrix as a Markdown table; rows are the truth."""
    head = "| truth \\ called | " + " | ".join(title(name) for name in classes) + " |"
    lines = [head, "|---" * (len(classes) + 1) + "|"]
    for name, row in zip(classes, table, strict=True):
        lines.append(f"| {title(name)} | " + " | ".join(str(int(one)) for one in row) + " |")
    return "\n".join(lines)
