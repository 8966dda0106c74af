"""A database that is gone, locked or full: the screen says so, waits, and goes on when it is back.

The run is begun anew until the database answers. Streamlit takes nothing off the screen meanwhile,
so that what was typed stays where it was typed.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from core.store.database import Unavailable
from pages.parts.wording import plain

_LOOKS: Final = 6
_BETWEEN_S: Final = 0.5
_AWAY: Final = "database_away"


@contextmanager
def waited_for() -> Iterator[None]:
    """Draw what stands in this block; where the database is away, say so and begin again."""
    place = st.empty()
    try:
        yield
    except Unavailable as fault:
        if st.session_state.get(_AWAY) != str(fault):
            logging.getLogger(__name__).warning("%s", fault)
        st.session_state[_AWAY] = str(fault)
        for _ in range(_LOOKS):
            place.error(_words(fault), icon=":material/error:")
            time.sleep(_BETWEEN_S)
        st.rerun()
    fault_before = st.session_state.pop(_AWAY, None)
    if fault_before:
        place.warning(
            "The database answers again. Nothing was saved in between: look whether your last "
            "change is there, and do it again where it is not.",
            icon=":material/sync:",
        )


def of_a_click(error: Exception) -> bool:
    """Say what a click met, where its own code does not. True: Streamlit adds nothing to it."""
    if not isinstance(error, Unavailable):
        return False
    st.error(_words(error), icon=":material/error:")
    return True


def _words(fault: Unavailable) -> str:
    return (
        f"{plain(str(fault)[:1].upper() + str(fault)[1:])}. What was done last is not saved. What "
        "you typed stays here: this page tries again by itself and goes on when the database "
        "answers."
    )
