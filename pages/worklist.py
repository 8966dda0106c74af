"""Worklist: every case, the most urgent first; who has it, how far it is, how long it waits."""

from contextlib import suppress
from typing import Final

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import cases, worklist
from core.review.case.worklist import OPEN_STATES, Order, WorklistRow
from core.review.record.errors import CaseRefused
from core.review.record.readings import FIRST
from core.review.record.review_store import review_store
from core.slide.judgement import PRIORITIES
from core.store.database import DatabaseRefused, Unavailable
from pages.parts import pressed, signed_in
from pages.parts.wording import plain
from pages.parts.worklist import cells_to_see, order_list, release_rule, turnaround
from pages.parts.worklist.case_row import WIDTHS, case_row

_ROW = (sum(WIDTHS), 2.2)
_SHOWN = 25
_CASES, _LABEL, _LOOK = "Cases", "To label next", "Worth a second look"
_TIMES, _RULE = "Turnaround", "Release rule"
_WHICH = {"Open": OPEN_STATES, "Signed": ("signed", "amended"), "Cancelled": OPEN_STATES}
_ORDERS: dict[str, Order] = {
    "priority": "priority",
    "case": "accession",
    "received": "received",
    "findings": "found",
    "reviewed": "reviewed",
    "with": "holder",
    "signed by": "signed_by",
    "signed on": "signed_at",
}


def _filters(who: Person) -> list[WorklistRow]:
    search, which, urgent, mine = st.columns([3.8, 3.1, 4.6, 2.6], vertical_alignment="bottom")
    text = search.text_input(
        "Search",
        placeholder="Accession number, pseudonym or indication",
        key="work_search",
        label_visibility="collapsed",
        on_change=_scanned,
    )
    states = which.segmented_control(
        "Cases", list(_WHICH), default="Open", required=True, key="work_states",
        label_visibility="collapsed",
    )  # fmt: skip
    chosen = urgent.pills(
        "Priority",
        PRIORITIES,
        selection_mode="multi",
        key="work_priorities",
        label_visibility="collapsed",
        format_func=lambda name: {"doubt": "check"}.get(name, name),
    )
    own = mine.segmented_control(
        "Whose", ["All", "Mine", "Free"], default="All", required=True, key="work_mine",
        label_visibility="collapsed",
    )  # fmt: skip
    by, turn, _, orders = st.columns([2.4, 1.8, 6.6, 2.4], vertical_alignment="center")
    if may(who, "upload"):
        with orders:
            order_list.draw()
    order = by.selectbox(
        "Sort by", list(_ORDERS), key="work_order", label_visibility="collapsed",
        format_func=lambda name: f"Sorted by {name}",
    )  # fmt: skip
    backwards = turn.checkbox("Last first", key="work_backwards")
    return worklist.worklist(
        review_store(),
        who,
        search=text,
        states=_WHICH[states or "Open"],
        priorities=chosen or PRIORITIES,
        assigned_to=who.subject if own == "Mine" else None,
        unassigned=own == "Free",
        cancelled=states == "Cancelled",
        order=_ORDERS[order or "priority"],
        descending=bool(backwards),
    )


def _scanned() -> None:
    """A whole accession number, as a scanner types it, opens its case."""
    text = (st.session_state.get("work_search") or "").strip()
    if not text:
        return
    try:
        case = cases.find_accession(review_store(), signed_in.person(), text)
    except (NotAllowed, DatabaseRefused):
        return
    if case is not None:
        st.session_state["work_search"] = ""
        _open(case.id, False)


_HEADS: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (("Priority", "priority"),),
    (("Case", "case"), ("received", "received")),
    (("Findings", "findings"),),
    (("Reviewed", "reviewed"),),
    (("With", "with"), ("signed", "signed on")),
)
"""Words of each column's head, and the order that a click on them gives."""


def _head() -> None:
    """The heads; a click sorts by one, a second click the other way round."""
    state = st.session_state
    heads, _ = st.columns(_ROW, gap="small")
    for column, names in zip(heads.columns(WIDTHS, gap="small"), _HEADS, strict=True):
        with column.container(horizontal=True, gap="xsmall"):
            for words, order in names:
                here = state.get("work_order", "priority") == order
                mark = "" if not here else " ↑" if state.get("work_backwards") else " ↓"
                st.button(
                    f"{words}{mark}", key=f"sort_{order}", type="tertiary",
                    help=f"Sort by {order}", on_click=_sort, args=(order,),
                )  # fmt: skip


def _sort(order: str) -> None:
    state = st.session_state
    same = state.get("work_order", "priority") == order
    state["work_backwards"] = bool(same and not state.get("work_backwards"))
    state["work_order"] = order


def _row(row: WorklistRow, who: Person) -> None:
    about, act = st.columns(_ROW, gap="small", vertical_alignment="center")
    about.html(case_row(row, who))
    mine = row.case.assigned_to == who.subject
    # A container only where there are two buttons: each element is one more for every row.
    side_by_side = act.container(horizontal=True, gap="xsmall") if mine else act
    with side_by_side:
        _actions(row, who)


def _actions(row: WorklistRow, who: Person) -> None:
    case = row.case
    reads = may(who, "review") and not case.is_closed and not case.is_cancelled
    helps = may(who, "preclassify") and case.reading == FIRST
    words = "Review" if reads else "Open"
    if helps and not (reads or case.is_closed or case.is_cancelled):
        words = "Pre-classify"
    st.button(
        words,
        key=f"open_{case.id}",
        type="secondary" if words == "Open" else "primary",
        on_click=_open,
        args=(case.id, reads and case.assigned_to is None),
    )
    if case.assigned_to == who.subject:
        st.button(
            "Give back",
            key=f"back_{case.id}",
            type="tertiary",
            on_click=_give_back,
            args=(case.id,),
        )


def _open(case_id: int, take: bool) -> None:
    if take:
        # Somebody else may have been quicker: the page Review says who has it.
        with suppress(NotAllowed, CaseRefused, DatabaseRefused):
            worklist.take(review_store(), signed_in.person(), case_id)
    st.session_state["review_case"] = case_id
    st.session_state.pop("review_opened_at_cell", None)
    pressed.keep(cells_to_see.OPEN_REVIEW)


def _give_back(case_id: int) -> None:
    try:
        worklist.give_back(review_store(), signed_in.person(), case_id)
    except (NotAllowed, CaseRefused, DatabaseRefused) as refusal:
        st.session_state["work_notice"] = str(refusal)


def _empty(who: Person) -> None:
    state = st.session_state
    if state.get("work_search") or state.get("work_priorities") or state.get("work_mine") != "All":
        st.info("No case is like this. Take a filter away to see more.")
        return
    if state.get("work_states") == "Cancelled":
        st.info("No case is cancelled.")
        return
    if state.get("work_states") == "Signed":
        st.info("No case has been signed yet.")
        return
    st.info(
        "No case is waiting. Cases come here when somebody analyses the fields of a smear and "
        "keeps them with an accession number."
    )
    if may(who, "analyse"):
        st.page_link("pages/analyse_smear.py", label="Analyse a smear", icon=":material/biotech:")


def _view(who: Person) -> str:
    """The title with what is listed under it; draws the lists of cells, the cases are left."""
    views = [_CASES]
    views += [_LABEL] if may(who, "review") else []
    views += [_LOOK] if may(who, "review") or may(who, "train") else []
    views += [_TIMES] if may(who, "review") else []
    views += [_RULE] if may(who, "sign") else []
    head, choice = st.columns([3, 5], vertical_alignment="center")
    head.title("Worklist", anchor=False)
    view = _CASES
    if len(views) > 1:
        with choice.container(horizontal=True, horizontal_alignment="right"):
            view = st.segmented_control(
                "What is listed", views, default=_CASES, required=True, key="work_view",
                label_visibility="collapsed",
            ) or _CASES  # fmt: skip
    try:
        if view == _LABEL:
            cells_to_see.draw_queue(who)
        elif view == _LOOK:
            cells_to_see.draw_suspects(who)
        elif view == _TIMES:
            turnaround.draw(who)
        elif view == _RULE:
            release_rule.draw(who)
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Cases cannot be read: {plain(str(refusal))}.", icon=":material/error:")
    return view


def main() -> None:
    """Draw the screen."""
    who = signed_in.allowed("read")
    cells_to_see.go_to_review()
    if _view(who) != _CASES:
        return
    notice = st.session_state.pop("work_notice", None)
    if notice:
        st.warning(plain(notice))
    try:
        rows = _filters(who)
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Cases cannot be read: {plain(str(refusal))}.", icon=":material/error:")
        return
    if not rows:
        _empty(who)
        return
    page = 1
    if len(rows) > _SHOWN:
        page = st.pagination(-(-len(rows) // _SHOWN), key="work_page")
    _head()
    for row in rows[(page - 1) * _SHOWN : page * _SHOWN]:
        _row(row, who)


main()
