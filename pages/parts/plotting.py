"""How every plot with axes comes to a page."""

from typing import Any

import streamlit as st

_WITHOUT_TOOLS = {"displayModeBar": False}


def draw_plot(figure: Any, *, key: str, alt: str) -> None:
    """Draw a Plotly ``figure``; ``alt`` says in a few words what it shows to who cannot see it."""
    # Plotly hides the labels of ticks that lie outside the picture. A plot whose margins are not
    # yet fitted then has none, and Plotly places the title of the axis at minus infinity.
    figure.update_xaxes(ticklabeloverflow="allow")
    figure.update_yaxes(ticklabeloverflow="allow")
    st.plotly_chart(figure, key=key, config=_WITHOUT_TOOLS, alt=alt)
