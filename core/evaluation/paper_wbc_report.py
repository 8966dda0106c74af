"""The published classification report of the clinic's ResNet-18, beside ours.

Source: the project page "A Clinical-Grade Computer Vision System" (automated white cell
classification), figures on a held-out validation part of its own data, n not given.
"""

from collections.abc import Mapping
from typing import Final, Literal

from core.models.cards.white_cell_figures import SideBySide
from core.statistics.figures import ClassRow

ACCURACY: Final = 0.988
REPORT: Final[dict[str, tuple[float, float, float]]] = {
    "neutrophil": (1.00, 0.99, 1.00),
    "lymphocyte": (0.99, 1.00, 1.00),
    "monocyte": (0.99, 0.99, 0.99),
    "eosinophil": (1.00, 1.00, 1.00),
    "basophil": (1.00, 1.00, 1.00),
    "blast": (1.00, 1.00, 1.00),
}
"""Class -> precision, recall, F1."""

_SCORES: Final[tuple[Literal["precision", "recall", "f1"], ...]] = ("precision", "recall", "f1")


def side_by_side(ours: Mapping[str, ClassRow]) -> dict[str, SideBySide]:
    """Each published class with its figures and ours (None where we have no such test cells)."""
    rows: dict[str, SideBySide] = {}
    for name, (precision, recall, f1) in REPORT.items():
        rows[name] = {
            "published": {"precision": precision, "recall": recall, "f1": f1},
            "ours": ours.get(name, {"precision": None, "recall": None, "f1": None, "n": None}),
        }
    return rows


def as_markdown(accuracies: Mapping[str, float | None], rows: Mapping[str, SideBySide]) -> str:
    """Table for people; ``accuracies`` are by column title, in order."""
    lines = ["| class | published P / R / F1 | ours P / R / F1 | n |", "|---|---|---|---|"]
    for name, row in rows.items():
        published = " / ".join(f"{row['published'][key]:.2f}" for key in _SCORES)
        own = " / ".join(_two(row["ours"][key]) for key in _SCORES)
        lines.append(f"| {name} | {published} | {own} | {row['ours']['n'] or 0} |")
    listed = ", ".join(f"{name} {_two(value)}" for name, value in accuracies.items())
    return "\n".join([*lines, "", f"Accuracy: {listed}."])


def _two(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
