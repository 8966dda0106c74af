"""Home's way into the demo, and out of it: filled by one click, removed by another."""

import streamlit as st

from core.access import sign_in
from core.access.people import Person
from core.access.rights import may
from core.demo import place
from core.demo.place import DemoRefused
from core.settings import settings
from pages.parts.wording import plain


def draw(who: Person) -> None:
    """The demo's card; only whoever sits at this computer starts a process on it."""
    if sign_in.mode(st.get_option("server.address")) != "local" or not may(who, "configure"):
        return
    with st.container(border=True, key="demo_door"):
        if settings().is_demo:
            _inside()
        else:
            st.fragment(_outside, run_every=2 if place.state().is_running else None)()


def _outside() -> None:
    st.subheader("Demo", anchor=False)
    notice = st.session_state.pop("demo_notice", "")
    if notice:
        st.warning(plain(notice))
    state = place.state()
    if not state.is_running:
        st.markdown(
            "Five invented cases, two trainings and a tour, in a store of their own: nothing of "
            "it comes among real cases."
        )
        words = "Start the demo again" if state.is_there else "Fill the demo"
        st.button(words, key="demo_start", on_click=_start, icon=":material/science:")
    elif state.address is None:
        st.status(f"Filling it: {plain(state.says or 'starting')}", state="running")
    else:
        st.link_button(
            "Open the demo", state.address, type="primary", icon=":material/open_in_new:"
        )
    if state.is_there:
        st.button("Remove the demo", key="demo_remove", type="tertiary", on_click=_remove)


def _inside() -> None:
    st.subheader("This is the demo", anchor=False)
    st.caption(
        "What you do here stays in the demo. Fields: CBC (Alam, Islam 2019, MIT) and drawn ones; "
        "what the readers answered and the trainings are invented."
    )
    st.button("Remove the demo", key="demo_remove", type="tertiary", on_click=_remove)


def says_it_is_removed() -> bool:
    """In the window that removed the demo, on every page: there is no store to draw from."""
    gone = bool(st.session_state.get("demo_removed"))
    if gone:
        st.success("The demo is removed. Close this window.")
    return gone


def _start() -> None:
    try:
        place.start()
    except (DemoRefused, OSError) as refusal:
        st.session_state["demo_notice"] = f"The demo cannot be started: {refusal}."
    st.rerun()  # the whole page: from now on it looks every two seconds


def _remove() -> None:
    try:
        place.remove()
    except (DemoRefused, OSError) as refusal:
        st.session_state["demo_notice"] = f"Not removed: {refusal}."
        return
    if settings().is_demo:
        st.session_state["demo_removed"] = True
        place.end_soon()
