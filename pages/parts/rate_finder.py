"""The learning-rate finder of Fine-tune: a short trial in its own process, and its curve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.training import find_rate_record, rate_trials
from core.training.find_rate_record import RateTrial
from pages.parts.kinds import ink
from pages.parts.wording import plain

EVERY_S = 2


def draw(take: Callable[[float], None]) -> None:
    """The button, and what the trial of the present choices found; ``take`` uses its rate."""
    data, settings = st.session_state.get("run_data"), st.session_state.get("run_settings")
    ready = data is not None and settings is not None
    with st.popover("Find a learning rate", icon=":material/monitoring:", disabled=not ready):
        st.caption(
            "Trains for a moment at ever higher rates, in a process of its own. Nothing is kept "
            "but the curve."
        )
        if data is None or settings is None:
            return
        options = {**settings.options, **data.options}
        folder = rate_trials.folder_of(data.recipe, data.folder, settings.loop, options)
        found = find_rate_record.kept(folder)
        if found is not None:
            _show(found, take)
            return
        if st.button("Try", key="try_rates"):
            rate_trials.start(data.recipe, data.folder, settings.loop, options)
            st.session_state.rates_asked = str(folder)
        if st.session_state.get("rates_asked") == str(folder):
            st.fragment(_wait, run_every=EVERY_S)(folder)


def _wait(folder: Path) -> None:
    if find_rate_record.kept(folder) is not None:
        st.rerun(scope="app")
    if rate_trials.is_running(folder):
        st.caption("Trying rates")
        return
    said = rate_trials.refusal_of(folder)
    st.error(f"Nothing was found: {plain(said or 'the process ended')}", icon=":material/error:")


def _show(found: RateTrial, take: Callable[[float], None]) -> None:
    st.plotly_chart(_curve(found), key="rate_curve", config={"displayModeBar": False})
    st.button(
        f"Take {found.proposed:g}",
        key="take_rate",
        type="primary",
        on_click=take,
        args=(found.proposed,),
        help="Where the loss falls most steeply.",
    )
    st.download_button(
        "CSV",
        data=find_rate_record.as_csv(found),
        file_name="learning-rates.csv",
        mime="text/csv",
        on_click="ignore",
        key="rates_csv",
        type="tertiary",
        icon=":material/download:",
    )


def _curve(found: RateTrial) -> Any:
    figure = go.Figure()
    figure.add_scatter(
        x=list(found.rates),
        y=list(found.losses),
        mode="lines",
        line={"color": "#0072b2", "width": 2},
        name="Loss",
    )
    figure.add_vline(x=found.proposed, line={"dash": "dot", "color": ink(), "width": 2})
    figure.update_layout(
        height=240,
        width=420,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        xaxis={"title": "Learning rate", "type": "log", "exponentformat": "power"},
        yaxis={"title": "Smoothed loss"},
        showlegend=False,
    )
    return figure
