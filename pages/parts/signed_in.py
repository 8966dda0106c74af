"""Who sits in front of this screen, and whether they may be on it.

Asked anew at every redraw, so that a role that was taken away is gone with the next click. What a
person may do is checked again by every function in ``core`` that does it.
"""

from contextvars import ContextVar
from pathlib import Path
from typing import Final, NoReturn

import streamlit as st
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager

from core.access import sign_in
from core.access.folders import folder_here
from core.access.people import VISITOR, Person
from core.access.rights import NotAllowed, Right, require
from core.access.sign_in import ServingRefused, SignInExpired, SignInRefused
from core.review.record import roster
from core.review.record.errors import NotSaved
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused, Unavailable
from pages.parts.wording import plain

_IN_APP: Final = ContextVar("_IN_APP", default=False)


def enter_app() -> None:
    """Called by the navigation: the page that follows is drawn inside it, with menu and foot."""
    _IN_APP.set(True)


def person() -> Person:
    """Who is signed in; draws the way in, or why there is none, and stops where nobody is."""
    try:
        how = sign_in.mode(st.get_option("server.address"))
        if how == "local":
            return sign_in.local_person(st.context.headers.get_all)
        if how == "public":
            return VISITOR
        if how == "proxy":
            subject = sign_in.proxy_subject(st.context.headers.get_all)
            return roster.welcome(review_store(), subject, subject)
        if not st.user.is_logged_in:
            _way_in()
        subject, name = sign_in.oidc_subject(st.user.to_dict())
        return roster.welcome(review_store(), subject, name)
    except SignInExpired as refusal:
        _way_in(str(refusal))
    except (ServingRefused, SignInRefused) as refusal:
        _closed(str(refusal))
    except Unavailable as gone:
        # Of a click this is what its callback says; of a page, the navigation does.
        raise NotSaved(str(gone)) from gone
    except DatabaseRefused as refusal:
        _closed(f"The list of people cannot be read: {refusal}.")


def allowed(right: Right) -> Person:
    """Who is signed in, if they may be on this screen; otherwise says so and stops."""
    _through_the_app()
    who = person()
    try:
        require(who, right)
    except NotAllowed as refusal:
        st.warning(plain(str(refusal)), icon=":material/lock:")
        st.stop()
    return who


def folder(typed: str) -> Path:
    """A folder of this computer that somebody typed. Raises FolderRefused."""
    return folder_here(typed, sign_in.mode(st.get_option("server.address")))


def by_oidc() -> bool:
    """Can the person sign out here: not at a computer of their own, and not behind a proxy."""
    return sign_in.mode(st.get_option("server.address")) == "oidc"


def _through_the_app() -> None:
    """Run app.py round the page, also for the first request of a server.

    Until ``st.navigation`` was called once in its process, Streamlit takes the folder ``pages`` for
    its older kind of app and runs the file of an address such as ``/review`` alone. Whether this
    very run is such a one is asked of the run, not of ``uses_pages_directory``: of two people who
    open a fresh server together, the first would switch that off under the second one's run, whose
    page would then stay without menu and foot.
    """
    # AppTest begins every run so, and a second run would lose what was clicked.
    if not _IN_APP.get() and not config.get_option("global.appTest"):
        PagesManager.uses_pages_directory = False
        st.rerun()


def _way_in(why: str = "") -> NoReturn:
    st.title("Hemadesk", anchor=False)
    if why:
        st.warning(plain(why), icon=":material/lock_clock:")
    st.markdown("Blood smears and palms, read by models and decided by people.")
    st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    st.caption("Research use: a qualified person decides.")
    st.stop()


def _closed(why: str) -> NoReturn:
    st.title("Hemadesk", anchor=False)
    st.error(plain(why), icon=":material/lock:")
    if st.user.get("is_logged_in"):
        st.button("Sign out", on_click=st.logout)
    st.stop()
