"""Sets that were sent before, and a browser of a set's pictures in which labels are mended."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from core.access.rights import NotAllowed
from core.datasets.fields import read_rgb
from core.datasets.intake import corrections
from core.datasets.intake.imported_set import Intake
from core.datasets.intake.split.parts import PARTS
from core.taxonomy import title, trainable_classes
from core.training.runs import sent_archives
from pages.parts import signed_in
from pages.parts.wording import plain, several

_PAGE: Final = 12
_ACROSS: Final = 4
_REFUSED: Final = "library_refused"


def choose() -> Path | None:
    """A set that was sent before; None where there is none, or none is chosen."""
    sets = {str(one.folder): one for one in sent_archives.sent_sets()}
    if not sets:
        return None
    if st.session_state.get("sent_before") not in sets:
        st.session_state.pop("sent_before", None)
    chosen = st.selectbox(
        "Or one that was sent before",
        list(sets),
        index=None,
        format_func=lambda name: f"{sets[name].title}, version {sets[name].version}",
        key="sent_before",
    )
    if chosen is None:
        return None
    one = sets[chosen]
    fixed = f", {several(one.corrected, 'picture')} corrected" if one.corrected else ""
    st.caption(
        f"{several(one.files, 'file')}, {one.megabytes:,.1f} MB, sent {one.at:%d %b %Y %H:%M} UTC"
        f"{fixed}."
    )
    with st.popover("Delete this set", icon=":material/delete:"):
        st.caption("Its pictures and corrections are removed for good.")
        st.button("Delete", key="delete_set", on_click=_delete, args=(one.folder,))
    _said()
    return one.folder


def browse(found: Intake[Any]) -> None:
    """Pictures of a set by class and part; those of a sent set can be relabelled or left out."""
    if not sent_archives.is_sent(found.root):
        return
    out = [file for file, label in corrections.standing(found.root).items() if not label]
    with st.expander("Look at the pictures, mend labels"):
        left, right = st.columns(2)
        kinds = [*dict.fromkeys(found.labels), *(["left out"] if out else [])]
        kind = left.selectbox(
            "Class", kinds, format_func=lambda name: _title(name), key="browse_class"
        )
        part = right.selectbox(
            "Part", ["all", *PARTS], key="browse_part", disabled=kind == "left out"
        )
        files = out if kind == "left out" else _files(found, str(kind), str(part))
        pages = max(1, -(-len(files) // _PAGE))
        number = st.number_input(f"Page of {pages}", 1, pages, key=f"browse_page_{kind}_{part}")
        shown = files[(int(number) - 1) * _PAGE :][:_PAGE]
        for first in range(0, len(shown), _ACROSS):
            for side, file in zip(st.columns(_ACROSS), shown[first:], strict=False):
                _picture(side, found.root / file)
                side.checkbox(plain(Path(file).name), key=f"pick_{found.root.name}_{file}")
        names = [*trainable_classes()]
        label = st.selectbox("They are", names, format_func=title, key="browse_label")
        with st.container(horizontal=True):
            for key, words, meaning in (
                ("relabel", "Change the class", label),
                ("leave_out", "Leave out", corrections.LEFT_OUT),
                ("take_back", "As they came", None),
            ):
                st.button(words, key=key, on_click=_mend, args=(found.root, shown, meaning))
        _said()
        rows = [
            {"Picture": row.file, "Is": _meaning(row.label), "By": row.by, "At": row.at}
            for row in reversed(corrections.history(found.root))
        ]
        if rows:
            st.dataframe(rows, hide_index=True, height=160, key="corrections")


def _title(name: str) -> str:
    return "Left out" if name == "left out" else title(name)


def _meaning(label: str | None) -> str:
    return "as it came" if label is None else title(label) if label else "left out"


def _files(found: Intake[Any], label: str, part: str) -> list[str]:
    wanted = range(len(found.items)) if part == "all" else found.parts[PARTS.index(part)]
    return [
        found.items[i].path.relative_to(found.root).as_posix()
        for i in wanted
        if found.labels[i] == label
    ]


def _picture(side: Any, path: Path) -> None:
    try:
        side.image(read_rgb(path), width="stretch")
    except OSError:
        side.caption("cannot be read")


def _mend(root: Path, shown: Sequence[str], label: str | None) -> None:
    state = st.session_state
    picked = [file for file in shown if state.get(f"pick_{root.name}_{file}")]
    if not picked:
        state[_REFUSED] = "Pick pictures first"
        return
    try:
        sent_archives.correct(root, picked, label, signed_in.person())
    except (ValueError, NotAllowed, OSError) as refusal:
        state[_REFUSED] = str(refusal)
        return
    for file in picked:
        state[f"pick_{root.name}_{file}"] = False
    state.pop("intake", None)  # it is read again


def _delete(folder: Path) -> None:
    try:
        sent_archives.delete_set(folder, signed_in.person())
    except (ValueError, NotAllowed, OSError) as refusal:
        st.session_state[_REFUSED] = str(refusal)
        return
    st.session_state.pop("intake", None)


def _said() -> None:
    refused = st.session_state.pop(_REFUSED, None)
    if refused:
        st.warning(f"{plain(str(refused))}.")
