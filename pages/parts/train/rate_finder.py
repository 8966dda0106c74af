"""The learning-rate finder of Fine-tune: a short trial in its own process, and its curve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.training.loop import rate_trial
from core.training.loop.rate_trial import RateTrial
from core.training.runs import rate_trials
from pages.parts import pressed, signed_in
from pages.parts.kinds import ink
from pages.parts.plotting import draw_plot
from pages.parts.wording import plain

EVERY_S = 2
_TRY = "try_rates"


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
        found = rate_trial.read(folder)
        if found is not None:
            _show(found, take)
            return
        trial = rate_trials.latest(folder)
        if trial is not None and trial.state == "running":
            st.fragment(_wait, run_every=EVERY_S)(folder)
            return
        if trial is not None:
            st.error(f"Nothing was found: {plain(trial.message)}.", icon=":material/error:")
        st.button(
            "Try again" if trial else "Try",
            key=_TRY,
            on_click=pressed.keep,
            args=(_TRY,),
        )
        if pressed.take(_TRY):
            who = signed_in.person()
            rate_trials.start(data.recipe, data.folder, settings.loop, options, who)
            st.rerun()


def _wait(folder: Path) -> None:
    """Draws itself again every two seconds; asks for the whole page when the trial has ended."""
    trial = rate_trials.latest(folder)
    if trial is None or trial.state != "running":
        st.rerun(scope="app")
    where = trial.progress
    words = f"Step {where.done} of {where.total}" if where.total else "Reading the data"
    st.progress(where.share, text=words)
    st.button(
        "Stop trying",
        key="stop_rates",
        disabled=trial.stopping,
        on_click=_stop,
        args=(folder,),
    )


def _stop(folder: Path) -> None:
    rate_trials.ask_to_stop(folder, signed_in.person())


def _show(found: RateTrial, take: Callable[[float], None]) -> None:
    draw_plot(_curve(found), key="rate_curve", alt="Loss against learning rate")
    st.button(
        f"Take {found.proposed:g}",
        key="take_rate",
        type="primary",
        on_click=take,
        args=(found.proposed,),
        help="Where the loss falls most steeply; where it never falls clearly, a tenth of the "
        "highest rate at which it is still low.",
    )
    st.download_button(
        "CSV",
        data=rate_trial.as_csv(found),
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
