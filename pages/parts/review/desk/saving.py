"""What a key at the desk changed, saved by a part of the page that draws nothing else.

What is shown as saved was acknowledged here, after the transaction with its entry in the ledger;
the acknowledgement carries the cells of the batch as the database then holds them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case.cases import case_pictures_of
from core.review.reading import answers
from core.review.reading.answers import NewAnswer
from core.review.reading.cells import cells as cells_of
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused
from core.taxonomy import title
from pages.parts import signed_in
from pages.parts.review.boxes.drawn import drawn_calls
from pages.parts.review.desk import desk as review_desk
from pages.parts.review.desk.assets import read_assets

_KEY: Final = "review_saving"

_saving = st.components.v2.component("hemadesk_review_saving", js=read_assets("acknowledge.js"))


@st.fragment
def draw() -> None:
    """The way of the answers; under the desk, where its empty line takes no room from it."""
    _saving(
        key=_KEY,
        data={"ack": st.session_state.get("review_ack")},
        on_batch_change=_received,
        height=1,
    )


def _received() -> None:
    """Save what the browser sent; what could not be saved is said, with both sides."""
    batch = (st.session_state.get(_KEY) or {}).get("batch")
    case_id = st.session_state.get("review_case_open")
    if not batch or case_id is None:
        return
    st.session_state["review_ack"] = {"batch": batch["batch"], **_save(case_id, batch["ops"])}


def _save(case_id: int, ops: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    stale: list[Conflict] = []
    try:
        who = signed_in.person()
        given = _new_answers(who, case_id, ops)
        while given:
            try:
                answers.answer(review_store(), who, case_id, given)
                break
            except StaleEdit as refused:
                # The others of the batch are not held back by those that somebody else changed.
                stale += refused.conflicts
                conflicting = {conflict.row for conflict in refused.conflicts}
                given = [new for new in given if new.cell_id not in conflicting]
    except (NotAllowed, CaseRefused) as refusal:
        return {"error": f"Not saved: {refusal}.", "conflicts": [], "cells": []}
    except (DatabaseRefused, SQLAlchemyError):
        why = "Not saved: the database does not answer. Your answers wait in this window."
        return {"error": why, "conflicts": [], "cells": []}
    labels = {int(op["cell"]): op["label"] for op in ops}
    return {
        "error": "",
        "conflicts": [_told(conflict, labels) for conflict in stale],
        "cells": _as_saved(who, case_id, list(labels)),
    }


def _as_saved(who: Person, case_id: int, numbers: Sequence[int]) -> list[dict[str, object]]:
    """The cells as the database holds them now, whoever saved them."""
    store = review_store()
    found = cells_of(store, who, case_id, only=numbers)
    drawn = {}
    if any(cell.place is None for cell in found):
        drawn = dict(drawn_calls(who, case_pictures_of(store, who, case_id), found))
    reviews = may(who, "review")
    return [review_desk.row(cell, [], reviews, drawn.get(cell.id)) for cell in found]


def _new_answers(who: Person, case_id: int, ops: Sequence[Mapping[str, Any]]) -> list[NewAnswer]:
    """What the browser sent. Where it repeats a batch that may have been saved or not (``after``:
    what that said of the cell), the revision is the one that stands if it was."""
    now = {}
    if any("after" in op for op in ops):
        now = {cell.id: cell.answer for cell in cells_of(review_store(), who, case_id)}
    given = []
    for op in ops:
        number, label, revision = int(op["cell"]), op["label"], int(op["revision"])
        before = now.get(number)
        if "after" in op:
            if before is not None and (before.label, before.reader) == (op["after"], who.subject):
                revision = before.revision
            elif label is None and revision == 0:
                continue  # taken back before it was ever saved
        given.append(NewAnswer(number, label, revision, float(op["seconds"])))
    return given


def _told(conflict: Conflict, labels: Mapping[int, Any]) -> dict[str, object]:
    mine, theirs = _word(conflict.yours), _word(conflict.theirs)
    at = f" at {conflict.at:%H:%M} UTC" if conflict.at else ""
    return {
        "cell": conflict.row,
        "mine": labels.get(conflict.row),
        "revision": conflict.revision,
        "message": (
            f"{conflict.by or 'Somebody else'} has saved {theirs} for this cell{at}; yours is "
            f"{mine}. Nothing was overwritten."
        ),
    }


def _word(label: str | None) -> str:
    if label is None:
        return "not reviewed"
    return label if " " in label else title(label).lower()
