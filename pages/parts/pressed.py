"""Presses of buttons that must not be lost: kept from the click until the page has acted on them.

``if st.button(...)`` is true in one run only. A second request of the browser (another click, a
control that reports its value) interrupts that run, and if it had not come to the button yet, the
press is gone without a word. A callback runs before anything is drawn, so what it writes stays.

Two ways, by what the action needs:

- It needs widgets alone: it is the callback, ``st.button(..., on_click=action)``.
- It needs what the page works out while it is drawn (a set that was read, settings that were
  checked): ``on_click=pressed.keep, args=(key,)``, and the page asks ``pressed.take(key)`` where it
  knows these. The values are then the ones that stand on the screen, not those before the click.
"""

from typing import Final

import streamlit as st

_KEPT: Final = "pressed"
_PAGE: Final = "pressed_on_page"


def keep(key: str) -> None:
    """The callback of a button: its press waits for ``take``."""
    st.session_state[_KEPT] = {*st.session_state.get(_KEPT, ()), key}


def take(key: str) -> bool:
    """Was the button of this key pressed since the last time; act before anything is drawn.

    An interruption comes with the next drawing call, so between this and the action there must be
    none, or the press is lost after all. It is never acted on twice.
    """
    waiting = st.session_state.get(_KEPT, frozenset())
    if key not in waiting:
        return False
    st.session_state[_KEPT] = waiting - {key}
    return True


def enter_page(path: str) -> None:
    """Called by screens.py: what was pressed on another page and not begun is forgotten."""
    if st.session_state.get(_PAGE) != path:
        st.session_state[_PAGE] = path
        st.session_state[_KEPT] = set()
