"""What a reviewer does with boxes: draw one, move, take away, change the kind."""

from collections.abc import Callable

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed
from core.records import Box
from core.review.case.cases import Case, CasePicture
from core.review.reading import abnormalities, answers, boxes
from core.review.reading.answers import NewAnswer
from core.review.reading.cells import ReviewCell
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.review_store import review_store
from core.slide.abnormality import ABNORMALITIES
from core.taxonomy import KINDS, CellKind, title
from pages.parts import signed_in
from pages.parts.review.adjudicate import NOTICE, ONE
from pages.parts.review.boxes.drawn import drawn_calls
from pages.parts.wording import percent

PICK, DRAW = "Pick a cell", "Draw a box"


def draw(
    who: Person, case: Case, picture: CasePicture, here: list[ReviewCell], closed: str
) -> None:
    """The tools for one field; nothing but why where it is closed."""
    if closed:
        st.caption(f"Nothing can be changed: {closed}.")
        return
    st.segmented_control(
        "What a drag does",
        [PICK, DRAW],
        default=PICK,
        required=True,
        key="review_mode",
        label_visibility="collapsed",
    )
    chosen = next((c for c in here if c.id == st.session_state.get("review_box")), None)
    drawn: Box | None = st.session_state.get("review_drawn")
    if st.session_state.get("review_mode") == DRAW:
        _draw_tools(case, picture, chosen, drawn)
    elif chosen is not None:
        _cell_tools(case, chosen)
    else:
        st.caption("Click a cell in the picture, or choose it here.")
    if chosen is not None and chosen.kind == "wbc":
        _proposal(who, case, picture, chosen)
    _choose(here)
    _places(who, case, picture)


def _proposal(who: Person, case: Case, picture: CasePicture, cell: ReviewCell) -> None:
    """What the model calls a white cell that a reader drew, at once; Enter accepts it."""
    call = drawn_calls(who, [picture], [cell]).get(cell.id)
    if call is None or cell.label is not None:
        return
    st.markdown(f"Model: **{title(call.label)}**, {percent(call.probability)}")
    st.button(
        f"Accept {title(call.label).lower()}",
        key=f"accept_{cell.id}",
        on_click=do,
        args=(
            lambda who: answers.answer(
                review_store(),
                who,
                case.id,
                [NewAnswer(cell.id, call.label, cell.answer.revision if cell.answer else 0)],
            ),
        ),
    )


def _places(who: Person, case: Case, picture: CasePicture) -> None:
    """What was seen in this field with its place; each can be taken back."""
    for one in abnormalities.seen_of(review_store(), who, case.id):
        if one.picture_id != picture.id or one.cell_id is not None:
            continue
        box = one.box_xyxy_px
        where = "in this field" if box is None else f"at {box[0]:.0f}, {box[1]:.0f}"
        st.button(
            f"{one.title} {where}: not there",
            key=f"unseen_{one.term}_{box}",
            type="tertiary",
            icon=":material/close:",
            on_click=_see,
            args=(case, picture, one.term, box, False),
        )


def _see(case: Case, picture: CasePicture, term: str, box: Box | None, present: bool) -> None:
    do(
        lambda who: abnormalities.mark(
            review_store(),
            who,
            case.id,
            term,
            picture_id=picture.id,
            box_xyxy_px=box,
            present=present,
        )
    )


def _choose(here: list[ReviewCell]) -> None:
    numbers = [cell.id for cell in here]
    by_number = {cell.id: cell for cell in here}

    def words(number: int) -> str:
        cell = by_number[number]
        x, y = (cell.box_xyxy_px[0], cell.box_xyxy_px[1])
        gone = ", taken away" if cell.deleted else ""
        return f"{ONE[cell.kind]} at {x:.0f}, {y:.0f}{gone}"

    if st.session_state.get("review_box") not in by_number:
        st.session_state["review_box"] = None
    st.selectbox("Cell", numbers, format_func=words, key="review_box", placeholder="no cell chosen")


def _draw_tools(
    case: Case, picture: CasePicture, chosen: ReviewCell | None, drawn: Box | None
) -> None:
    if drawn is None:
        st.caption("Drag a rectangle round a cell in the picture.")
        return
    x0, y0, x1, y1 = drawn
    st.markdown(f"A box of {x1 - x0:.0f} x {y1 - y0:.0f} px. What is it?")
    with st.container(horizontal=True, gap="small"):
        for kind in KINDS:
            st.button(
                f"Add {ONE[kind]}",
                key=f"add_{kind}",
                on_click=do,
                args=(
                    lambda who, kind=kind: boxes.add_box(
                        review_store(), who, case.id, picture.id, kind, drawn
                    ),
                ),
            )
        if chosen is not None and not chosen.deleted:
            st.button(
                f"Move the chosen {ONE[chosen.kind]} here",
                key="move_box",
                on_click=_change,
                args=(case, chosen),
                kwargs={"box_xyxy_px": drawn},
            )
    st.markdown("Or a finding at this place:")
    with st.container(horizontal=True, gap="small"):
        for one in ABNORMALITIES:
            if one.place == "field":
                st.button(
                    one.title,
                    key=f"see_{one.term}",
                    type="tertiary",
                    on_click=_see,
                    args=(case, picture, one.term, drawn, True),
                )


def _cell_tools(case: Case, cell: ReviewCell) -> None:
    if cell.deleted:
        st.markdown(f"This {ONE[cell.kind]} was taken away.")
        st.button("Bring it back", on_click=_change, args=(case, cell), kwargs={"deleted": False})
        return
    x0, y0, x1, y1 = cell.box_xyxy_px
    st.markdown(f"**{ONE[cell.kind].capitalize()}**, {x1 - x0:.0f} x {y1 - y0:.0f} px")
    with st.container(horizontal=True, gap="small"):
        for kind in KINDS:
            if kind != cell.kind:
                st.button(
                    f"It is a {ONE[kind]}",
                    key=f"kind_{kind}",
                    on_click=_change,
                    args=(case, cell),
                    kwargs={"kind": kind},
                )
        st.button(
            "Take it away",
            key="delete_box",
            icon=":material/delete:",
            on_click=_change,
            args=(case, cell),
            kwargs={"deleted": True},
        )
    with st.form(f"box_{cell.id}_{cell.revision}", border=False):
        sides = st.columns(4)
        names = ("Left", "Top", "Right", "Bottom")
        keys = [f"box_{cell.id}_{cell.revision}_{name}" for name in names]
        for column, name, key, value in zip(sides, names, keys, cell.box_xyxy_px, strict=True):
            column.number_input(
                name, value=round(float(value), 1), step=1.0, format="%.0f", key=key
            )
        st.form_submit_button("Move the box", on_click=_move, args=(case, cell, keys))


def _move(case: Case, cell: ReviewCell, keys: list[str]) -> None:
    left, top, right, bottom = (float(st.session_state[key]) for key in keys)
    _change(case, cell, box_xyxy_px=(left, top, right, bottom))


def _change(
    case: Case,
    cell: ReviewCell,
    *,
    box_xyxy_px: Box | None = None,
    kind: CellKind | None = None,
    deleted: bool | None = None,
) -> None:
    do(
        lambda who: boxes.change_box(
            review_store(),
            who,
            case.id,
            cell.id,
            cell.revision,
            box_xyxy_px=box_xyxy_px,
            kind=kind,
            deleted=deleted,
        ),
    )


def do(change: Callable[[Person], object]) -> None:
    """Make a change, and say on the next drawing what was refused."""
    try:
        made = change(signed_in.person())
    except StaleEdit as stale:
        one = stale.conflicts[0]
        st.session_state[NOTICE] = (
            f"{one.by or 'Somebody else'} changed this cell in the meantime ({one.theirs}); yours "
            f"would have been {one.yours}. Nothing was overwritten: look, and decide again."
        )
        return
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state[NOTICE] = f"Not saved: {refusal}."
        return
    st.session_state.pop("review_drawn", None)
    if isinstance(made, ReviewCell):
        st.session_state["review_box"] = made.id
