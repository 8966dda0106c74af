"""The libraries of the models take seconds to load; this says so instead of an empty screen."""

import atexit
import gc
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
    _out_of_the_collectors_way()


def _out_of_the_collectors_way() -> None:
    """Half a million objects of the libraries stay for good: do not look through them each time.

    Streamlit collects garbage after every redraw, which took 0.24 s of a processor each (measured),
    with all threads waiting: a second request in that time finds the first one not begun.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # or the libraries report all of it as leaks when the server ends
