"""Plots with axes come to a page by one way, which keeps Plotly from a fault of its layout."""

import json

import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest

from tests.fixtures.paths import ROOT

WITHOUT_AXES = {
    "pages/parts/palm/photo.py",
    "pages/parts/smear/differential_tab.py",
    "pages/parts/smear/field_view.py",
    "pages/parts/smear/red_cell_size_plot.py",
}
"""Pictures and bars of fixed margins, whose axes have no title."""


def test_a_page_draws_its_plots_by_draw_plot() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "pages").rglob("*.py")
        if "plotly_chart(" in path.read_text()
    }
    assert found == WITHOUT_AXES | {"pages/parts/plotting.py"}


def test_labels_outside_the_picture_stay_so_that_titles_have_a_place() -> None:
    def script() -> None:
        import plotly.graph_objects as go

        from pages.parts.plotting import draw_plot

        draw_plot(go.Figure(go.Scatter(x=[0, 1], y=[1, 0])), key="a", alt="A falling line")

    app = AppTest.from_function(script).run()
    drawn = app.get("plotly_chart")[0].proto
    layout = go.Figure(json.loads(drawn.spec)).layout
    assert layout.xaxis.ticklabeloverflow == layout.yaxis.ticklabeloverflow == "allow"
    assert "A falling line" in str(drawn)
