"""Fine-tune: choose data, choose settings, start; watch what runs, wherever it was started."""

import streamlit as st

from core.access.people import Person
from core.store.database import DatabaseRefused, Unavailable
from core.training.advice import before_start
from core.training.choices import FOLD_NUMBERS
from core.training.presets import recipe_info
from core.training.runs import folds, lifecycle
from pages.parts import pressed, signed_in
from pages.parts.train import data as run_data
from pages.parts.train import published
from pages.parts.train import settings as run_settings
from pages.parts.train import watch as run_watch
from pages.parts.train.data import ChosenData
from pages.parts.train.settings import ChosenSettings
from pages.parts.wording import plain

_START = "start_training"


def _start(who: Person) -> None:
    with st.container(border=True):
        st.subheader("3 Start", anchor=False)
        data: ChosenData | None = st.session_state.get("run_data")
        settings: ChosenSettings | None = st.session_state.get("run_settings")
        if data is None or settings is None:
            missing = "data that can be trained on" if data is None else "settings in their ranges"
            st.caption(f"Training needs {missing}.")
        else:
            for sentence in before_start(recipe_info(data.recipe), settings.loop, data.counts):
                st.warning(plain(sentence), icon=":material/warning:")
        of = _folds(data)
        st.button(
            "Start training",
            key=_START,
            type="primary",
            icon=":material/play_arrow:",
            disabled=data is None or settings is None,
            on_click=pressed.keep,
            args=(_START,),
        )
        # Here and not in the callback: by the data and the settings that this run has drawn.
        if pressed.take(_START) and data is not None and settings is not None:
            options = {**settings.options, **data.options}
            what = data.recipe, data.folder, settings.loop, options
            if of:
                run = folds.submit_folds(*what, of, who=who, title=data.title)[0]
            else:
                run = lifecycle.submit(*what, who=who, title=data.title)
            lifecycle.start_next()
            run_watch.show(run.name)


def _folds(data: ChosenData | None) -> int:
    """How many folds were chosen; 0 for the set's own test part, or where there are none to choose.

    A class with fewer pictures than folds would be missing in one of them.
    """
    if data is None or data.counts is None or data.options.get("layout") != "folders":
        return 0
    rarest = min(sum(sizes) for sizes in data.counts.values())
    chosen = st.selectbox(
        "Test cells",
        [0, *(of for of in FOLD_NUMBERS if of <= rarest)],
        format_func=lambda of: f"cross-validation, {of} folds" if of else "the set's test part",
        key="folds",
        help="Cross-validation trains a model for each fold, one after the other.",
    )
    return int(chosen or 0)


def main() -> None:
    """Draw the screen."""
    st.title("Fine-tune", anchor=False)
    who = signed_in.allowed("train")
    try:
        lifecycle.start_next()
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Runs cannot be kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    steps, watched = st.columns([4, 8], gap="medium")
    with steps:
        run_data.draw()
        run_settings.draw()
        _start(who)
    with watched, st.container(key="run_on_show"):
        run_watch.draw()
        published.draw()


main()
