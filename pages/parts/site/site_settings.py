"""What this site has set, with what it means; the environment holds it, so it is only shown."""

import streamlit as st
from pydantic import SecretStr

from core.access.people import Person
from core.access.rights import may
from core.settings import Settings, settings


def draw(who: Person) -> None:
    """One line for each setting: its value, and what it is for."""
    st.subheader("Settings of this site", anchor=False)
    if not may(who, "configure"):
        st.caption("They are shown to administrators.")
        return
    st.markdown(
        "They are read from the environment (`HEMADESK_…`) or the file `.env` when Hemadesk is "
        "started. Change them there and start it again."
    )
    st.dataframe(
        [
            {"What it is for": words, "Value": _shown(name), "Setting": f"HEMADESK_{name.upper()}"}
            for name, words in _known()
        ],
        hide_index=True,
        height=430,
        key="site_settings",
        column_config={
            "What it is for": st.column_config.TextColumn(width=280),
            "Value": st.column_config.TextColumn(width=110),
        },
    )


def _known() -> list[tuple[str, str]]:
    fields = Settings.model_fields
    first = [name for name in fields if name.startswith(("review", "blind", "second", "correct"))]
    rest = [name for name in fields if name not in first]
    return [(name, fields[name].description or "") for name in (*first, *rest)]


def _shown(name: str) -> str:
    value = getattr(settings(), name)
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if name == "database_url" and value:
        return "set"  # it may hold a password
    return str(value) or "not set"
