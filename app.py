"""Hemadesk: ``streamlit run app.py``. Page settings, navigation and the foot line."""

import streamlit as st

from pages.parts import foot, mark

st.set_page_config(
    page_title="Hemadesk",
    page_icon=mark.ICON,
    layout="wide",
)
st.html(mark.STYLE)
st.logo(mark.WORDMARK, size="large")
# At the top, where the header stands anyway: the width belongs to the picture.
page = st.navigation(
    position="top",
    pages={
        "Work": [
            st.Page(
                "pages/analyse_smear.py",
                title="Analyse smear",
                icon=":material/biotech:",
                url_path="analyse-smear",
                default=True,
            )
        ],
        "Site": [
            st.Page("pages/help.py", title="Help", icon=":material/help:", url_path="help"),
        ],
    },
)
page.run()
foot.draw()
