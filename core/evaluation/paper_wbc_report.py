"""The published classification report of the clinic's ResNet-18, beside ours.

Source: the project page "A Clinical-Grade Computer Vision System" (automated white cell
classification), figures on a held-out validation part of its own data, n not given.
"""

from collections.abc import Mapping
from typing import Any, Final

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


def side_by_side(ours: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each published class with its figures and ours (None where we have no such test cells)."""
    rows = {}
    for name, published in REPORT.items():
        own = ours.get(name, {})
        rows[name] = {
            "published": dict(zip(("precision", "recall", "f1"), published, strict=True)),
            "ours": {key: own.get(key) for key in ("precision", "recall", "f1", "n")},
        }
    return rows


def as_markdown(accuracies: Mapping[str, float | None], rows: Mapping[str, Any]) -> str:
    """Table for people; ``accuracies`` are by column title, in order."""
    lines = ["| class | published P / R / F1 | ours P / R / F1 | n |", "|---|---|---|---|"]
    for name, row in rows.items():
        published = " / ".join(f"{row['published'][k]:.2f}" for k in ("precision", "recall", "f1"))
        own = " / ".join(_two(row["ours"][key]) for key in ("precision", "recall", "f1"))
        lines.append(f"| {name} | {published} | {own} | {row['ours']['n'] or 0} |")
    said = ", ".join(f"{name} {_two(value)}" for name, value in accuracies.items())
    return "\n".join([*lines, "", f"Accuracy: {said}."])


def _two(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
