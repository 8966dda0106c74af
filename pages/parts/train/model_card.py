"""A model's card, read like a leaflet: what for, how good, where not to use, made from what."""

import streamlit as st

from core.models.cards import (
    CellData,
    CellValidation,
    CountCard,
    CountValidation,
    FieldData,
    LocatorCard,
    ModelCard,
    PalmCard,
    PalmData,
    WhiteCellCard,
)
from core.models.cards.figures import ErrorRows, PalmEvaluation
from core.models.cards.white_cell_figures import WhiteCellEvaluation
from core.models.weights import LoadedModel
from core.store.promotions import Promotion
from core.taxonomy import KINDS, title
from pages.parts.wording import percent, plain

TASKS = {
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
    st.caption(TASKS.get(card.task, "Model"))
    st.markdown(f"**{plain(model.identity)}** :violet-badge[live]")
    if since is None:
        st.caption("Shipped with the program.")
    else:
        st.caption(
            f"Live since {since.at:%d %b %Y %H:%M} UTC, by {plain(since.who)}: "
            f"{plain(since.reason)}"
        )
    _line("What for", card.intended_use)
    _line("How good", figures(card) or _compared(since))
    _line("What it holds for, and its limits", card.limits)
    _line("Made from", _origin(card))
    _line("Licence", card.licence)
    with st.expander("The whole card"):
        st.json(card.as_json(), expanded=1)


def _line(name: str, text: str) -> None:
    st.markdown(f"**{name}**: {plain(text) if text else 'not determined'}")


def figures(card: ModelCard) -> str:
    """How good a model is, with n and intervals, as its card says; empty where it does not."""
    found: list[str] = []
    if isinstance(card, WhiteCellCard):
        found = _accuracies(card.evaluation) or _validation(card.validation)
    elif isinstance(card, PalmCard):
        found = _areas(card.evaluation)
    elif isinstance(card, LocatorCard):
        found = _count_errors(card.evaluation.get("txl_labels"), card.validation)
    elif isinstance(card, CountCard):
        found = _count_errors(card.evaluation.get("regression_txl_labels"), card.validation)
    return "; ".join(found)


def _compared(since: Promotion | None) -> str:
    """The figures of the comparison by which it went live, where its card has none."""
    if since is None:
        return ""
    figures = []
    for name in ("own", "original", "external_lab"):
        row = (since.evidence or {}).get(name)
        if isinstance(row, dict) and "challenger" in row:
            cells = row["accuracy"]["items"]
            figures.append(f"{row['title']} {percent(row['challenger'])}, {cells:,} cells")
        elif isinstance(row, dict) and "errors" in row:
            errors = row["errors"]
            figures.append(
                f"{row['title']} count error {errors['challenger']:.2f} cells a field, "
                f"{errors['items']:,} fields"
            )
    return "; ".join(figures)


def _accuracies(evaluation: WhiteCellEvaluation) -> list[str]:
    rows = {
        "pbc_test": evaluation.get("pbc_test", {}).get("eight_class_accuracy"),
        "other_laboratory": evaluation.get("other_laboratory", {}).get("accuracy"),
        "cbc_test_fields": evaluation.get("cbc_test_fields", {}).get("accuracy"),
    }
    return [
        f"{_PARTS[name]} {percent(row['value'])} ({100 * row['low']:.0f} to "
        f"{100 * row['high']:.0f}), {row['n']:,} cells"
        for name, row in rows.items()
        if row and row["value"] is not None
    ]


def _validation(checked: CellValidation | None) -> list[str]:
    if checked is None:
        return []
    return [f"{percent(checked.accuracy)} of {checked.cells} validation cells"]


def _areas(evaluation: PalmEvaluation) -> list[str]:
    parts = {
        "cross_validated": evaluation.get("cross_validated"),
        "locked": evaluation.get("locked"),
        "held_out": evaluation.get("held_out"),
    }
    areas = {name: part["auroc"] for name, part in parts.items() if part}
    return [
        f"{_PARTS[name]} AUROC {area['value']:.2f} ({area['low']:.2f} to {area['high']:.2f}), "
        f"{area['n']} photos"
        for name, area in areas.items()
    ]


def _count_errors(rows: ErrorRows | None, checked: CountValidation | None) -> list[str]:
    """Errors of a count on test fields with every visible cell labelled, beside the constant's.

    Where none were measured, those on the validation fields.
    """
    if rows:
        errors = ", ".join(
            f"{title(kind).lower()} {rows[kind]['mean_absolute_error']:.2f} "
            f"({rows[kind]['low']:.2f} to {rows[kind]['high']:.2f}; always the usual number "
            f"{rows[kind]['constant_predictor']:.2f})"
            for kind in KINDS
        )
        return [f"mean count error on {rows['n']} test fields: {errors}"]
    if checked is None:
        return []
    errors = ", ".join(
        f"{title(kind).lower()} {error:.2f}" for kind, error in checked.mean_absolute_error.items()
    )
    return [f"mean count error on {checked.fields} validation fields: {errors}"]


def _origin(card: ModelCard) -> str:
    data = card.data
    parts = [data.set]
    counts = {
        "cells": data.training_cells if isinstance(data, CellData) else None,
        "fields": data.training_fields if isinstance(data, FieldData) else None,
        "photos": data.training_photos if isinstance(data, PalmData) else None,
    }
    parts += [f"{count:,} {name} learnt from" for name, count in counts.items() if count]
    if card.made:
        parts.append(f"made {card.made}")
    return ", ".join(part for part in parts if part)
