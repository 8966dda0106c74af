"""Above a case: who can take it on, and what becomes of it besides its readings."""

from collections.abc import Callable

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import cases, lifecycle, states, worklist
from core.review.case.cases import SEXES, Case
from core.review.reading import halves
from core.review.record import roster
from core.review.record.errors import CaseRefused, LooksLikeIdentity, StaleEdit
from core.review.record.readings import FIRST
from core.review.record.review_store import review_store
from pages.parts import acceptance_mark, signed_in
from pages.parts.wording import plain

_ASKED = "case_pseudonym_asked"


def draw(who: Person, case: Case) -> None:
    """One line: where the case stands, who can take it on, and the menu of its life."""
    line, menu = st.columns([6, 1], vertical_alignment="center")
    now = states.situation(review_store(), who, case.id)
    words = " ".join(now.sentences)
    if case.halves and not case.is_closed:
        words = f"Read by two, a half of the cells each. {words}"
    if case.is_cancelled:
        words = f"Cancelled: {plain(case.cancelled_reason or '')}. {plain(words)}"
    # Side by side where both fit: the height belongs to the cells.
    with line.container(horizontal=True, gap="small"):
        st.caption(f"Next: {plain(words)}" if not case.is_cancelled else words)
        acceptance_mark.of_case(who, case)
    can = now.can
    if can & {"change", "cancel", "reopen"}:
        with menu.popover("Case", icon=":material/more_horiz:", width="stretch"):
            if "change" in can:
                _details(who, case)
                _assign(who, case)
                _halves(who, case)
            if "cancel" in can:
                _with_reason("Cancel the case", "cancel", case, lifecycle.cancel)
            if "reopen" in can:
                _with_reason("Open it again", "reopen", case, lifecycle.reopen)


def _details(who: Person, case: Case) -> None:
    key = f"{case.id}_{case.revision}"
    with st.form(f"details_{key}", border=False):
        st.text_input("Accession number", case.accession, max_chars=64, key=f"acc_{key}")
        st.text_input("Pseudonym", case.pseudonym, max_chars=64, key=f"pseudo_{key}")
        st.selectbox(
            "Sex",
            SEXES,
            SEXES.index(case.sex),
            key=f"sex_{key}",
            format_func=str.capitalize,
        )
        st.number_input("Age, years", 0, 130, case.age_years, 1, key=f"age_{key}")
        st.text_input("Indication", case.indication, max_chars=2000, key=f"ind_{key}")
        if st.session_state.get(_ASKED) == case.id:
            st.checkbox("The pseudonym is a code, not a name", key=f"sure_{key}")
        st.form_submit_button("Save details", on_click=_save, args=(case, key))


def _save(case: Case, key: str) -> None:
    given = st.session_state
    given.pop(_ASKED, None)
    try:
        cases.change(
            review_store(),
            signed_in.person(),
            case.id,
            case.revision,
            pseudonym_confirmed=bool(given.get(f"sure_{key}")),
            accession=given[f"acc_{key}"],
            pseudonym=given[f"pseudo_{key}"],
            sex=given[f"sex_{key}"],
            age_years=given[f"age_{key}"],
            indication=given[f"ind_{key}"],
        )
    except LooksLikeIdentity as question:
        given[_ASKED] = case.id
        given["review_notice"] = f"{question}."
    except (NotAllowed, CaseRefused, StaleEdit) as refusal:
        given["review_notice"] = f"Not saved: {refusal}."


def _halves(who: Person, case: Case) -> None:
    """Who reads which cells, as long as that can be decided."""
    if not may(who, "review") or case.reading != FIRST:
        return
    if not case.halves and halves.are_answered(review_store(), who, case.id):
        return
    st.button(
        "Read all cells" if case.halves else "Two readers, a half each",
        key=f"halves_{case.id}_{case.revision}",
        help=(
            "Every reader then reads every cell. Answers that were given stay."
            if case.halves
            else "Each of two readers opens every second white cell only, as CLSI H20 has two "
            "readers of 200 cells each. Decided before the first answer."
        ),
        width="stretch",
        on_click=lambda: _do(
            lambda person: halves.read_in_halves(
                review_store(), person, case.id, wanted=not case.halves
            )
        ),
    )


def _assign(who: Person, case: Case) -> None:
    with review_store().database.read() as connection:
        readers = roster.may_do(connection, "review")
    if not readers:
        return
    by_subject = {reader.subject: reader for reader in readers}
    key = f"assign_{case.id}_{case.revision}"
    st.selectbox(
        "Give it to",
        list(by_subject),
        index=None,
        format_func=lambda subject: by_subject[subject].name,
        key=key,
        placeholder="nobody chosen",
        on_change=lambda: _do(
            lambda person: worklist.assign(
                review_store(), person, case.id, by_subject[st.session_state[key]]
            )
        ),
    )
    if case.assigned_to == who.subject:
        _with_reason("Give it back", "give_back", case, worklist.give_back)


def _with_reason(label: str, name: str, case: Case, change: Callable[..., object]) -> None:
    key = f"{name}_{case.id}_{case.revision}"
    with st.form(f"form_{key}", border=False):
        st.text_input("Reason, kept for good", key=key, max_chars=lifecycle.LONGEST_REASON)
        st.form_submit_button(
            label,
            on_click=lambda: _do(
                lambda person: change(review_store(), person, case.id, st.session_state[key])
            ),
        )


def _do(change: Callable[[Person], object]) -> None:
    try:
        change(signed_in.person())
    except (NotAllowed, CaseRefused) as refusal:
        st.session_state["review_notice"] = f"{refusal}."
