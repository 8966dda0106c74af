"""Hemadesk: ``streamlit run app.py``. Page settings, navigation and the foot line."""

import streamlit as st

from pages.parts import first_load, foot, mark

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
        "Learn": [
            st.Page(
                "pages/fine_tune.py",
                title="Fine-tune",
                icon=":material/model_training:",
                url_path="fine-tune",
            ),
            st.Page(
                "pages/models.py",
                title="Models",
                icon=":material/deployed_code:",
                url_path="models",
            ),
        ],
        "Site": [
            st.Page("pages/help.py", title="Help", icon=":material/help:", url_path="help"),
        ],
    },
)
first_load.load()
page.run()
foot.draw()
