"""Settings: who may sign in and do what, and what this site has set."""

import streamlit as st

from pages.parts import signed_in
from pages.parts.review import ledger_check
from pages.parts.site import calibrations, people_list, retention, site_settings


def main() -> None:
    """Draw the screen."""
    st.title("Settings", anchor=False)
    who = signed_in.allowed("view")
    left, right = st.columns([7, 5], gap="large")
    with left:
        people_list.draw(who)
    with right:
        st.subheader("Calibrations", anchor=False)
        calibrations.draw(who)
        ledger_check.draw(who)
        retention.draw(who)
    site_settings.draw(who)


main()
