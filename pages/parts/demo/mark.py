"""The line over every screen of a demo."""

import streamlit as st

from core.settings import DEMO_NOTE, settings

TITLE = "DEMO Hemadesk"


def draw() -> None:
    """Say that nothing here is a patient's; nothing is drawn outside a demo."""
    if not settings().is_demo:
        return
    more = " You may look and try; nothing you send is kept." if settings().demo == "public" else ""
    st.markdown(f":orange-background[**{DEMO_NOTE}**{more}]")
