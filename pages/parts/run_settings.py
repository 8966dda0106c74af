"""Step 2 of Fine-tune: a preset first, every number folded beneath it."""

from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from core.training.loop_settings import RANGES, SCHEDULES, LoopSettings, loop_settings
from core.training.presets import RecipeInfo, checked_options, recipe_info
from pages.parts.wording import plain

_TITLES = {
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "learning_rate": "Learning rate",
    "weight_decay": "Weight decay",
    "warmup_steps": "Warm-up steps",
    "patience": "Patience",
    "averaging": "Averaging of weights",
    "seed": "Seed",
    "workers": "Loader processes",
}
_TIPS = {
    "patience": " Epochs without a better score after which the run ends.",
    "averaging": " Share of the averaged weights that each step keeps; 0 switches averaging off.",
    "workers": " Processes that prepare pictures; 0 lets the training do it.",
}
_OPTIONS = {"start": "Begin with", "backbone": "Network", "frozen": "Frozen", "stains": "Stains"}
_WORDS = {
    "imagenet": "ImageNet weights",
    "live": "the live model",
    "random": "nothing learnt",
    "nothing": "nothing",
    "backbone": "all but the last layer",
}


@dataclass(frozen=True)
class ChosenSettings:
    """Numbers of the loop and the recipe's own choices."""

    loop: LoopSettings
    options: dict[str, Any]


def use(recipe: str, loop: dict[str, Any], options: dict[str, Any]) -> None:
    """Put these settings into the widgets with the next redraw: a preset's, or another run's."""
    for name in _TITLES:
        st.session_state[f"set_{name}"] = str(loop[name])
    st.session_state.set_schedule = loop["schedule"]
    for name, values in recipe_info(recipe).options.items():
        if name in _OPTIONS:
            st.session_state[f"option_{name}"] = options.get(name, values[0])


def draw() -> None:
    """The step; the choice is left in ``session_state.run_settings``, None if out of range."""
    with st.container(border=True):
        st.subheader("2 Settings", anchor=False)
        info = recipe_info(st.session_state.recipe)
        names = [preset.name for preset in info.presets]
        first = names.index("fine-tune") if "fine-tune" in names else 0
        preset = info.preset(
            st.selectbox(
                "Preset",
                names,
                index=first,
                format_func=lambda name: name[0].upper() + name[1:],
                key=f"preset_{info.name}",
            )
        )
        st.caption(preset.why)
        copied = st.session_state.pop("copied_settings", None)
        if copied is not None:
            use(info.name, *copied)
            st.session_state.preset_used = (info.name, preset.name)
        if st.session_state.get("preset_used") != (info.name, preset.name):
            use(info.name, asdict(preset.settings), preset.options)
            st.session_state.preset_used = (info.name, preset.name)
        with st.expander("Details"):
            st.session_state.run_settings = _details(info)
        if st.session_state.run_settings is None:
            st.caption("One of the details is out of its range: open them to see which.")


def _details(info: RecipeInfo) -> ChosenSettings | None:
    values: dict[str, Any] = {}
    sides = st.columns(2)
    for place, (name, words) in enumerate(_TITLES.items()):
        low, high = RANGES[name]
        # Typed as text: a number field would silently turn a value out of range into another.
        typed = sides[place % 2].text_input(
            words, key=_kept(f"set_{name}"), help=f"From {low:g} to {high:g}.{_TIPS.get(name, '')}"
        )
        try:
            values[name] = _number(name, typed)
        except ValueError:
            values[name] = typed
    values["schedule"] = st.segmented_control(
        "Learning rate over time", SCHEDULES, key=_kept("set_schedule"), required=True
    )
    options = {
        name: st.selectbox(
            words,
            info.options[name],
            format_func=lambda value: _WORDS.get(value, value),
            key=_kept(f"option_{name}"),
        )
        for name, words in _OPTIONS.items()
        if name in info.options
    }
    try:
        return ChosenSettings(loop_settings(values), checked_options(info.name, options))
    except ValueError as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return None


def _kept(key: str) -> str:
    """The key; its value outlives a screen where the widget is not drawn.

    A copy is put back only where Streamlit dropped the value: setting it at every redraw would
    overwrite what a person types meanwhile.
    """
    copy = f"kept_{key}"
    if key in st.session_state:
        st.session_state[copy] = st.session_state[key]
    elif copy in st.session_state:
        st.session_state[key] = st.session_state[copy]
    return key


def _number(name: str, typed: str) -> float:
    whole = isinstance(getattr(LoopSettings, name), int)
    return int(typed) if whole else float(typed)
