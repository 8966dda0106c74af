"""The libraries of the models take seconds to load; this says so instead of an empty screen."""

import importlib

import streamlit as st


@st.cache_resource(show_spinner="Loading the models. This happens once after a start.")
def load() -> None:
    """Import what the screens need and open the models; does nothing from the second time on."""
    importlib.import_module("core.explain.gradcam")
    importlib.import_module("core.inference.batch")
    registry = importlib.import_module("core.models.registry")
    weights = importlib.import_module("core.models.weights")
    try:
        for task in registry.TASKS:
            registry.live(task)
    except weights.WeightsRefused:
        # The screen that needs them says what is wrong, and tries again at every visit.
        pass
