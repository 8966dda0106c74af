"""Home: what needs doing, the most urgent first."""

from typing import Final, NamedTuple

import streamlit as st

from core.access.people import Person
from core.access.rights import Right, may
from core.models import registry
from core.models.weights import WeightsRefused
from core.review.case import worklist
from core.review.case.worklist import WorklistRow
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused, Unavailable
from core.store.runs import Run
from core.training.runs import lifecycle
from pages.parts import signed_in
from pages.parts.acquaintance import door
from pages.parts.demo import door as demo_door
from pages.parts.review import case_words, learning_panel
from pages.parts.smear import draft
from pages.parts.wording import percent, plain, several

_SHOWN = 6
_PARTS = {
    "database": "Database",
    "clock": "Clock",
    "disk": "Disk",
    "models": "Models",
    "worker": "Background work",
}
_TASKS = {
    "locator": "Cells in a field",
    "wbc": "White-cell class",
    "counts": "Second count",
    "palm": "Anemia in a palm",
    "red_cells": "Shape of a red cell",
}


class _Door(NamedTuple):
    """One of the ways into the day's work."""

    page: str
    label: str
    icon: str
    right: Right
    words: str


_DOORS: Final = (
    _Door(
        "pages/analyse_smear.py",
        "Analyse a smear",
        "biotech",
        "analyse",
        "Photographs of a stained smear become counts and a differential. None at hand? The "
        "program can draw a field.",
    ),
    _Door(
        "pages/screen_palm.py",
        "Screen a palm",
        "back_hand",
        "analyse",
        "A photograph of a palm becomes a hint whether to ask for a blood test.",
    ),
    _Door(
        "pages/worklist.py",
        "Review and sign",
        "checklist",
        "read",
        "Every case, the most urgent first: look, correct, sign, take the report away.",
    ),
)


def _doors(who: Person) -> None:
    doors = [door for door in _DOORS if may(who, door.right)]
    for column, one in zip(st.columns(len(_DOORS)), doors, strict=False):
        with column.container(border=True, height="stretch"):
            st.page_link(one.page, label=f"**{one.label}**", icon=f":material/{one.icon}:")
            st.caption(one.words)


def _nothing_waits() -> None:
    st.subheader("Nothing is waiting", anchor=False)
    st.markdown(
        "Cases come here when the fields of a smear are analysed and kept with an accession "
        "number. The most urgent ones stand first."
    )


def _numbers(rows: list[WorklistRow], who: Person) -> None:
    critical = sum(row.priority == "critical" for row in rows)
    mine = sum(row.case.assigned_to == who.subject for row in rows)
    cells = sum(row.white_cells - row.reviewed for row in rows)
    values = (
        ("Open cases", len(rows)),
        ("Critical", critical),
        ("With you", mine),
        ("White cells to review", cells),
    )
    for column, (name, value) in zip(st.columns(4), values, strict=True):
        column.metric(name, f"{value:,}", border=True)


def _cases(rows: list[WorklistRow], who: Person) -> None:
    st.subheader("Cases, the most urgent first", anchor=False)
    for row in rows[:_SHOWN]:
        case = row.case
        with st.container(
            border=True,
            horizontal=True,
            horizontal_alignment="distribute",
            vertical_alignment="center",
        ):
            st.markdown(
                f"{case_words.priority_badge(row.priority)} **{plain(case.accession)}** "
                f"{case_words.state_badge(case)} :small[:gray[{case_words.patient(case)}; "
                f"{row.reviewed} of {several(row.white_cells, 'white cell')} reviewed; with "
                f"{case_words.holder(case, who)}; waiting {case_words.ago(row.waiting_since)}]]"
            )
            if may(who, "read"):
                st.page_link(
                    "pages/review.py",
                    label="Review" if may(who, "review") else "Open",
                    icon=":material/rate_review:",
                    query_params={"case": str(case.id)},
                )
    if len(rows) > _SHOWN:
        st.page_link(
            "pages/worklist.py",
            label=f"All {len(rows):,} open cases",
            icon=":material/checklist:",
        )


def _installation() -> None:
    """Whether disk, database and models are well, each fault in its own sentence."""
    # Heavy libraries come with it: not before this screen asks.
    from core.health import health

    st.subheader("This installation", anchor=False)
    parts = health()
    well = [f":green-badge[{_PARTS[one.part]}]" for one in parts if not one.fault]
    if well:
        st.markdown(f"Well: {' '.join(well)}")
    for one in parts:
        if one.fault:
            st.markdown(f":red-badge[{_PARTS[one.part]}] :small[{plain(one.fault)}]")


def _trainings() -> None:
    st.subheader("Trainings", anchor=False)
    active = [run for run in lifecycle.book().all() if run.state in ("running", "queued", "paused")]
    for run in active[:4]:
        st.markdown(f"{plain(run.label)} :violet-badge[{run.state}] {_progress(run)}")
    if not active:
        st.caption("None is running.")
    st.page_link("pages/fine_tune.py", label="Fine-tune", icon=":material/model_training:")


def _progress(run: Run) -> str:
    done = (run.progress or {}).get("done")
    total = (run.progress or {}).get("total")
    return percent(done / total) if done and total else ""


def _models() -> None:
    st.subheader("Live models", anchor=False)
    for task in (*registry.TASKS, *registry.OTHER_TASKS):
        try:
            identity = plain(registry.live(task).identity)
        except WeightsRefused as refusal:
            identity = f":red-badge[missing] {plain(str(refusal))}"
        st.markdown(f":small[{_TASKS.get(task, task.capitalize())}]  \n{identity}")
    st.page_link("pages/models.py", label="Models", icon=":material/deployed_code:")


def main() -> None:
    """Draw the screen."""
    st.title("Home", anchor=False)
    who = signed_in.allowed("view")
    try:
        rows = worklist.worklist(review_store(), who)
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Cases cannot be read: {plain(str(refusal))}.", icon=":material/error:")
        return
    left, right = st.columns([8, 3.2], gap="large")
    with left:
        if may(who, "analyse"):
            draft.offer(who)
        _doors(who)
        with st.container(key="home_cases"):
            if rows:
                _numbers(rows, who)
                _cases(rows, who)
            else:
                _nothing_waits()
        if may(who, "read"):
            door.draw(who)
        learning_panel.draw(who)
    with right:
        if may(who, "train"):
            _trainings()
        _installation()
        demo_door.draw(who)
        _models()


main()
