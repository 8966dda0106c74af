"""The patient over time: signed smears of one pseudonym side by side."""

from typing import Final

import pandas as pd
import streamlit as st

from core.access.people import Person
from core.review.case.cases import Case
from core.review.case.patient import (
    CountChange,
    Delta,
    SmearOfPatient,
    count_changes,
    deltas,
    smears_of_patient,
)
from core.review.record.review_store import review_store
from core.taxonomy import CellKind, title
from pages.parts.wording import percent, plain, several

_SHOWN = 5
_COUNTS: Final[dict[CellKind, str]] = {
    "rbc": "Red cells per field",
    "wbc": "White cells per field",
    "platelet": "Platelets per field",
}


def draw(who: Person, case: Case) -> None:
    """Up to five smears, oldest first, and how the last two differ; nothing for a single one."""
    found = smears_of_patient(review_store(), who, case.id)
    others = [one for one in found if one.case_id != case.id]
    if not others:
        return
    with st.expander(f"This patient over time: {several(len(found), 'signed smear')}"):
        shown = found[-_SHOWN:]
        change = {one.label: one for one in deltas(*shown[-2:])} if len(shown) > 1 else {}
        st.table(
            _table(shown, change),
            border="horizontal",
            hide_index=True,
            alt="Signed smears of this patient, side by side",
        )
        notes = (
            "Change: from the last smear but one to the last, in percentage points or cells per "
            "field"
        )
        if len(found) > _SHOWN:
            notes = f"The last {_SHOWN} of {len(found)}. {notes}"
        st.caption(
            f'{notes}; "exceeds chance" where two counts of the same blood would differ that much '
            "in fewer than 5 of 100 cases (each class by itself, Fisher's exact test; counts by "
            "Welch's test over the fields, which a thicker smear changes too)."
        )


def _table(shown: list[SmearOfPatient], change: dict[str, Delta]) -> pd.DataFrame:
    labels = list(change) or list(shown[-1].cells)
    rows = []
    for label in labels:
        if not any(one.cells.get(label) for one in shown):
            continue
        row = {"Class": title(label)}
        row |= {_head(one): _share(one, label) for one in shown}
        row["Change"] = _change(change.get(label))
        rows.append(row)
    counted = {one.kind: one for one in count_changes(*shown[-2:])} if len(shown) > 1 else {}
    for kind, name in _COUNTS.items():
        row = {"Class": name}
        row |= {_head(one): f"{one.per_field[kind]:.0f}" for one in shown}
        rows.append(row | {"Change": _count_change(counted.get(kind))})
    return pd.DataFrame(rows)


def _head(one: SmearOfPatient) -> str:
    cells = several(one.leukocytes, "cell")
    return f"{plain(one.accession)}, {one.received_at:%d %b %Y}, {cells}"


def _share(one: SmearOfPatient, label: str) -> str:
    return percent(one.cells.get(label, 0) / one.leukocytes) if one.leukocytes else "not determined"


def _count_change(one: CountChange | None) -> str:
    if one is None:
        return ""
    words = f"{one.after - one.before:+.0f}"
    if one.p is None:
        return f"{words}, too few fields to tell"
    return f"{words}, exceeds chance" if one.exceeds_chance else words


def _change(one: Delta | None) -> str:
    if one is None or one.points is None:
        return ""
    words = f"{one.points:+.0f}"
    return f"{words}, exceeds chance" if one.exceeds_chance else words
