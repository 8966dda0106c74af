"""Review: one case from its cells to its signature."""

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import cases, worklist
from core.review.case.cases import Case
from core.review.record import readings
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused, Unavailable
from pages.parts import signed_in
from pages.parts.review import (
    case_life,
    case_words,
)
from pages.parts.review import (
    cells as review_cells,
)
from pages.parts.review import (
    fields as review_fields,
)
from pages.parts.review import (
    red_cells as review_red_cells,
)
from pages.parts.review import (
    sign as review_sign,
)
from pages.parts.wording import plain, several

_STEPS = {
    "1 Cells": review_cells.draw,
    "2 Fields": review_fields.draw,
    "3 Red cells and platelets": review_red_cells.draw,
    "4 Sign": review_sign.draw,
}


def _chosen(who: Person) -> Case | None:
    """The case of the address, or the one opened last."""
    requested = st.query_params.get("case") or st.session_state.get("review_case")
    if requested is None:
        return None
    try:
        number = int(requested)
        if not 0 < number < 2**63:  # more than a database's number holds
            raise ValueError(requested)
        case = cases.get(review_store(), who, number)
    except Unavailable:
        raise
    except (CaseRefused, ValueError, OverflowError):
        st.warning(f"There is no case {plain(str(requested)[:40])}.", icon=":material/warning:")
        return None
    st.session_state["review_case"] = case.id
    st.query_params["case"] = str(case.id)
    _go_to_linked_cell(case)
    return case


def _go_to_linked_cell(case: Case) -> None:
    """``/review?case=7&cell=41`` is a link to one cell, for a colleague; followed once."""
    asked = st.query_params.get("cell", "")
    if not asked.isdecimal() or st.session_state.get("review_linked") == (case.id, asked):
        return
    st.session_state["review_linked"] = (case.id, asked)
    before = st.session_state.get("review_jump") or {"number": 0}
    st.session_state["review_jump"] = {"number": before["number"] + 1, "cell": int(asked[:18])}
    st.session_state["review_opened_at_cell"] = case.id


def _empty(who: Person) -> None:
    st.title("Review", anchor=False)
    rows = worklist.worklist(review_store(), who, limit=5)
    if rows:
        st.markdown("Choose a case. These are the most urgent.")
        for row in rows:
            left = several(row.white_cells - row.reviewed, "cell")
            label = f"{row.case.accession}, {left} to review"
            st.button(label, key=f"choose_{row.case.id}", on_click=_choose, args=(row.case.id,))
        return
    st.info(
        "Here the cells of a case are looked at, corrected and signed. No case is open: analyse "
        "the fields of a smear and keep them in a case first."
    )
    st.page_link("pages/worklist.py", label="Worklist", icon=":material/checklist:")


def _choose(case_id: int) -> None:
    st.session_state["review_case"] = case_id


def _head(case: Case, who: Person) -> str:
    head = st.container(key="review_head")
    title, steps = head.columns([4, 7], vertical_alignment="center")
    version = f", version {case.version}" if case.version > 1 else ""
    about = case_words.patient(case) + (f" · {plain(case.indication)}" if case.indication else "")
    with title.container(gap="xxsmall"):
        badges = case_words.state_badge(case)
        laboratory = cases.laboratory(review_store(), who, case.id)
        if laboratory.is_foreign:
            badges += f" :orange-badge[{laboratory.class_mark}]"
        st.subheader(
            f"Case {plain(case.accession)}{version} {badges}",
            anchor=False,
            help=laboratory.sentence() if laboratory.is_foreign else None,
        )
        st.caption(about)
    with steps.container(horizontal=True, horizontal_alignment="right"):
        at_cell = st.session_state.get("review_opened_at_cell") == case.id
        step = st.segmented_control(
            "Steps",
            list(_STEPS),
            default="4 Sign" if case.is_closed and not at_cell else "1 Cells",
            required=True,
            key=f"step_{case.id}",
            label_visibility="collapsed",
        )
    return step or "1 Cells"


def _held(case: Case, who: Person) -> None:
    if case.is_closed or not may(who, "review") or case.assigned_to in (None, who.subject):
        return
    left, act = st.columns([5, 1], vertical_alignment="center")
    left.info(
        f"{case_words.holder(case, who)} has this case. What both of you save is kept apart: "
        "whoever saves second is told."
    )
    act.button("Take it over", key="take_over", on_click=_take_over, args=(case.id,))


def _take_over(case_id: int) -> None:
    try:
        worklist.take(review_store(), signed_in.person(), case_id, over=True)
    except (NotAllowed, CaseRefused, DatabaseRefused) as refusal:
        st.session_state["review_notice"] = str(refusal)


def _closed(case: Case, who: Person, step: str) -> str:
    """Why nothing may be changed now; empty if it may."""
    if case.is_cancelled:
        return "cancelled: open it again to change something"
    if case.is_closed:
        return "signed: amend it to change something"
    if not may(who, "review"):
        if step == "1 Cells" and may(who, "preclassify") and case.reading == readings.FIRST:
            return ""
        return "you may look, not change"
    if not readings.may_write(review_store(), case, who):
        return "with the second reader"
    return ""


def main() -> None:
    """Draw the screen."""
    who = signed_in.allowed("read")
    try:
        case = _chosen(who)
        if case is None:
            _empty(who)
            return
        step = _head(case, who)
        notice = st.session_state.pop("review_notice", None)
        if notice:
            st.warning(plain(notice))
        _held(case, who)
        case_life.draw(who, case)
        _STEPS[step](who, case, _closed(case, who, step))
    except Unavailable:
        raise  # the navigation says so, and waits
    except CaseRefused as refusal:  # a cancelled case has nothing to sign
        st.info(f"{plain(str(refusal))}.", icon=":material/info:")
    except DatabaseRefused as refusal:
        st.error(f"Cases cannot be read: {plain(str(refusal))}.", icon=":material/error:")


main()
