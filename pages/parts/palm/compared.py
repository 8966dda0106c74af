"""How good the palm model is, beside simpler ones, on the same photos."""

from typing import Final, Literal

import streamlit as st

from core.models.cards import PalmCard
from core.models.cards.figures import AurocRow, PalmFigures
from pages.parts.wording import percent

_PARTS: Final[tuple[tuple[Literal["cross_validated", "locked"], str], ...]] = (
    ("cross_validated", "Cross-validated"),
    ("locked", "Kept aside until the end"),
)
_ROWS: Final[tuple[tuple[Literal["auroc", "colour_features", "published_cnn"], str], ...]] = (
    ("auroc", "Hemadesk"),
    ("colour_features", "Colour features, logistic regression"),
    ("published_cnn", "The published CNN (Rizal 2022)"),
)


def draw(card: PalmCard) -> None:
    """A table of AUROC, and what the figures mean."""
    try:
        parts = [(title, card.evaluation[name]) for name, title in _PARTS]
        lines = _lines(parts)
    except KeyError:
        st.info("This model's card does not say how good it is.")
        return
    left, right = st.columns([7, 5], gap="large")
    left.markdown("\n".join(lines))
    right.markdown(
        "The table says how often an anemic palm gets a higher score than another one: 0.50 is "
        "chance, 1.00 perfect. Whole sessions were held back, because the light of a session "
        "goes with the label. In brackets 95 % intervals over sessions."
    )
    right.caption(_accuracies(parts))
    network = parts[0][1].get("published_cnn")
    if network and network.get("reduced"):
        right.caption(
            f"The published CNN read {network['reduced']} and learnt for {network['epochs']} "
            f"epochs; a photo's score is the mean of {network['repeats']} networks."
        )


def _lines(parts: list[tuple[str, PalmFigures]]) -> list[str]:
    head = [
        f"{title}: {figures['auroc']['n']} photos, {figures['auroc']['blocks']} sessions"
        for title, figures in parts
    ]
    lines = [f"| | {' | '.join(head)} |", "|---|---|---|"]
    for key, name in _ROWS:
        rows = [figures.get(key) for _, figures in parts]
        if all(rows):
            lines.append(f"| {name} | {' | '.join(_said(row) for row in rows if row)} |")
    return [*lines, "| Chance, always the more frequent class | 0.50 | 0.50 |"]


def _accuracies(parts: list[tuple[str, PalmFigures]]) -> str:
    first, second = (
        f"{percent(row['accuracy'])} of the {where} photos "
        f"(always the more frequent class: {percent(row['majority'])})"
        for where, row in zip(
            ("first", "second"), (figures["at_sensitivity_90"] for _, figures in parts), strict=True
        )
    )
    return f"At its lower threshold Hemadesk is right in {first} and in {second}."


def _said(row: AurocRow) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
