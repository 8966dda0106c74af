"""Step 1 of Fine-tune: what is learnt, from which pictures, and what was found in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.access.folders import FolderRefused
from core.datasets.archive import ArchiveRefused
from core.datasets.fields import LabelledField
from core.datasets.intake.cells import CellIntake
from core.datasets.intake.fields import CountedField
from core.datasets.intake.imported_set import Intake
from core.datasets.intake.rows import totals
from core.datasets.intake.split.parts import PARTS
from core.datasets.skipped import DataRefused
from core.settings import settings
from core.taxonomy import title
from core.training.intakes import EXPECTED, LAYOUTS, read_own
from core.training.presets import RECIPES, meanings_of, recipe_info
from core.training.recipe_info import OptionValue
from core.training.runs.sent_archives import keep_archive, title_of
from pages.parts import signed_in, upload_limits
from pages.parts.kinds import STYLES
from pages.parts.plotting import draw_plot
from pages.parts.train import library, new_class, samples, verified_sets
from pages.parts.train import plots as run_plots
from pages.parts.wording import plain, several

_OWN, _SENT, _PUBLIC, _VERIFIED = "Folder", "ZIP", "Public set", "Verified"
_PUBLIC_SETS = {
    "wbc": ("pbc", "PBC single cells"),
    "locator": ("txl", "TXL-PBC fields"),
    "counts": ("txl", "TXL-PBC fields"),
    "palm": ("palm", "palm photos (Asare et al.)"),
}
_LAYOUT_WORDS = {
    "folders": "Class folders",
    "boxes": "Boxes (VOC, YOLO, COCO)",
    "counts": "Counts in a CSV",
    "photos": "Photos and a CSV",
}


@dataclass(frozen=True)
class ChosenData:
    """What a run learns from; ``options`` are the recipe's.

    ``counts`` are pictures of each kind in training, validation and test part, None for a public
    set.
    """

    recipe: str
    folder: Path
    title: str
    options: dict[str, OptionValue] = field(default_factory=dict)
    counts: Mapping[str, Sequence[int]] | None = None


def draw() -> None:
    """The step; what was chosen is left in ``session_state.run_data``, None if it cannot be."""
    with st.container(border=True):
        st.subheader("1 Data", anchor=False)
        recipe = st.selectbox(
            "What is learnt",
            list(RECIPES),
            index=list(RECIPES).index("wbc"),
            format_func=lambda name: RECIPES[name].title,
            key="recipe",
        )
        layouts = LAYOUTS.get(recipe, ())
        places = [_OWN, _SENT, _PUBLIC] if layouts else [_PUBLIC]
        if set(layouts) & verified_sets.KIND_OF.keys():
            places.insert(2, _VERIFIED)
        place = st.segmented_control(
            "Pictures from", places, default=places[0], required=True, key=f"place_{recipe}"
        )
        if place == _PUBLIC:
            st.session_state.run_data = _public(recipe)
            return
        layout = layouts[0]
        if place == _VERIFIED:
            layout = next(name for name in layouts if name in verified_sets.KIND_OF)
            folder = verified_sets.choose(layout)
            layout = verified_sets.layout_of(recipe, layout)
            st.session_state.run_data = _own(recipe, layout, folder) if folder else None
            return
        if len(layouts) > 1:
            layout = st.segmented_control(
                "Labelled by",
                layouts,
                default=layouts[0],
                required=True,
                format_func=lambda name: _LAYOUT_WORDS[name],
                key=f"layout_{recipe}",
            )
        folder = _sent() if place == _SENT else _typed()
        st.session_state.run_data = _own(recipe, str(layout), folder)


def _public(recipe: str) -> ChosenData | None:
    name, what = _PUBLIC_SETS[recipe]
    folder = settings().data
    if not (folder / name).is_dir():
        st.warning(
            f"The set {what} is not in {plain(str(folder))}. HEMADESK_DATA names the folder of "
            f"the public sets; `python -m core datasets fetch {name}` gets it.",
            icon=":material/info:",
        )
        return None
    st.caption(f"{what}. Near-duplicates stay on one side; copies of test pictures are left out.")
    return ChosenData(recipe, folder, what)


def _typed() -> Path | None:
    typed = st.text_input(
        "Folder on this computer",
        key="data_folder",
        placeholder="/home/lab/pictures",
    )
    if not typed.strip():
        return None
    try:
        return signed_in.folder(typed)
    except FolderRefused as refusal:
        st.error(f"{plain(str(refusal))}.", icon=":material/error:")
        return None


def _sent() -> Path | None:
    most = settings().max_archive_mb
    sent = st.file_uploader(
        f"ZIP, at most {most:,.0f} MB",
        type=["zip"],
        key="data_zip",
        max_upload_size=upload_limits.at_most(most),
    )
    if sent is None:
        return library.choose()
    if sent.size > most * 1e6:
        st.error(
            f"{plain(sent.name)} was not taken: it has {sent.size / 1e6:,.0f} MB, at most "
            f"{most:,.0f} MB are taken (HEMADESK_MAX_ARCHIVE_MB). A folder on this computer has "
            "no such limit.",
            icon=":material/error:",
        )
        return None
    try:
        return keep_archive(sent.name, sent)
    except ArchiveRefused as refusal:
        st.error(
            f"{plain(sent.name)} was not taken: {plain(refusal.message)}.", icon=":material/error:"
        )
        return None


def _own(recipe: str, layout: str, folder: Path | None) -> ChosenData | None:
    if folder is None:
        st.caption(f"Expected: {EXPECTED[layout]} Pictures that cannot be read are listed.")
        return None
    named = st.session_state.setdefault("names", {}).setdefault(recipe, {})
    names = {own: label for own, label in named.items() if label is not None}
    try:
        found = _read(layout, folder, names)
    except DataRefused as refusal:
        st.error(f"Nothing to train on: {plain(str(refusal))}.", icon=":material/error:")
        return None
    _show(found)
    _name(recipe, found, named)
    confirmed = _confirm_vanished(found, str(folder))
    if found.problems:
        st.error(
            "This cannot be trained on: " + "; ".join(map(plain, found.problems)) + ".",
            icon=":material/error:",
        )
        return None
    if not confirmed:
        return None
    options: dict[str, OptionValue] = {"names": names} if names else {}
    if "layout" in recipe_info(recipe).options:
        options["layout"] = layout
    return ChosenData(recipe, folder, title_of(folder), options, found.counts())


def _confirm_vanished(found: Intake[Any], folder: str) -> bool:
    """A class of which nothing is left stops the start until a person says that this is meant."""
    if not found.vanished:
        return True
    gone = "; ".join(f"{title(name)}: {why}" for name, why in found.vanished)
    st.warning(f"Nothing of this would be learnt. {plain(gone)}.", icon=":material/warning:")
    names = ", ".join(title(name) for name, _ in found.vanished)
    return st.checkbox(f"Train without {plain(names)}", key=f"without_{folder}_{names}")


def _read(layout: str, folder: Path, names: dict[str, str]) -> Intake[Any]:
    """Read once in a session for the same folder and names."""
    key = (layout, str(folder), tuple(sorted(names.items())))
    kept = st.session_state.get("intake")
    if kept is not None and kept[0] == key:
        return kept[1]
    # The first time in an installation the pictures that models are judged on are put together.
    bar = st.progress(0.0, text="Looking up the locked test pictures, some seconds the first time")

    def report(done: int, total: int) -> None:
        if done % 50 == 0:
            bar.progress(done / max(1, total), text=f"Reading picture {done} of {total}")

    found = read_own(layout, folder, settings(), names=names, report=report)
    bar.empty()
    st.session_state.intake = (key, found)
    return found


def _show(found: Intake[Any]) -> None:
    counts = found.counts()
    # Fields are divided by the size of their pictures, which stands for the microscope.
    sort = "size" if all(name.endswith(" pixels") for name in counts) else "kind"
    if found.beside:
        st.info(" ".join(plain(note) for note in found.notes[:2]), icon=":material/group_add:")
    gone = ", ".join(title(name) for name, _ in found.vanished)
    st.markdown(
        f"**{several(len(found.items), 'picture')}** of {several(len(counts), sort)}, "
        f"{several(len(found.skipped), 'file')} left out, "
        f"{several(len(found.duplicates), 'duplicate')}, "
        f"{several(found.near_duplicates, 'near-duplicate')}."
        + (f" **Nothing of {plain(gone)} can be learnt.**" if gone else "")
    )
    if counts:
        draw_plot(
            run_plots.split_bars(counts), key="split_bars", alt="Pictures of each class and part"
        )
        if not found.beside:
            sizes = [len(part) for part in found.parts]
            words = ", ".join(f"{n:,} {name}" for n, name in zip(sizes, PARTS, strict=True))
            st.caption(f"Split: {words}; kept together by {plain(found.grouped_by)}.")
        if all(isinstance(item, CountedField | LabelledField) for item in found.items):
            st.dataframe(
                [
                    {"Cells": style.title}
                    | dict(zip(map(str.capitalize, PARTS), numbers, strict=True))
                    for style, numbers in zip(STYLES.values(), totals(found).values(), strict=True)
                ],
                hide_index=True,
            )
        samples.draw(found, list(counts))
        if isinstance(found, CellIntake):
            library.browse(found)
    notes = found.notes[2:] if found.beside else found.notes
    for note in notes[:5]:
        st.caption(plain(note[0].upper() + note[1:]))
    if len(notes) > 5:
        st.caption(f"And {len(notes) - 5} such notes more.")
    if found.skipped:
        with st.expander(f"Left out ({len(found.skipped):,})"):
            st.dataframe(
                [{"File": s.file, "Why": s.reason} for s in found.skipped],
                hide_index=True,
                height=220,
            )
    if found.duplicates:
        with st.expander(f"Duplicates ({len(found.duplicates):,})"):
            st.dataframe(
                [{"The same picture": ", ".join(group)} for group in found.duplicates],
                hide_index=True,
                height=220,
            )


def _name(recipe: str, found: Intake[Any], named: dict[str, str | None]) -> None:
    """A choice for every name of the folder's own that needs a meaning."""
    known = meanings_of(recipe_info(recipe))
    meanings = [None, *known, *([new_class.OWN] if recipe == "wbc" else [""])]
    words = {None: "leave out" if recipe == "wbc" else "not chosen yet", "": "leave such boxes out"}
    words[new_class.OWN] = "a class of its own ..."
    for own in dict.fromkeys([*found.unknown, *named]):
        known_as = named.get(own)
        # A class that was added is chosen by another widget: what a widget starts with counts once.
        added = "" if known_as in (None, "", *recipe_info(recipe).named) else f"_{known_as}"
        chosen = st.selectbox(
            f"What is {plain(own)}" if recipe != "wbc" else f"Class of folder {plain(own)}",
            meanings,
            index=meanings.index(known_as) if known_as in meanings else 0,
            format_func=lambda name: words.get(name) or title(str(name)),
            key=f"class_of_{own}{added}",
        )
        if chosen == new_class.OWN:
            new_class.draw(own)
        elif chosen != named.get(own):
            named[own] = chosen
            st.rerun()
