"""The right side of Fine-tune: one run as it goes, others laid over it, and all of them in a table.

Everything is read from the database, so it shows the same after a reload, in another browser, and
for a run started from a terminal.
"""

import time
from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from core.access.rights import NotAllowed
from core.store.runs import ENDED, Epoch, Run, RunRefused
from core.training.presets import RecipeInfo, recipe_info
from core.training.runs import folds, lifecycle, steps
from core.training.runs.forecast import best_epoch, epochs_csv, examples_per_second, seconds_left
from core.training.runs.side_by_side import side_by_side
from core.training.runs.tensorboard_files import tensorboard_zip
from pages.parts import signed_in
from pages.parts.kinds import ink
from pages.parts.plotting import draw_plot
from pages.parts.train import found as run_found
from pages.parts.train import plots as run_plots
from pages.parts.train import table as run_table
from pages.parts.train import within_epochs, wrong_pictures
from pages.parts.train import words as run_words
from pages.parts.wording import plain, several, time_left

EVERY_S = 2
_SMALL_EVERY_S = 10
_Action = Literal["pause", "resume", "stop", "discard"]
_ACTIVE = ("queued", "running")
_BADGES = {
    "queued": ":gray-badge[queued]",
    "running": ":violet-badge[running]",
    "paused": ":orange-badge[paused]",
    "stopped": ":blue-badge[stopped, best kept]",
    "failed": ":red-badge[failed]",
    "done": ":green-badge[done]",
    "lost": ":red-badge[lost]",
}


def show(name: str) -> None:
    """Make this the run on show; its name goes into the address, so that a reload finds it."""
    st.session_state.run_shown = name
    st.query_params["run"] = name


def draw() -> None:
    """Choice of runs, then the part that draws itself again while one is active."""
    everything = lifecycle.book().all()
    if not everything:
        st.info(
            "No run yet. Choose data and settings at the left, then start: the curves appear here, "
            "and stay when this page is closed.",
            icon=":material/show_chart:",
        )
        return
    names = [run.name for run in everything]
    titles = {run.name: _name(run) for run in everything}
    if st.session_state.get("run_shown") not in names:
        running = [run.name for run in everything if run.state == "running"]
        requested = st.query_params.get("run")
        st.session_state.run_shown = requested if requested in names else (running or names)[0]
    left, right = st.columns([1, 1])
    shown = left.selectbox("Run", names, format_func=lambda name: titles[name], key="run_shown")
    st.query_params["run"] = shown
    recipe = next(run.recipe for run in everything if run.name == shown)
    others = [run.name for run in everything if run.name != shown and run.recipe == recipe]
    kept = [name for name in st.session_state.get("runs_beside", []) if name in others]
    st.session_state.runs_beside = kept
    beside = right.multiselect(
        "Lay over it", others, format_func=lambda name: titles[name], key="runs_beside"
    )
    active = any(run.state in _ACTIVE for run in everything)
    st.fragment(_live, run_every=EVERY_S if active else None)(shown, beside, active)
    run_table.draw(everything)


def _live(shown: str, beside: list[str], active: bool) -> None:
    """Draws itself again every two seconds; asks for the whole page when a run ends or begins."""
    lifecycle.watch()
    book = lifecycle.book()
    run = book.find(shown)
    if run is None or run.state == "discarded":
        st.session_state.pop("run_shown", None)
        st.rerun(scope="app")
    now_active = any(other.state in _ACTIVE for other in book.all())
    before = st.session_state.get("state_shown")
    st.session_state.state_shown = (run.name, run.state)
    if now_active != active or (before and before[0] == run.name and before[1] != run.state):
        st.rerun(scope="app")
    others = [other for name in beside if (other := book.find(name)) is not None]
    curves = [(one, run_table.epochs_of(one)) for one in (run, *others)]
    rows = curves[0][1]
    _head(run, rows)
    _buttons(run, rows)
    _said(run, rows)
    folder = lifecycle.folder_of(run)
    begun = (folder / steps.STEPS).is_file()
    # Not an expander: Plotly cannot lay out a plot that has no room.
    if begun and (not rows or st.toggle("Within epochs", key="within_epochs")):
        within_epochs.draw(run, rows)
    if not any(epochs for _, epochs in curves):
        begins = "These" if begun else "The curves"
        st.caption(f"{begins} go on with each epoch's validation.")
        return
    plots = _plots(curves)
    draw_plot(plots["losses"], key="losses", alt="Training and validation loss by epoch")
    left, right = st.columns([3, 2])
    with left:
        draw_plot(plots["metric"], key="metric", alt="Validation score by epoch")
    with right:
        draw_plot(plots["rates"], key="rates", alt="Learning rate by epoch")
    wrong_pictures.draw(run)
    run_found.draw(run)
    if len(curves) > 1:
        st.dataframe(side_by_side(curves), hide_index=True, key="side_by_side")
    if plots["recalls"] is not None:
        st.caption("Recall of each class on the validation cells")
        draw_plot(plots["recalls"], key="recalls", alt="Recall of each class by epoch")


def _plots(curves: run_plots.Curves) -> Mapping[str, Any]:
    """The plots of these curves; made anew only when a point was added or taken away.

    The small multiples are a line for each run and class: with several runs the browser gets new
    ones at most every ten seconds, or it would do little else.
    """
    which = (ink(), [(run.id, run.state, run.facts) for run, _ in curves])
    points = [[row.train_loss for row in rows] for _, rows in curves]
    kept = st.session_state.get("run_plots")
    if kept is None or kept[:2] != (which, points):
        made = {
            "losses": run_plots.losses(curves),
            "metric": run_plots.metric(curves, recipe_info(curves[0][0].recipe)),
            "rates": run_plots.rates(curves),
        }
        drawn_at = time.monotonic()
        if kept and kept[0] == which and len(curves) > 3 and drawn_at - kept[3] < _SMALL_EVERY_S:
            made["recalls"], drawn_at = kept[2]["recalls"], kept[3]
        else:
            made["recalls"] = run_plots.recalls(curves)
        kept = st.session_state.run_plots = (which, points, made, drawn_at)
    return dict(kept[2])


def _head(run: Run, rows: list[Epoch]) -> None:
    total, where, info = run.settings["epochs"], run.progress or {}, recipe_info(run.recipe)
    tags = "".join(f" :gray-badge[{plain(tag)}]" for tag in run.tags or ())
    st.markdown(f"**{plain(run.label)}** {_BADGES[run.state]}{tags}")
    if run.note:
        st.caption(plain(run.note))
    _folds(run, info)
    kept = (run.facts or {}).get("rehearsal")
    if kept:
        st.caption(f"Keeps the classes that were known: {plain(str(kept))}.")
    best, speed = best_epoch(rows), examples_per_second(run, rows)
    # Minutes take more room than counts.
    numbers = st.columns([2, 2, 2, 3])
    numbers[0].metric("Epochs", f"{len(rows)} of {total}")
    reached = None if best is None else best.metrics.get(info.metric)
    baseline = (run.facts or {}).get("baseline")
    naive = "" if baseline is None else f" A naive answer reaches {baseline:.3f}."
    numbers[1].metric(
        f"Best {_short(info)}, epoch {best.number + 1}" if best else f"Best {_short(info)}",
        "not yet" if reached is None else f"{reached:.3f}",
        help=f"{info.metric_title}.{naive}",
    )
    numbers[2].metric("Pictures a second", "not yet" if speed is None else f"{speed:.0f}")
    if run.state == "running":
        left = time_left(seconds_left(run, rows)).removesuffix(" left")
        numbers[3].metric("Left", left.removeprefix("time left ").capitalize())
        batches = max(1, where.get("batches", 1))
        words = "Reading the data"
        phases = steps.read_phases(lifecycle.folder_of(run))
        if phases is not None and phases.present == "calibrating":
            words = "Calibrating the best epoch's model on the validation part"
        elif where:
            words = f"Epoch {where['epoch'] + 1}: batch {where['batch']} of {batches}"
            if where["batch"] == batches:
                words = f"Epoch {where['epoch'] + 1}: validating"
        st.progress(where.get("batch", 0) / batches, text=words)
    else:
        numbers[3].metric("Device", run.device or "not yet")


def _folds(run: Run, info: RecipeInfo) -> None:
    """What the folds of a cross-validation reach together; nothing for a run that is none."""
    try:
        runs = folds.siblings(run)
    except RunRefused as refusal:
        st.caption(plain(str(refusal)))
        return
    found = folds.scores(runs, info.metric) if runs else None
    if runs:
        ended = sum(one.state == "done" for one in runs)
        words = f"Cross-validation: {ended} of {several(len(runs), 'fold')} done."
        if found is not None:
            spread = "" if found.spread is None else f", standard deviation {found.spread:.3f}"
            words += (
                f" {info.metric_title}, mean of {several(len(found.scores), 'fold')}: "
                f"{found.mean:.3f}{spread} ({min(found.scores):.3f} to {max(found.scores):.3f})."
            )
        st.caption(words)


def _short(info: RecipeInfo) -> str:
    """``accuracy`` of "Accuracy on validation cells", ``count error`` of "Count error, cells"."""
    first = info.metric_title.split(",")[0].split(" on ")[0].split(" (")[0]
    return first if first.isupper() else first.lower()


def _buttons(run: Run, rows: list[Epoch]) -> None:
    with st.container(horizontal=True, gap="small"):
        _button(run, "pause", "Pause", ":material/pause:", "Its process ends; it can go on later.")
        _button(run, "resume", "Resume", ":material/resume:", "Goes on exactly where it was.")
        _button(
            run,
            "stop",
            "Stop and keep the best",
            ":material/stop:",
            "Ends for good; the model of the best epoch so far is kept.",
        )
        ended = run.state in ENDED
        with st.popover(
            "Delete" if ended else "Cancel and discard",
            icon=":material/delete:",
            disabled=not run.allows("discard"),
        ):
            st.markdown(
                f"Everything that {plain(run.title)} has learnt is deleted"
                f"{', its model too; a promoted copy stays' if run.model_identity else ''}."
            )
            words = "Delete this run" if ended else "Discard this run"
            _button(run, "discard", words, ":material/delete:", None)
        run_words.draw(run)
        st.button(
            "Copy settings",
            key="copy_settings",
            icon=":material/content_copy:",
            type="tertiary",
            on_click=_copy,
            args=(run,),
        )
        st.download_button(
            "CSV",
            data=lambda: epochs_csv(run, rows),
            file_name=f"{run.name}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
            help="Every epoch as a row.",
            key="download_epochs",
        )
        st.download_button(
            "TensorBoard",
            data=lambda: tensorboard_zip(run, rows),
            file_name=f"{run.name}-tensorboard.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
            key="download_tensorboard",
        )


def _button(
    run: Run,
    action: _Action,
    words: str,
    icon: str,
    tip: str | None,
) -> None:
    already_asked = run.state == "running" and run.request == action
    st.button(
        words,
        key=f"do_{action}",
        icon=icon,
        help=tip,
        disabled=already_asked or not run.allows(action),
        on_click=_act,
        args=(run.id, action),
    )


def _act(run_id: int, action: _Action) -> None:
    try:
        lifecycle.act(run_id, action, signed_in.person())
    except (RunRefused, NotAllowed) as refusal:
        # Its state changed between drawing the button and pressing it.
        st.session_state.run_notice = str(refusal)
    st.rerun()  # the whole page: the table of runs shows the state too


def _copy(run: Run) -> None:
    st.session_state.recipe = run.recipe
    st.session_state.copied_settings = (dict(run.settings), dict(run.options))


def _said(run: Run, rows: list[Epoch]) -> None:
    notice = st.session_state.pop("run_notice", None)
    if notice:
        st.warning(plain(notice), icon=":material/info:")
    if run.request and run.state == "running":
        st.caption(f"Asked to {run.request}; it does so after the present batch.")
    if run.state == "queued":
        st.caption("It waits for the runs before it.")
    elif run.state == "lost":
        st.error(
            f"The run was lost: {plain(run.message or '')}. Resume goes on from the last "
            "checkpoint and gives the same model as if nothing had happened.",
            icon=":material/error:",
        )
    elif run.state == "failed":
        st.error(f"The run failed: {plain(run.message or '')}.", icon=":material/error:")
    elif run.model_identity:
        early = run.state == "done" and len(rows) < run.settings["epochs"]
        patience = several(run.settings["patience"], "epoch")
        why = f"Ended early: no better score for {patience}. " if early else ""
        st.caption(f"{why}Its model: {plain(run.model_identity)}")
    with st.expander("Log", expanded=run.state in ("lost", "failed")):
        st.code(lifecycle.read_log(run, 6000) or "nothing yet", language=None, height=180)


def _name(run: Run) -> str:
    """Label and moment, for a list; without its state, which the list would not follow."""
    return f"{run.label} ({run.created_at:%d %b %H:%M})"
