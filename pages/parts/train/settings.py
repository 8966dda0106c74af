"""Step 2 of Fine-tune: a preset first, every number folded beneath it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from core.training.intakes import LAYOUTS
from core.training.loop.settings import (
    OPTIMIZERS,
    RANGES,
    SCHEDULES,
    LoopSettings,
    check_number,
    loop_settings,
)
from core.training.presets import Preset, RecipeInfo, checked_options, recipe_info
from core.training.recipe_info import OptionValue
from pages.parts.train import rate_finder
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
    "accumulation": "Batches a step",
}
_TIPS = {
    "patience": " Epochs without a better score after which the run ends.",
    "averaging": " Share of the averaged weights that each step keeps; 0 switches averaging off.",
    "workers": " Processes that prepare pictures; 0 lets the training do it.",
    "accumulation": " Batches whose gradients make one step: more pictures without more memory.",
}
_OPTIONS = {
    "start": "Begin with",
    "network": "Kind of network",
    "backbone": "Network",
    "enlarged_px": "Enlarged inside",
    "keep_start": "Keep of the weights begun with",
    "frozen": "Frozen",
    "augmentation": "Pictures are varied by",
    "class_weights": "Weights of classes",
    "sampler": "Cells are drawn",
    "loss": "Loss",
    "mixup": "Blended in pairs (mixup)",
    "rehearsal": "Known classes rehearsed",
    "stains": "Stains",
}
_WORDS = {
    ("start", "imagenet"): "ImageNet weights",
    ("start", "live"): "the live model",
    ("start", "random"): "nothing learnt",
    ("network", "map"): "a map that sums to the count",
    ("network", "published"): "as published",
    ("backbone", "imagenet"): "ImageNet's first layers",
    ("backbone", "cells"): "the live classifier's first layers",
    ("frozen", "half"): "the first half",
    ("frozen", "backbone"): "all but the last layer",
    ("augmentation", "stains"): "turning and stain",
    ("augmentation", "published"): "flips and rotation",
    ("augmentation", "autoaugment"): "AutoAugment",
    ("augmentation", "none"): "nothing",
    ("class_weights", "none"): "every cell counts the same",
    ("class_weights", "balanced"): "every class counts the same",
}


@dataclass(frozen=True)
class ChosenSettings:
    """Numbers of the loop and the recipe's own choices."""

    loop: LoopSettings
    options: dict[str, OptionValue]


def use(recipe: str, loop: Mapping[str, object], options: Mapping[str, object]) -> None:
    """Show these settings from the next redraw on: a preset's, or another run's."""
    # What an earlier version did not know had today's default.
    values: dict[str, object] = {
        name: str(loop.get(name, getattr(LoopSettings, name))) for name in _TITLES
    }
    values["schedule"] = loop["schedule"]
    for name in ("optimizer", "bfloat16"):
        values[name] = loop.get(name, getattr(LoopSettings, name))
    for name, known in recipe_info(recipe).options.items():
        values[name] = options.get(name, known[0])
    _begin(values)


def _put(name: str, value: str) -> None:
    """Change one number and leave the others as they are typed."""
    _begin({**st.session_state.settings_latest, name: value})


def _begin(values: dict[str, object]) -> None:
    st.session_state.settings_round = st.session_state.get("settings_round", 0) + 1
    st.session_state.settings_started = values
    st.session_state.settings_latest = dict(values)


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
            st.session_state.run_settings = _details(info, preset)
        if st.session_state.run_settings is None:
            st.caption("One of the details is out of its range: open them to see which.")
        rate_finder.draw(lambda rate: _put("learning_rate", f"{rate:g}"))


def _details(info: RecipeInfo, preset: Preset) -> ChosenSettings | None:
    values: dict[str, object] = {}
    refused = False
    sides = st.columns(2)
    for place, (name, words) in enumerate(_TITLES.items()):
        low, high = RANGES[name]
        # Typed as text: a number field would silently turn a value out of range into another.
        typed = sides[place % 2].text_input(
            words,
            key=_key(name),
            value=_started(name),
            help=f"From {low:.10g} to {high:.10g}.{_TIPS.get(name, '')}",
        )
        try:
            values[name] = _number(name, typed)
        except ValueError:
            values[name] = typed
        try:
            check_number(name, values[name])
        except ValueError as refusal:
            # Beneath the field: under the whole form it would be out of sight.
            sentence = f"{words}{str(refusal).removeprefix(name)}"
            sides[place % 2].caption(f":red[{plain(sentence)}]")
            refused = True
    values["schedule"] = st.segmented_control(
        "Learning rate over time",
        SCHEDULES,
        key=_key("schedule"),
        default=_started("schedule"),
        required=True,
    )
    left, right = st.columns(2)
    values["optimizer"] = left.segmented_control(
        "Optimizer",
        OPTIMIZERS,
        format_func=lambda name: {"adamw": "AdamW"}.get(name, "Adam"),
        key=_key("optimizer"),
        default=_started("optimizer"),
        required=True,
    )
    values["bfloat16"] = right.toggle(
        "Mixed precision", key=_key("bfloat16"), value=_started("bfloat16")
    )
    options: dict[str, OptionValue] = {
        name: _choice(name, info) for name in _OPTIONS if name in info.options
    }
    layout = preset.options.get("layout")
    if layout is not None and layout not in LAYOUTS.get(info.name, ()):
        options["layout"] = layout  # a public set of the preset's own
    if refused:
        return None
    try:
        return ChosenSettings(loop_settings(values), checked_options(info.name, options))
    except ValueError as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return None


def _choice(name: str, info: RecipeInfo) -> str:
    known = info.options[name]
    return st.selectbox(
        _OPTIONS[name],
        known,
        index=known.index(_started(name)),
        format_func=lambda value: _WORDS.get((name, value), value),
        key=_key(name),
    )


def _key(name: str) -> str:
    """The widget's; other settings are other widgets.

    Putting a value into a widget that is there, through ``session_state``, is sent once, and lost
    where a click or a sent file interrupts that redraw: the browser then answers with an empty
    field. What a widget starts with is sent at every redraw.
    """
    return f"set_{name}_{st.session_state.settings_round}"


def _started(name: str) -> Any:
    """What its widget starts with; drawn again after another screen, what was last there."""
    latest = st.session_state.settings_latest
    if _key(name) in st.session_state:
        latest[name] = st.session_state[_key(name)]
    else:
        st.session_state.settings_started[name] = latest[name]
    return st.session_state.settings_started[name]


def _number(name: str, typed: str) -> float:
    whole = isinstance(getattr(LoopSettings, name), int)
    return int(typed) if whole else float(typed)
