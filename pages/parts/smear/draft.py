"""The draft of Analyse smear: kept as it grows, offered after a reload, erased by a button."""

import logging
from typing import Final

import streamlit as st

from core.access.people import Person
from core.inference.batch import as_shown
from core.review import drafts
from core.review.drafts import Draft, DraftField
from core.settings import settings
from pages.parts import pressed, signed_in
from pages.parts.review import case_words
from pages.parts.smear import session as smear_session
from pages.parts.smear.session import SmearSession
from pages.parts.wording import plain, several

_SAVED: Final = "draft_saved"
_ANALYSE: Final = "pages/analyse_smear.py"


def keep(session: SmearSession, who: Person) -> None:
    """Write down what is on the screen, if it changed since the last time."""
    if not session.order or session.batch is not None or settings().demo == "public":
        return
    now = (tuple(session.order), session.accession, dict(session.included), dict(session.entries))
    if st.session_state.get(_SAVED) == now:
        return
    fields = tuple(
        DraftField(key, session.known[key].finding, session.known[key].synthetic)
        for key in session.order
    )
    draft = Draft(fields, session.accession, dict(session.included), dict(session.entries))
    try:
        drafts.save(who.subject, draft, session.originals.file)
    except OSError as error:
        # What is on the screen is there; the next change tries again.
        logging.getLogger(__name__).warning("a draft was not kept: %s", error)
        return
    st.session_state[_SAVED] = now


def offer(who: Person) -> None:
    """The card that leads back, where somebody has a draft; nothing else."""
    if settings().demo == "public" or smear_session.current().order:
        return
    draft = drafts.load(who.subject)
    if draft is None or not draft.fields:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="draft_offer"):
        when = case_words.ago(draft.saved_at)
        when = when if when == "just now" else f"{when} ago"
        slide = f" of slide **{plain(draft.accession)}**" if draft.accession else ""
        st.markdown(
            f"**Continue where you were**: {several(len(draft.fields), 'analysed field')}{slide}, "
            f"{when}, in no case yet."
        )
        st.button(
            "Continue",
            key="draft_continue",
            type="primary",
            on_click=pressed.keep,
            args=("draft_continue",),
        )
        if pressed.take("draft_continue"):
            _restore(draft, who)
        st.button(
            "Erase it",
            key="draft_erase",
            type="tertiary",
            help="It goes by itself after a week.",
            on_click=_erase,
        )


def forget(who: Person) -> None:
    """Somebody starts over: what they had is not offered again."""
    st.session_state.pop(_SAVED, None)
    drafts.erase(who.subject)


def _erase() -> None:
    forget(signed_in.person())


def _restore(draft: Draft, who: Person) -> None:
    session = smear_session.current()
    lost = 0
    with st.spinner("Opening the fields"):
        for one in draft.fields:
            try:
                picture = drafts.picture_of(who.subject, one)
            except (OSError, ValueError):
                lost += 1
                continue
            session.originals.put_back(picture)
            session.known[one.key] = as_shown(one.key, picture, one.finding, one.synthetic)
            session.order.append(one.key)
    session.accession = draft.accession
    session.included.update(draft.included)
    session.entries.update(draft.entries)
    if session.order:
        session.show(session.order[0])
    if lost:
        session.notice = f"{several(lost, 'picture')} of the draft could not be opened again."
    st.switch_page(_ANALYSE)
