"""The site's settings: those an administrator changes here, and those of the environment."""

from typing import Any, Final

import streamlit as st
from pydantic import SecretStr

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.record import settings_changes
from core.review.record.errors import NotSaved
from core.review.record.review_store import review_store
from core.review.record.settings_changes import Known, SettingChange, SettingRefused
from core.settings import Settings, settings
from core.store.database import Unavailable
from core.store.kept_settings import CHANGEABLE
from core.taxonomy import site_classes, title
from pages.parts import signed_in
from pages.parts.wording import plain

_NOTICE: Final = "site_settings_notice"
_CHOSEN: Final = "site_setting"
_MOST: Final = 50


def draw(who: Person) -> None:
    """What is set, from where, and since when; a form that changes one setting."""
    st.subheader("Settings of this site", anchor=False)
    if not may(who, "configure"):
        st.caption("They are shown to administrators.")
        return
    known = settings_changes.known(review_store(), who)
    changes = settings_changes.changes(review_store(), who)
    notice = st.session_state.pop(_NOTICE, None)
    if notice:
        st.info(plain(notice))
    _draw_form(known)
    _draw_table(known, changes)
    _draw_changes(changes)
    _draw_environment(known)
    _draw_classes()


def _draw_form(known: list[Known]) -> None:
    free = {one.name: one for one in known if one.source != "environment"}
    if not free:
        return
    name = st.selectbox(
        "Setting to change",
        list(free),
        format_func=lambda one: free[one].words.capitalize(),
        key=_CHOSEN,
    )
    one = free[name]
    with st.form(f"change_{name}", border=True):
        _control(one)
        when = (
            "It counts at once."
            if one.when == "now"
            else "It counts from the next start of Hemadesk."
        )
        st.caption(f"Allowed: {one.allowed}. Default: {_words(one.default)}. {when}")
        save, back, _ = st.columns([1.4, 2.2, 8], gap="small")
        save.form_submit_button("Save", type="primary", on_click=_save, args=(name,))
        back.form_submit_button(
            "Back to the default", on_click=_set, args=(name, None), disabled=one.source != "page"
        )


def _control(one: Known) -> None:
    """The input of a setting, with the value that counts now."""
    label, key = one.words.capitalize(), _key(one.name)
    if one.kind == "yes or no":
        st.checkbox(label, bool(one.value), key=key)
    elif one.kind == "choice":
        st.selectbox(label, one.choices, one.choices.index(one.value), key=key)
    elif one.kind == "text":
        longest = None if one.most is None else int(one.most)
        st.text_input(label, str(one.value), max_chars=longest, key=key)
    else:
        # Bounds are checked when it is saved, so that what was typed is told and not replaced.
        as_number = int if one.kind == "whole number" else float
        st.number_input(label, value=as_number(one.value), key=key)


def _key(name: str) -> str:
    return f"site_setting_{name}"


def _save(name: str) -> None:
    _set(name, st.session_state[_key(name)])


def _set(name: str, value: Any) -> None:
    said = st.session_state
    try:
        done = settings_changes.change(review_store(), signed_in.person(), name, value)
    except (NotAllowed, SettingRefused, NotSaved, Unavailable) as refusal:
        said[_NOTICE] = f"Nothing was changed: {refusal}."
        return
    later = CHANGEABLE[name] == "next start"
    said.pop(_key(name), None)
    if not done:
        said[_NOTICE] = "Nothing was changed: that is its value already."
    else:
        said[_NOTICE] = f"Changed: {Settings.model_fields[name].description}." + (
            " It counts from the next start." if later else ""
        )


def _draw_table(known: list[Known], changes: list[SettingChange]) -> None:
    last = {change.name: change for change in reversed(changes)}
    st.table(
        [
            {
                "What it is for": plain(one.words),
                "Value": plain(_words(one.value)),
                "Default": _words(one.default),
                "Allowed": one.allowed,
                "Counts from": one.when,
                "Set by": _set_by(one, last.get(one.name)),
            }
            for one in known
        ],
        border="horizontal",
        hide_index=True,
        alt="Settings that can be changed on this page",
    )


def _set_by(one: Known, change: SettingChange | None) -> str:
    if one.source == "environment":
        return f"the environment ({one.variable}), which wins"
    if change is None:
        return "nobody"
    return f"{plain(change.by)}, {change.at:%Y-%m-%d %H:%M} UTC"


def _draw_changes(changes: list[SettingChange]) -> None:
    if not changes:
        return
    with st.expander("Changes of settings", key="site_settings_changes"):
        st.table(
            [
                {
                    "When (UTC)": f"{one.at:%Y-%m-%d %H:%M}",
                    "Who": plain(one.by),
                    "Setting": one.name,
                    "From": plain(_words(one.was)),
                    "To": "the default" if one.value is None else plain(_words(one.value)),
                }
                for one in changes[:_MOST]
            ],
            border="horizontal",
            hide_index=True,
            alt="Who changed which setting, and when",
        )
        st.caption("The ledger holds every one of them.")


def _draw_environment(known: list[Known]) -> None:
    here = {one.name for one in known}
    with st.expander("Settings of the environment", key="site_settings_environment"):
        st.markdown(
            "Folders, passwords, addresses and who is let in are read from the environment or the "
            "file `.env` when Hemadesk is started. Change them there and start it again."
        )
        st.table(
            [
                {
                    "What it is for": plain(field.description or ""),
                    "Value": plain(_shown(name)),
                    "Setting": f"HEMADESK_{name.upper()}",
                }
                for name, field in Settings.model_fields.items()
                if name not in here
            ],
            border="horizontal",
            hide_index=True,
            alt="Settings that only the environment holds",
        )


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


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, ""):
        return "not set"
    return f"{value:,g}" if isinstance(value, (int, float)) else str(value)


def _shown(name: str) -> str:
    value = getattr(settings(), name)
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if name == "database_url" and value:
        return "set"  # it may hold a password
    return "not set" if value in (None, "") else str(value)
