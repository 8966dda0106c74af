"""What this site has set, with what it means; the environment holds it, so it is only shown."""

import streamlit as st
from pydantic import SecretStr

from core.access.people import Person
from core.access.rights import may
from core.settings import Settings, settings
from core.taxonomy import site_classes, title
from pages.parts.wording import plain


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
    _draw_classes()


def _draw_classes() -> None:
    """The classes that this site adds for its readers, and what in its table is not used."""
    found = site_classes()
    if not found.classes and not found.problems:
        return
    st.subheader("White-cell classes of this site", anchor=False)
    for problem in found.problems:
        st.warning(f"{plain(problem)}. It is not used.", icon=":material/warning:")
    st.table(
        [
            {
                "Class": one.title,
                "Key": one.key,
                "Learnt as": title(one.model_class) if one.model_class else "nothing",
                "Critical": "yes" if one.critical else "no",
                "Code": one.code,
            }
            for one in found.classes
        ],
        border="horizontal",
        hide_index=True,
        alt="Classes of white cells that this site adds",
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
    return "not set" if value in (None, "") else str(value)
