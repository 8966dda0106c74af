"""Step 2 of a review: each field with its boxes; add, take away, move, change the kind."""

import streamlit as st

from core.access.people import Person
from core.review.case import cases, lifecycle
from core.review.case.cases import Case, CasePicture
from core.review.reading import abnormalities, box_confirmations, remarks
from core.review.reading.cells import ReviewCell, cells
from core.review.reading.sheet import field_view as view_of
from core.review.record.errors import PictureLost
from core.review.record.readings import SETTLING
from core.review.record.review_store import review_store
from core.review.signature import verified
from core.slide import judgement
from core.taxonomy import KINDS
from pages.parts.kinds import STYLES
from pages.parts.review import adjudicate as review_settle
from pages.parts.review import comments
from pages.parts.review.adjudicate import NOTICE
from pages.parts.review.boxes import editor, tools
from pages.parts.wording import plain, several


@st.cache_data(show_spinner=False, max_entries=64)
def _view(sha256: str, _who: Person, _picture: CasePicture) -> bytes:
    return view_of(review_store(), _who, _picture)


def draw(who: Person, case: Case, closed: str) -> None:
    """The fields of the case, one at a time."""
    fields = [p for p in cases.case_pictures_of(review_store(), who, case.id) if p.kind == "field"]
    if not fields:
        st.info("No field has been kept in this case yet. Keep some on the screen Analyse smear.")
        return
    everything = cells(review_store(), who, case.id, kind=None, with_deleted=True)
    number = _chosen_field(fields, everything)
    picture = fields[number]
    here = sorted((c for c in everything if c.picture_id == picture.id), key=lambda cell: cell.id)
    left, right = st.columns([7.2, 4.3], gap="small")
    with left:
        _picture(who, case, picture, [c for c in here if not c.deleted], closed)
    with right:
        _decisions(who, case, picture, closed)
        _counts(everything, here)
        _said()
        if case.reading == SETTLING:
            review_settle.draw(who, case, picture.id, closed)
        tools.draw(who, case, picture, here, closed)
        _remarks(who, case, picture, closed)


def _chosen_field(fields: list[CasePicture], everything: list[ReviewCell]) -> int:
    def words(number: int) -> str:
        found = verified.counts(c for c in everything if c.picture_id == fields[number].id)
        said = f"{found['rbc']} RBC, {found['wbc']} WBC, {found['platelet']} platelets"
        open_ = sum(not c.box_settled for c in everything if c.picture_id == fields[number].id)
        said += f", {several(open_, 'box', 'boxes')} to settle" if open_ else ""
        return f"{number + 1} of {len(fields)}: {fields[number].name}, {said}"

    back, choose, on = st.columns([1, 8, 1], vertical_alignment="bottom")
    state = st.session_state
    state["review_field"] = min(int(state.get("review_field") or 0), len(fields) - 1)
    back.button(
        "Previous", on_click=_step, args=(-1,), width="stretch", disabled=state.review_field == 0
    )
    on.button(
        "Next",
        on_click=_step,
        args=(1,),
        width="stretch",
        disabled=state.review_field == len(fields) - 1,
    )
    return int(
        choose.selectbox(
            "Field",
            range(len(fields)),
            format_func=words,
            key="review_field",
            label_visibility="collapsed",
            on_change=_forget,
        )
    )


def _step(by: int) -> None:
    st.session_state["review_field"] += by
    _forget()


def _forget() -> None:
    for name in ("review_box", "review_drawn"):
        st.session_state.pop(name, None)


def _picture(
    who: Person, case: Case, picture: CasePicture, here: list[ReviewCell], closed: str
) -> None:
    try:
        view = _view(picture.sha256, who, picture)
    except PictureLost as why:
        st.error(f"{plain(picture.name)}: {plain(str(why))}.", icon=":material/error:")
        return
    seen = abnormalities.seen_of(review_store(), who, case.id)
    editor.draw(case, picture, view, here, seen, closed)


def _decisions(who: Person, case: Case, picture: CasePicture, closed: str) -> None:
    """Does this field count, and did somebody confirm its boxes."""
    out = picture.left_out
    if out is not None:
        st.warning(f"Left out ({judgement.left_out_words(out.code)}): {plain(out.reason)}")
    names = box_confirmations.confirmed_by(review_store(), who, case.id).get(picture.id, ())
    by = f" (by {', '.join(plain(name) for name in names)})" if names else ""
    with st.container(horizontal=True, gap="medium"):
        key = f"included_{picture.id}_{out is None}"
        st.checkbox(
            "This field counts",
            value=out is None,
            key=key,
            disabled=bool(closed),
            on_change=lambda: tools.do(
                lambda person: lifecycle.include_field(
                    review_store(), person, case.id, picture.id, st.session_state[key]
                )
            ),
        )
        if out is not None and picture.included is None and not closed:
            # The program's decision is confirmed, and its critical cells alarm no more.
            st.button(
                "Rightly left out",
                key=f"left_out_{picture.id}",
                type="tertiary",
                on_click=lambda: tools.do(
                    lambda person: lifecycle.include_field(
                        review_store(), person, case.id, picture.id, False
                    )
                ),
            )
        confirm = f"confirmed_{picture.id}_{bool(names)}"
        st.checkbox(
            f"Boxes confirmed{by}",
            value=bool(names),
            key=confirm,
            disabled=bool(closed) or out is not None,
            help="Every box was looked at and is right, and none is missing.",
            on_change=lambda: tools.do(
                lambda person: box_confirmations.confirm_boxes(
                    review_store(), person, case.id, picture.id, st.session_state[confirm]
                )
            ),
        )


def _counts(everything: list[ReviewCell], here: list[ReviewCell]) -> None:
    field, case = verified.counts(here), verified.counts(everything)
    for column, kind in zip(st.columns(3), KINDS, strict=True):
        column.metric(f"{STYLES[kind].title} here", field[kind], border=False)
        column.caption(f"{case[kind]:,} in the case")


def _said() -> None:
    notice = st.session_state.pop(NOTICE, None)
    if notice:
        st.warning(plain(notice))


def _remarks(who: Person, case: Case, picture: CasePicture, closed: str) -> None:
    said = [
        one
        for one in remarks.remarks_of(review_store(), who, case.id)
        if one.picture_id == picture.id and one.cell_id is None
    ]
    comments.draw(who, case, said, closed)
    if closed:
        return
    key = f"field_remark_{picture.id}_{len(said)}"
    st.text_input(
        "Comment on this field",
        key=key,
        placeholder="Comment on this field",
        label_visibility="collapsed",
        max_chars=remarks.LONGEST,
        on_change=lambda: _remark(case, picture, key),
    )


def _remark(case: Case, picture: CasePicture, key: str) -> None:
    text = st.session_state[key]
    if text.strip():
        tools.do(
            lambda who: remarks.remark(review_store(), who, case.id, text, picture_id=picture.id)
        )
