"""Red-cell size on the tab Blood count: what was measured, and on which cells."""

import plotly.graph_objects as go
import streamlit as st

from core.slide.red_cell_size import RedCellSizes
from pages.parts import wording
from pages.parts.kinds import STYLES, ink


def draw(sizes: RedCellSizes) -> None:
    """Spread and histogram of the diameters, with what they rest on."""
    st.markdown("**Red-cell size**")
    if sizes.median_um is None:
        st.markdown("Not determined: no red cell lies whole and free.")
        return
    spread = "not determined" if sizes.spread is None else f"{100 * sizes.spread:.0f} %"
    basis = (
        f"median {sizes.median_um:.1f} µm by the calibration entered"
        if sizes.calibrated
        else "their median is taken as 7.5 µm, so only the spread means anything"
    )
    st.markdown(
        f"{wording.several(len(sizes.diameters_um), 'red cell')} lie whole and free; "
        f"{basis}. Spread {spread} (standard deviation over "
        "mean, an estimate of anisocytosis that includes the boxes' own error). "
        f"{wording.percent(sizes.share_at_edge)} of all red cells are cut by an edge, "
        f"{wording.percent(sizes.share_overlapping)} overlap another cell."
    )
    drawing = go.Figure(
        go.Histogram(
            x=sizes.diameters_um, xbins={"size": 0.25}, marker={"color": STYLES["rbc"].colour}
        )
    )
    drawing.update_layout(
        height=180,
        margin={"l": 40, "r": 0, "t": 4, "b": 36},
        xaxis={"title": {"text": "Diameter, µm"}, "fixedrange": True, "color": ink()},
        yaxis={"title": {"text": "Cells"}, "fixedrange": True, "color": ink()},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": '"Source Sans", sans-serif'},
        bargap=0.05,
    )
    st.plotly_chart(
        drawing,
        theme=None,
        key="bc_sizes",
        config={"displayModeBar": False, "staticPlot": True},
        alt="Diameters of the red cells",
    )
