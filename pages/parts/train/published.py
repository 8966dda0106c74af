"""Published systems that are being trained anew, below the runs of Fine-tune."""

import streamlit as st

from core.access.rights import NotAllowed
from core.jobs.job import Job, JobRunning
from core.training.runs import repetitions
from core.training.runs.repetitions import Repetition
from pages.parts import signed_in
from pages.parts.plotting import draw_plot
from pages.parts.train import plots
from pages.parts.wording import plain, several

_EVERY_S = 5
_BADGES = {
    "running": ":violet-badge[running]",
    "done": ":green-badge[done]",
    "failed": ":red-badge[failed]",
    "stopped": ":orange-badge[stopped]",
    "lost": ":red-badge[lost]",
}


def draw() -> None:
    """Every repetition of a published system; nothing where there is none."""
    found = repetitions.repetitions()
    if not found:
        return
    active = any(one.job.state == "running" for one in found)
    with st.expander(f"Published systems trained anew ({len(found)})", expanded=active):
        st.fragment(_live, run_every=_EVERY_S if active else None)(active)


def _live(active: bool) -> None:
    found = repetitions.repetitions()
    if active != any(one.job.state == "running" for one in found):
        st.rerun(scope="app")
    for one in found:
        _draw(one)


def _draw(one: Repetition) -> None:
    job, key = one.job, one.job.folder.name
    st.markdown(f"**{plain(one.title)}** {_BADGES[job.state]}")
    if job.state == "running":
        words = "It stops after this step." if job.stopping else job.progress.message
        st.progress(job.progress.share, text=plain(words))
    elif job.message:
        st.caption(f"{plain(job.message).capitalize()}.")
    epochs = {name: rows for name, rows in one.trainings.items() if rows}
    if epochs:
        # The last choice of a person, else the training that has the newest epoch.
        names = list(epochs)
        newest = max(names, key=lambda name: _changed(job, name))
        shown = st.selectbox("Training", names, index=names.index(newest), key=f"curve_{key}")
        rows = epochs[shown]
        draw_plot(
            plots.losses_of(shown, rows),
            key=f"losses_{key}_{shown}",
            alt="Training and validation loss by epoch",
        )
        best = min(rows, key=lambda row: row.metrics["loss"])
        st.caption(
            f"{several(len(rows), 'epoch')}; least validation loss {best.metrics['loss']:.3g} in "
            f"epoch {best.number + 1}."
        )
    with st.container(horizontal=True, gap="small"):
        if job.state == "running":
            st.button(
                "Stop",
                key=f"stop_{key}",
                icon=":material/stop:",
                disabled=job.stopping,
                on_click=_stop,
                args=(job,),
                help="It saves its state; Resume goes on from there.",
            )
        elif job.state != "done":
            st.button(
                "Resume",
                key=f"resume_{key}",
                icon=":material/resume:",
                on_click=_resume,
                args=(job,),
            )
    with st.popover("Log"):
        st.code(job.log() or "What it prints is at the terminal that started it.", language=None)


def _changed(job: Job, name: str) -> float:
    folder = job.folder if name == "training" else job.folder / name
    return (folder / "epochs.jsonl").stat().st_mtime


def _stop(job: Job) -> None:
    try:
        repetitions.ask_to_stop(job, signed_in.person())
    except NotAllowed as refusal:
        st.warning(plain(str(refusal)))


def _resume(job: Job) -> None:
    try:
        repetitions.resume(job, signed_in.person())
    except (JobRunning, NotAllowed) as refusal:
        st.warning(plain(str(refusal)))
