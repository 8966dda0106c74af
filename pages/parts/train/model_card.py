"""A model's card, read like a leaflet: what for, how good, where not to use, made from what."""

from typing import Any

import streamlit as st

from core.models.weights import LoadedModel
from core.store.promotions import Promotion
from core.taxonomy import KINDS, title
from pages.parts.wording import percent, plain

_TASKS = {
    "locator": "Cells of a field",
    "wbc": "Class of a white cell",
    "counts": "Second count of a field",
    "palm": "Anemia in a palm",
}


_PARTS = {
    "pbc_test": "PBC test part",
    "other_laboratory": "another laboratory",
    "cbc_test_fields": "CBC test fields",
    "cross_validated": "cross-validated",
    "locked": "sessions kept aside until the end",
    "held_out": "both together",
}
"""What the parts of a card's evaluation are called."""


def draw(model: LoadedModel, since: Promotion | None) -> None:
    """The card of a live model; ``since`` is the change that made it so."""
    card = model.card
    st.caption(_TASKS.get(str(card.get("task")), "Model"))
    st.markdown(f"**{plain(model.identity)}** :violet-badge[live]")
    if since is None:
        st.caption("Shipped with the program.")
    else:
        st.caption(
            f"Live since {since.at:%d %b %Y %H:%M} UTC, by {plain(since.who)}: "
            f"{plain(since.reason)}"
        )
    _line("What for", card.get("intended_use"))
    _line("How good", _figures(card))
    _line("Where not", card.get("limits"))
    _line("Made from", _origin(card))
    _line("Licence", card.get("licence"))
    with st.expander("The whole card"):
        st.json(card, expanded=1)


def _line(name: str, words: Any) -> None:
    st.markdown(f"**{name}**: {plain(str(words)) if words else 'not determined'}")


def _figures(card: dict[str, Any]) -> str:
    said = []
    for name, figures in card.get("evaluation", {}).items():
        for key in ("eight_class_accuracy", "accuracy"):
            row = figures.get(key) if isinstance(figures, dict) else None
            if row and row.get("value") is not None:
                span = f"{100 * row['low']:.0f} to {100 * row['high']:.0f}"
                where = _PARTS.get(name, name.replace("_", " "))
                said.append(f"{where} {percent(row['value'])} ({span}), {row['n']:,} cells")
                break
        area = figures.get("auroc") if isinstance(figures, dict) else None
        if area:
            span = f"{area['low']:.2f} to {area['high']:.2f}"
            where = _PARTS.get(name, name.replace("_", " "))
            said.append(f"{where} AUROC {area['value']:.2f} ({span}), {area['n']} photos")
    said += _count_errors(card.get("evaluation", {}))
    checked = card.get("validation", {})
    if not said and "accuracy" in checked:
        said.append(f"{percent(checked['accuracy'])} of {checked['cells']} validation cells")
    if not said and "mean_absolute_error" in checked:
        errors = ", ".join(
            f"{title(kind).lower()} {error:.2f}"
            for kind, error in checked["mean_absolute_error"].items()
        )
        said.append(f"mean count error on {checked['fields']} validation fields: {errors}")
    return "; ".join(said)


def _count_errors(evaluation: dict[str, Any]) -> list[str]:
    """Errors of a count on test fields with every visible cell labelled, beside the constant's."""
    for name in ("txl_labels", "regression_txl_labels"):
        rows = evaluation.get(name)
        if not rows:
            continue
        words = []
        for kind in KINDS:
            row = rows[kind]
            words.append(
                f"{title(kind).lower()} {row['mean_absolute_error']:.2f} ({row['low']:.2f} to "
                f"{row['high']:.2f}; always the usual number {row['constant_predictor']:.2f})"
            )
        return [f"mean count error on {rows['n']} test fields: {', '.join(words)}"]
    return []


def _origin(card: dict[str, Any]) -> str:
    data = card.get("data", {})
    parts = [str(data.get("set", ""))]
    for key in ("training_cells", "training_fields", "training_photos"):
        if key in data:
            parts.append(f"{data[key]:,} {key.removeprefix('training_')} learnt from")
    if card.get("made"):
        parts.append(f"made {card['made']}")
    return ", ".join(part for part in parts if part)
