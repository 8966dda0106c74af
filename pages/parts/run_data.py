"""Step 1 of Fine-tune: what is learnt, from which pictures, and what was found in them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.datasets.archive import ArchiveRefused
from core.datasets.intake import PARTS, CellIntake, DataRefused, read_cells
from core.settings import settings
from core.taxonomy import WBC_CLASSES, title
from core.training.presets import RECIPES
from core.training.sets import keep_archive
from pages.parts import run_plots
from pages.parts.wording import plain

_OWN, _SENT, _PUBLIC = "Folder", "ZIP", "Public set"


@dataclass(frozen=True)
class ChosenData:
    """What a run learns from; ``options`` are the recipe's."""

    recipe: str
    folder: Path
    title: str
    options: dict[str, Any] = field(default_factory=dict)


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
        places = [_OWN, _SENT, _PUBLIC] if recipe == "wbc" else [_PUBLIC]
        place = st.segmented_control(
            "Pictures from", places, default=places[0], required=True, key=f"place_{recipe}"
        )
        if place == _PUBLIC:
            st.session_state.run_data = _public(recipe)
        else:
            st.session_state.run_data = _cells(_sent() if place == _SENT else _typed())


def _public(recipe: str) -> ChosenData | None:
    name, what = ("pbc", "PBC single cells") if recipe == "wbc" else ("txl", "TXL-PBC fields")
    folder = settings().data
    if not (folder / name).is_dir():
        st.warning(
            f"The set {what} is not in {plain(str(folder))}. HEMADESK_DATA names the folder of "
            "the public sets.",
            icon=":material/info:",
        )
        return None
    st.caption(f"{what}. Near-duplicates stay on one side; copies of test pictures are left out.")
    options = {"layout": "pbc"} if recipe == "wbc" else {}
    return ChosenData(recipe, folder, what, options)


def _typed() -> Path | None:
    said = st.text_input(
        "Folder of cells on this computer",
        key="data_folder",
        placeholder="/home/lab/cells",
        help="One folder for each class, with pictures of single cells in it.",
    )
    return Path(said.strip()).expanduser() if said.strip() else None


def _sent() -> Path | None:
    sent = st.file_uploader(
        "ZIP with a folder for each class", type=["zip"], key="data_zip", max_upload_size=50
    )
    if sent is None:
        return None
    try:
        return keep_archive(sent.name, sent)
    except ArchiveRefused as refusal:
        st.error(
            f"{plain(sent.name)} was not taken: {plain(refusal.message)}.", icon=":material/error:"
        )
        return None


def _cells(folder: Path | None) -> ChosenData | None:
    if folder is None:
        st.caption(
            "Expected is a folder for each class, named as your laboratory calls it (SNE, "
            "Lymphocytes, monocyte). Pictures that cannot be read are skipped and listed."
        )
        return None
    names = dict(st.session_state.get("class_names", {}))
    names = {key: name for key, name in names.items() if name}
    try:
        found = _read(folder, names)
    except DataRefused as refusal:
        st.error(f"Nothing to train on: {plain(str(refusal))}.", icon=":material/error:")
        return None
    _show(found)
    _name_classes(found)
    if found.problems:
        st.error(
            "This cannot be trained on: " + "; ".join(map(plain, found.problems)) + ".",
            icon=":material/error:",
        )
        return None
    options = {"layout": "folders", "names": names}
    return ChosenData("wbc", folder, folder.name, options)


def _read(folder: Path, names: dict[str, str]) -> CellIntake:
    """Read once in a session for the same folder and names."""
    key = (str(folder), tuple(sorted(names.items())))
    kept = st.session_state.get("intake")
    if kept is not None and kept[0] == key:
        return kept[1]
    bar = st.progress(0.0, text=f"Reading {plain(folder.name)}")

    def report(done: int, total: int) -> None:
        if done % 50 == 0:
            bar.progress(done / max(1, total), text=f"Reading picture {done} of {total}")

    found = read_cells(folder, settings(), names=names, report=report)
    bar.empty()
    st.session_state.intake = (key, found)
    return found


def _show(found: CellIntake) -> None:
    counts = found.counts()
    st.markdown(
        f"**{len(found.cells):,} cells** in {len(counts)} classes, "
        f"{len(found.skipped):,} files left out, {found.near_duplicates:,} near-duplicates."
    )
    if counts:
        st.plotly_chart(
            run_plots.split_bars(counts), key="split_bars", config={"displayModeBar": False}
        )
        sizes = [len(part) for part in found.parts]
        words = ", ".join(f"{n:,} {name}" for n, name in zip(sizes, PARTS, strict=True))
        st.caption(f"Split: {words}; kept together by {plain(found.grouped_by)}.")
        samples = [next(c for c in found.cells if c.label == name) for name in counts]
        st.image(
            [str(cell.path) for cell in samples[:8]],
            caption=[title(str(cell.label)) for cell in samples[:8]],
            width=72,
        )
    for note in found.notes:
        st.caption(plain(note[0].upper() + note[1:]))
    if found.skipped:
        with st.expander(f"Left out ({len(found.skipped):,})"):
            st.dataframe(
                [{"File": s.file, "Why": s.reason} for s in found.skipped],
                hide_index=True,
                height=220,
            )


def _name_classes(found: CellIntake) -> None:
    unknown = {s.reason.removeprefix("unknown class: ") for s in found.skipped
               if s.reason.startswith("unknown class: ")} - {"no class folder"}  # fmt: skip
    named = st.session_state.setdefault("class_names", {})
    folders = sorted(unknown | named.keys())
    if any("segmented or band" in note for note in found.notes):
        folders.append("neutrophil")
    for folder in dict.fromkeys(folders):
        said = st.selectbox(
            f"Class of folder {plain(folder)}",
            ["", *WBC_CLASSES],
            index=["", *WBC_CLASSES].index(named.get(folder, "")),
            format_func=lambda name: title(name) if name else "leave out",
            key=f"class_of_{folder}",
        )
        if said != named.get(folder, ""):
            named[folder] = said
            st.rerun()
