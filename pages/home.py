"""Home: what needs doing, the most urgent first."""

import streamlit as st

from core.access.people import Person
from core.access.rights import may
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
from pages.parts.review import case_words, learning_panel
from pages.parts.wording import percent, plain, several

_SHOWN = 6
_TASKS = {
    "locator": "Cells in a field",
    "wbc": "White-cell class",
    "counts": "Second count",
    "palm": "Anemia in a palm",
}


def _first_step(who: Person) -> None:
    with st.container(border=True):
        st.subheader("Nothing is waiting", anchor=False)
        st.markdown(
            "Cases come here when the fields of a smear are analysed and kept with an accession "
            "number. The most urgent ones stand first."
        )
        if may(who, "analyse"):
            st.page_link(
                "pages/analyse_smear.py", label="Analyse a smear", icon=":material/biotech:"
            )
            st.page_link("pages/screen_palm.py", label="Screen a palm", icon=":material/back_hand:")
            st.caption("No picture at hand? The program can draw a field to try everything out.")


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
        if may(who, "read"):
            door.draw(who)
        if rows:
            _numbers(rows, who)
            _cases(rows, who)
        else:
            _first_step(who)
        learning_panel.draw(who)
    with right:
        _models()
        if may(who, "train"):
            _trainings()


main()
