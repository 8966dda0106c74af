"""The review desk: the own component that answers each key in the browser, and what it is sent.

The pictures travel once, in a part of their own (:mod:`pages.parts.review.desk.sheet`), and answers
in another (:mod:`pages.parts.review.desk.saving`), so that a key sends neither again.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.records import WbcCall
from core.review.case.cases import Case, case_pictures_of
from core.review.reading import abnormalities, undo
from core.review.reading.canned_comments import canned_comments
from core.review.reading.cells import ReviewCell
from core.review.reading.remarks import Remark, remark
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.review_store import review_store
from core.settings import settings
from core.slide import judgement
from core.slide.abnormality import ABNORMALITIES
from core.taxonomy import (
    KEYS,
    UNIDENTIFIED,
    answer_labels,
    critical_labels,
    is_leukocyte,
    parent_of,
    reader_class,
    title,
)
from pages.parts import signed_in
from pages.parts.review import why
from pages.parts.review.boxes.drawn import drawn_calls
from pages.parts.review.desk.assets import read_assets
from pages.parts.review.desk.sheet import sheet_key
from pages.parts.wording import percent

_KEY: Final = "review_desk"


_desk = st.components.v2.component(
    "hemadesk_review_desk",
    html=read_assets("desk.html"),
    css=read_assets("desk.css"),
    js=read_assets(
        "desk.js",
        "saving.js",
        "keys.js",
        "film.js",
        "wall.js",
        "look.js",
        "seen.js",
        "cell.js",
        "references.js",
    ),
)


def draw(
    who: Person, case: Case, cells: Sequence[ReviewCell], remarks: Sequence[Remark], closed: str
) -> None:
    """The desk. ``closed`` says why nothing can be changed, or is empty."""
    st.session_state["review_case_open"] = case.id
    said: dict[int, list[dict[str, str]]] = defaultdict(list)
    fields = case_pictures_of(review_store(), who, case.id) if _has_drawn(cells) else ()
    drawn = drawn_calls(who, fields, cells)
    for one in remarks:
        if one.cell_id is not None:
            said[one.cell_id].append({"by": one.author_name, "text": one.text})
    _desk(
        key=_KEY,
        data={
            "key": "|".join(
                [sheet_key(case, cells), str(case.version), str(case.reading), who.subject]
            ),
            # The browser takes the cells of each drawing once: what was saved since is newer.
            "number": time.time_ns() // 1_000_000,
            "classes": [_class(label) for label in _labels(cells)],
            "cells": [
                row(cell, said[cell.id], may(who, "review"), drawn.get(cell.id)) for cell in cells
            ],
            "closed": closed,
            "abnormalities": [asdict(one) for one in ABNORMALITIES],
            "seen": [
                {"term": one.term, "field": one.picture_id, "cell": one.cell_id}
                for one in abnormalities.seen_of(review_store(), who, case.id)
            ],
            "ready": canned_comments(settings().canned_comments),
            "target": settings().target_cells,
            "critical": sorted(critical_labels()),
            "jump": st.session_state.get("review_jump"),
            "said": st.session_state.get("review_said"),
        },
        on_remark_change=_remarked,
        on_undo_change=_undo,
        on_seen_change=_seen,
        on_why_change=_why,
        on_rest_change=_rest,
    )


def _labels(cells: Sequence[ReviewCell]) -> tuple[str, ...]:
    """What can be answered, and classes that only a model of another installation tells."""
    known = answer_labels()
    called = {cell.call.label for cell in cells if cell.call is not None}
    return (*known, *sorted(called - {*known}))


def _class(label: str) -> dict[str, object]:
    known = reader_class(label)
    return {
        "label": label,
        "key": known.key if known else KEYS.get(label, ""),
        "title": "Unidentified" if label == UNIDENTIFIED else title(label),
        # The class of which this is a part, where only people tell it.
        "part": parent_of(label),
        "fine": known is not None,
        "leukocyte": is_leukocyte(label),
    }


def _has_drawn(cells: Sequence[ReviewCell]) -> bool:
    return any(cell.place is None for cell in cells)


def row(
    cell: ReviewCell, remarks: list[dict[str, str]], reviews: bool, drawn: WbcCall | None
) -> dict[str, object]:
    """``drawn``: what the model proposes for a cell that a reader drew."""
    call, given = cell.call, cell.answer
    # To those who review, what was pre-classified is a proposal, which Enter confirms.
    proposal = reviews and cell.is_preclassified
    readers = [one for one in (cell.first, cell.second) if one is not None]
    names = {one.reader: one.reader_name for one in readers}
    if proposal and given is not None:
        readers, names = [given], {given.reader: f"Pre-classified by {given.reader_name}"}
    return {
        "id": cell.id,
        "field": str(cell.picture_id),
        "box": [round(v, 1) for v in cell.box_xyxy_px],
        "machine": call.label if call else None,
        "percent": percent(call.probability) if call else None,
        "drawn": {"label": drawn.label, "percent": percent(drawn.probability)} if drawn else None,
        "set": list(call.could_be) if call else [],
        "stage": call.stage if call else "",
        "doubt": judgement.call_is_doubtful(call or drawn) or cell.novel or cell.differs,
        "novel": cell.novel,
        "critical": judgement.call_is_critical(call or drawn) or (proposal and cell.is_critical),
        "blind": cell.blind,
        "proposed": cell.label if proposal else drawn.label if drawn else None,
        "answer": None if proposal else cell.label,
        "revision": given.revision if given else 0,
        "remarks": remarks,
        "readers": [
            {"reader": names[one.reader], "label": one.label}
            for one in readers
            if one.label is not None
        ],
    }


def _sent(name: str) -> Any:
    return (st.session_state.get(_KEY) or {}).get(name)


def _remarked() -> None:
    sent = _sent("remark")
    case_id = st.session_state.get("review_case_open")
    if sent and case_id is not None:
        try:
            who = signed_in.person()
            cell = sent["cell"]
            remark(
                review_store(),
                who,
                case_id,
                str(sent["text"]),
                cell_id=None if cell is None else int(cell),
            )
        except (NotAllowed, CaseRefused) as refusal:
            _say(f"The comment was not saved: {refusal}.")


def _seen() -> None:
    """Save that something is seen in a cell or a field, or is not there after all."""
    sent = _sent("seen")
    case_id = st.session_state.get("review_case_open")
    if not sent or case_id is None:
        return
    cell = sent["cell"]
    try:
        abnormalities.mark(
            review_store(),
            signed_in.person(),
            case_id,
            str(sent["term"]),
            picture_id=int(sent["field"]),
            cell_id=None if cell is None else int(cell),
            present=bool(sent["present"]),
        )
    except (NotAllowed, CaseRefused) as refusal:
        _say(f"Not saved: {refusal}.")


def _rest() -> None:
    """The reader rests: what stands under the desk is drawn anew, with what others saved."""


def _why() -> None:
    sent = _sent("why")
    if sent:
        st.session_state[why.OPENED] = int(sent["cell"])


def _undo() -> None:
    case_id = st.session_state.get("review_case_open")
    if not _sent("undo") or case_id is None:
        return
    try:
        entry = undo.undo(review_store(), signed_in.person(), case_id)
        _say("Nothing to take back." if entry is None else f"Taken back: {entry.detail}.")
    except (NotAllowed, CaseRefused, StaleEdit) as refusal:
        _say(f"Not taken back: {refusal}.")


def _say(words: str) -> None:
    before = st.session_state.get("review_said") or {"number": 0}
    st.session_state["review_said"] = {"number": before["number"] + 1, "words": words}
