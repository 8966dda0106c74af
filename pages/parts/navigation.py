"""The screens of Hemadesk, and what stands round each: settings, sign-in, menu and foot line."""

from typing import Final, NamedTuple

import streamlit as st

from core.access.people import Person
from core.access.rights import Right, may
from core.review.record import settings_changes
from core.review.record.review_store import review_store
from core.settings import settings
from pages.parts import away, first_load, foot, mark, pressed, signed_in, upload_limits
from pages.parts.demo import door as demo_door
from pages.parts.demo import mark as demo_mark


class Screen(NamedTuple):
    """A page of the app, and the right without which it is neither in the menu nor drawn."""

    file: str
    title: str
    icon: str
    right: Right


SCREENS: Final[dict[str, tuple[Screen, ...]]] = {
    "Work": (
        Screen("home", "Home", "home", "view"),
        Screen("analyse_smear", "Analyse smear", "biotech", "analyse"),
        Screen("screen_palm", "Screen palm", "back_hand", "analyse"),
    ),
    "Review": (
        Screen("worklist", "Worklist", "checklist", "read"),
        Screen("review", "Review", "rate_review", "read"),
        Screen("agreement", "Agreement", "compare_arrows", "view"),
    ),
    "Learn": (
        Screen("fine_tune", "Fine-tune", "model_training", "train"),
        Screen("models", "Models", "deployed_code", "view"),
        Screen("acquaintance", "Get acquainted", "handshake", "read"),
        Screen("lab_acceptance", "Lab acceptance", "fact_check", "view"),
    ),
    "Site": (
        Screen("settings", "Settings", "settings", "view"),
        Screen("help", "Help", "help", "view"),
    ),
}


def _page(screen: Screen, who: Person) -> st.Page:
    return st.Page(
        f"pages/{screen.file}.py",
        title=screen.title,
        icon=f":material/{screen.icon}:",
        # As Streamlit would name it from the file: the first request of a server asks for that.
        url_path=screen.file,
        # Still reached by its address, where it says who may open it.
        visibility="visible" if may(who, screen.right) else "hidden",
    )


def draw() -> None:
    """Draw the screen of the address; called in every run of a session."""
    signed_in.enter_app()
    st.set_page_config(
        page_title=demo_mark.TITLE if settings().is_demo else "Hemadesk",
        page_icon=mark.ICON,
        layout="wide",
    )
    st.html(mark.STYLE)
    st.logo(mark.WORDMARK, size="large")
    if demo_door.says_it_is_removed():
        return
    with away.waited_for():
        # What an administrator changed meanwhile, on this server or on another one.
        settings_changes.refresh(review_store())
        _draw(signed_in.person())


def _draw(person: Person) -> None:
    # At the top, where the header stands anyway: the width belongs to the picture.
    by_name = {
        screen.file: _page(screen, person) for screens in SCREENS.values() for screen in screens
    }
    pages = {group: [by_name[one.file] for one in screens] for group, screens in SCREENS.items()}
    # Streamlit serves its default page at / alone and calls /home "not found", though the first
    # request of a server opens it: so the page at / is Home too, and Home has its address as all
    # others.
    pages["Work"].append(
        st.Page("pages/home.py", title="Home", url_path="start", default=True, visibility="hidden")
    )
    page = st.navigation(position="top", pages=pages)
    pressed.enter_page(page.url_path)
    upload_limits.enter_page(page.url_path)
    first_load.load()
    demo_mark.draw()
    if settings().is_demo:
        # Imports the networks, which only a demo's screens need before they are drawn.
        from pages.parts.demo import tour

        tour.draw(person, page.url_path if page.url_path in by_name else "home", by_name)
    # Before the page: one that may not be opened stops there, and the line belongs to every screen.
    foot.draw(person)
    page.run()
