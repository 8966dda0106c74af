"""What led to the answer about a palm: a map over the square that is judged, and its checks."""

import streamlit as st

from core.explain.gradcam import overlay
from core.imaging.view import jpeg
from core.inference.palm.crop import views
from core.inference.palm.screening import PalmReading
from core.models.weights import LoadedModel
from pages.parts.palm.session import PalmSession
from pages.parts.picture import in_page


def draw(palm: PalmSession, reading: PalmReading, model: LoadedModel) -> None:
    """Controls at the left, then what is judged and what spoke for or against anemia."""
    decision = reading.call.decision
    controls, left, right = st.columns([2, 2, 2], gap="medium")
    with controls:
        side = st.segmented_control(
            "What spoke",
            ["for anemia", "against it"],
            default="against it" if decision == "not_suspected" else "for anemia",
            required=True,
            # What led to the answer first, whichever it is.
            key=f"palm_side_{decision}",
        )
        strength = st.slider("Strength of the map, %", 0, 100, 60, 5, key="palm_strength") / 100
        st.caption(
            "Grad-CAM: where the network found what it answered from. It shows where, not why, "
            "and does not show that the answer is right."
        )
    square = views(reading.crop.pixels)[0]
    with st.spinner("Making the map and checking it", show_time=False):
        found = palm.map_of(reading.crop.pixels, side == "against it", model)
    left.image(in_page(jpeg(square)), caption="What is judged.", width=300, alt="The judged palm")
    if not found.trial.reliable:
        right.warning(
            f"The map is not reliable: {found.trial.reason}. It is not shown as evidence.",
            icon=":material/visibility_off:",
        )
        if not right.toggle("Show it all the same", key="palm_unreliable"):
            return
    trial = "not reliable" if not found.trial.reliable else "passed both checks of the map"
    right.image(
        in_page(jpeg(overlay(square, found.heat, strength))),
        caption=f"What spoke {side}; {trial}.",
        width=300,
        alt=f"The judged palm with its heat map, {trial}",
    )
