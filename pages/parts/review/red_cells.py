"""Step 3 of a review: red-cell morphology by ICSH terms, and the platelets."""

from typing import Final, Literal

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed
from core.review.case import cases
from core.review.case.cases import Case
from core.review.reading import grades
from core.review.reading.cells import cells
from core.review.reading.grades import (
    GRADES,
    PLATELET_WORDS,
    PLATELETS,
    TERMS,
    AgainstCount,
    Grade,
)
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.review_store import review_store
from core.review.signature import verified
from pages.parts import signed_in
from pages.parts.review.shapes.proposals import Proposals
from pages.parts.wording import plain, several

_COLUMNS: Final = 3
_GRADE_WORDS: Final = {0: "0", 1: "1", 2: "2", 3: "3"}


def draw(who: Person, case: Case, closed: str) -> None:
    """Every term with its grade; saved with each press."""
    given = grades.grades_of(review_store(), who, case.id)
    graded = sum(one.grade is not None for term, one in given.items() if term in TERMS)
    proposals = Proposals(who, case)
    head, act = st.columns([7, 3], vertical_alignment="center")
    head.markdown(
        f"**Red-cell morphology**, over all fields: {graded} of {len(TERMS)} terms graded.  \n"
        ":small[0 normal, 1 few, 2 moderate, 3 many (ICSH 2015). Grade 1 is reported for "
        "schistocytes only; for the others it means fewer than grade 2.]"
    )
    if closed:
        act.caption(f"Nothing can be changed: {closed}.")
    else:
        act.button(
            "Grade the rest as normal",
            key="all_normal",
            icon=":material/done_all:",
            width="stretch",
            on_click=_all_normal,
            args=(case.id, proposals.abnormal),
            help="Terms for which the program proposes a grade stay open: give them one each."
            if proposals.abnormal
            else None,
        )
    notice = st.session_state.pop("review_grades_notice", None)
    if notice:
        st.warning(plain(notice))
    proposals.draw_head(closed)
    _differences(who, case, given, closed)
    _platelets(who, case, given.get(PLATELETS), closed)
    columns = st.columns(_COLUMNS, gap="medium")
    # A proposal stands close to the term it belongs to.
    gap: Literal["xsmall", "small"] = "xsmall" if proposals.are_there else "small"
    rows = -(-len(TERMS) // _COLUMNS)
    for place, term in enumerate(TERMS):
        with columns[place // rows].container(gap=gap):
            _term(case, term, given.get(term), closed)
            proposals.draw_at(term, given.get(term), closed, _save)


def _differences(who: Person, case: Case, given: dict[str, Grade], closed: str) -> None:
    """Terms in which the two readers differ: what each gave, and what was settled."""
    for one in grades.differences(review_store(), who, case.id):
        now = given.get(one.term)
        words = [
            f"{plain(grade.reader_name)}: {_value(grade)}"
            if grade
            else f"{name} reader: not graded"
            for name, grade in (("First", one.first), ("Second", one.second))
        ]
        settled = f" Settled: {_value(one.settled)}." if one.settled and not one.is_open else ""
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f":orange-badge[check] **{_words(one.term)}** the readers differ. "
                f"{'; '.join(words)}.{settled}"
            )
            if closed or not one.is_open:
                continue
            for whose, grade in (("First", one.first), ("Second", one.second)):
                if grade is not None:
                    st.button(
                        f"{whose} is right",
                        key=f"settle_grade_{whose}_{one.term}",
                        on_click=_settle,
                        args=(case.id, one.term, grade, now.revision if now else 0),
                    )


def _value(grade: Grade) -> str:
    if grade.words is not None:
        return grade.words.replace("_", " ")
    return "not graded" if grade.grade is None else GRADES[grade.grade]


def _settle(case_id: int, term: str, grade: Grade, revision: int) -> None:
    value = grade.words if grade.words is not None else grade.grade
    _save(case_id, term, value, revision, against_count=True)


def _term(case: Case, term: str, given: Grade | None, closed: str) -> None:
    name, choice = st.columns([5, 5], vertical_alignment="center", gap="xsmall")
    moderate, many = TERMS[term]
    name.markdown(
        _words(term), help=f"Grade 2: {moderate} of red cells; grade 3: {many}", width="content"
    )
    key = f"grade_{case.id}_{term}_{given.revision if given else 0}_{given.grade if given else ''}"
    with choice:
        st.segmented_control(
            _words(term),
            list(GRADES),
            format_func=_GRADE_WORDS.__getitem__,
            default=given.grade if given else None,
            key=key,
            label_visibility="collapsed",
            disabled=bool(closed),
            on_change=_graded,
            args=(case.id, term, key, given.revision if given else 0),
        )


def _platelets(who: Person, case: Case, given: Grade | None, closed: str) -> None:
    fields = [p for p in cases.case_pictures_of(review_store(), who, case.id) if p.kind == "field"]
    fields = [p for p in fields if p.left_out is None]
    found = verified.counts(cells(review_store(), who, case.id, kind=None))["platelet"]
    mean = f"{found / len(fields):.1f} per field" if fields else "not determined"
    name, choice = st.columns([3, 7], vertical_alignment="center")
    name.markdown(f"**Platelets** {mean}  \n:small[{found} in {several(len(fields), 'field')}]")
    key = f"grade_{case.id}_platelets_{given.revision if given else 0}"
    with choice:
        st.segmented_control(
            "Platelet estimate",
            PLATELET_WORDS,
            format_func=lambda word: word.replace("_", " "),
            default=given.words if given else None,
            key=key,
            label_visibility="collapsed",
            disabled=bool(closed),
            on_change=_graded,
            args=(case.id, PLATELETS, key, given.revision if given else 0),
        )
    asked = st.session_state.get("review_against_count")
    if asked and asked[0] == case.id and not closed:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":orange-badge[check] {plain(asked[1][0].upper() + asked[1][1:])}.")
            st.button("It is right all the same", key="against_count", on_click=_insist)
            st.button("Choose another", key="against_count_not", on_click=_let_go)


def _words(term: str) -> str:
    return term.replace("_", " ").capitalize().replace("Howell jolly", "Howell-Jolly")


def _graded(case_id: int, term: str, key: str, revision: int) -> None:
    _save(case_id, term, st.session_state[key], revision)
    if "review_against_count" in st.session_state:
        # What was not saved must not stay chosen.
        st.session_state.pop(key, None)


def _insist() -> None:
    case_id, _, value, revision = st.session_state.pop("review_against_count")
    _save(case_id, PLATELETS, value, revision, against_count=True)


def _let_go() -> None:
    st.session_state.pop("review_against_count", None)


def _save(
    case_id: int, term: str, value: int | str | None, revision: int, *, against_count: bool = False
) -> None:
    try:
        grades.grade(
            review_store(),
            signed_in.person(),
            case_id,
            term,
            value,
            revision,
            against_count=against_count,
        )
    except AgainstCount as question:
        st.session_state["review_against_count"] = (case_id, str(question), value, revision)
    except StaleEdit as stale:
        one = stale.conflicts[0]
        st.session_state["review_grades_notice"] = (
            f"{one.by or 'Somebody else'} graded {_words(term).lower()} {one.theirs} in the "
            f"meantime; yours was {one.yours}. Nothing was overwritten."
        )
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state["review_grades_notice"] = f"Not saved: {refusal}."


def _all_normal(case_id: int, leave: tuple[str, ...]) -> None:
    try:
        grades.all_as_normal(review_store(), signed_in.person(), case_id, leave)
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state["review_grades_notice"] = f"Not saved: {refusal}."
