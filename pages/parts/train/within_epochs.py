"""A run's curve within its epochs, step by step."""

from pathlib import Path

import streamlit as st

from core.store.runs import Epoch, Run
from core.training.runs import lifecycle, steps
from pages.parts.plotting import draw_plot
from pages.parts.train import plots as run_plots
from pages.parts.wording import lasted


def draw(run: Run, rows: list[Epoch]) -> None:
    """The loss by step, with the choices of how it is drawn, and where the time went."""
    folder = lifecycle.folder_of(run)
    found = _steps_of(folder)
    left, right = st.columns([3, 1])
    weight = left.slider(
        "Smoothing", 0.0, 0.99, 0.9, 0.01, key="smoothing", help="0 draws every step as it is."
    )
    powers = right.toggle("Log scale", key="log_scale")
    draw_plot(run_plots.steps(found, rows, weight, powers), key="by_step", alt="Loss by step")
    draw_plot(run_plots.gradients(found), key="gradients", alt="Gradient norm by step")
    phases = steps.read_phases(folder)
    if phases is not None and phases.seconds:
        parts = [f"{name} {lasted(seconds)}" for name, seconds in phases.seconds.items()]
        st.caption(f"Time of this attempt: {', '.join(parts)}.")
    st.download_button(
        "Steps as CSV",
        data=lambda: steps.steps_csv(found),
        file_name=f"{run.name}-steps.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
        key="download_steps",
    )


def _steps_of(folder: Path) -> list[steps.Step]:
    """The steps of a run; read again only after the file has changed."""
    file = folder / steps.STEPS
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    kept = st.session_state.get("steps_read")
    if kept is None or kept[:2] != (folder, changed):
        kept = st.session_state.steps_read = (folder, changed, steps.read_steps(folder))
    return list(kept[2])
