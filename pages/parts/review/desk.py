"""The review desk: the own component that answers each key in the browser, and what Python does
with the answers.

The pictures travel once, in a part of their own (the sheet). What is shown as saved was
acknowledged here, after the transaction with its entry in the ledger.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.records import WbcCall
from core.review.case.cases import Case, CasePicture, case_pictures_of
from core.review.reading import abnormalities, answers, undo
from core.review.reading.answers import NewAnswer
from core.review.reading.canned_comments import canned_comments
from core.review.reading.cells import ReviewCell
from core.review.reading.cells import cells as cells_of
from core.review.reading.remarks import Remark, remark
from core.review.reading.sheet import Sheet, sheet
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.review_store import ReviewStore, review_store
from core.settings import settings
from core.slide import judgement
from core.slide.abnormality import ABNORMALITIES
from core.slide.calibration import CALIBRATIONS, read_calibrations
from core.store.database import DatabaseRefused
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
from pages.parts.picture import in_page
from pages.parts.review import why
from pages.parts.review.boxes.drawn import drawn_calls
from pages.parts.wording import percent

_FOLDER: Final = Path(__file__).parent / "desk_assets"
_KEY: Final = "review_desk"


def _read(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


_desk = st.components.v2.component(
    "hemadesk_review_desk",
    html=_read("desk.html"),
    css=_read("desk.css"),
    js=_read(
        "desk.js", "saving.js", "keys.js", "film.js", "wall.js", "look.js", "seen.js", "cell.js"
    ),
)
_sheet = st.components.v2.component("hemadesk_review_sheet", js=_read("sheet.js"))


@st.cache_data(show_spinner="Cutting out the cells", max_entries=6)
def _pictures(
    key: str,  # which cells and boxes; the rest is looked up by it and not compared
    _desk_of: ReviewStore,
    _who: Person,
    _fields: Sequence[CasePicture],
    _cells: Sequence[ReviewCell],
) -> Sheet:
    try:
        calibrations = read_calibrations(settings().var / CALIBRATIONS)
    except ValueError:
        calibrations = ()  # the page Settings says what is wrong; the red cells give a scale
    return sheet(_desk_of, _who, _fields, _cells, calibrations)


def sheet_key(case: Case, cells: Sequence[ReviewCell]) -> str:
    """Changes when a cell comes, goes or moves, and with nothing else."""
    boxes = tuple(sorted((cell.id, *cell.box_xyxy_px) for cell in cells))
    return f"case-{case.id}-{hash(boxes):x}"


def draw_sheet(
    who: Person, case: Case, fields: Sequence[CasePicture], cells: Sequence[ReviewCell]
) -> None:
    """Send the pictures; outside the fragment, so that no key sends them again."""
    key = sheet_key(case, cells)
    pictures = _pictures(key, review_store(), who, fields, cells)
    _sheet(
        key="review_sheet",
        data={
            "key": key,
            "cells": {str(number): in_page(data) for number, data in pictures.cells.items()},
            "um": {str(number): round(um, 2) for number, um in pictures.um.items()},
            "fields": {
                str(field.id): {
                    "source": in_page(pictures.fields[field.id]),
                    "name": field.name,
                    "width": field.width,
                    "height": field.height,
                    "scale": pictures.scales.get(field.id, ""),
                }
                for field in fields
                if field.id in pictures.fields
            },
        },
        height=1,
    )
    for reason in pictures.lost:
        st.error(f"A picture of this case cannot be shown. {reason}.", icon=":material/error:")


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
            "classes": [_class(label) for label in _labels(cells)],
            "cells": [
                _row(cell, said[cell.id], may(who, "review"), drawn.get(cell.id)) for cell in cells
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
            "ack": st.session_state.get("review_ack"),
            "jump": st.session_state.get("review_jump"),
            "said": st.session_state.get("review_said"),
        },
        on_batch_change=_received,
        on_remark_change=_remarked,
        on_undo_change=_undo,
        on_seen_change=_seen,
        on_why_change=_why,
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


def _row(
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


def _received() -> None:
    """Save what the browser sent; what could not be saved is said, with both sides."""
    batch = _sent("batch")
    case_id = st.session_state.get("review_case_open")
    if not batch or case_id is None:
        return
    st.session_state["review_ack"] = {"batch": batch["batch"], **_save(case_id, batch["ops"])}


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
        return {"error": f"Not saved: {refusal}.", "conflicts": []}
    except (DatabaseRefused, SQLAlchemyError):
        why = "Not saved: the database does not answer. Your answers wait in this window."
        return {"error": why, "conflicts": []}
    labels = {int(op["cell"]): op["label"] for op in ops}
    return {"error": "", "conflicts": [_told(conflict, labels) for conflict in stale]}


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
