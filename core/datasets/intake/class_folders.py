"""Which class, slide and part the folders of a cell's picture name."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from core.datasets.intake.cell_names import UNDIVIDED, class_of_folder, subtype_of_file
from core.datasets.intake.matching import GENERIC
from core.datasets.intake.split.part_names import part_of_name
from core.datasets.intake.tree import common_folders, folders_of, stem_of, words_of
from core.taxonomy import parent_of

_WORD_LIST: Final = (
    "slide slides patient patients pat case cases subject person donor smear sample specimen "
    "film objekttraeger patientin proband"
)
_SLIDE_WORDS: Final = frozenset(_WORD_LIST.split())
_SEVERAL: Final = 3


def is_slide(folder: str) -> bool:
    """Does a folder's name say that it holds one slide, patient or case?"""
    return bool({*words_of(folder)} & _SLIDE_WORDS)


class Labeller:
    """Classes of pictures by the innermost of their folders that names one.

    ``asked`` are pictures whose class nobody knows -> the folder that should be given one.
    """

    def __init__(self, files: Sequence[str], names: Mapping[str, str]) -> None:
        self._names = names
        self._top = common_folders(files)
        depths = Counter(
            depth
            for file in files
            for depth, folder in enumerate(folders_of(file))
            if self._class(folder)
        )
        self._depth = depths.most_common(1)[0][0] if depths else None
        self._numbered = self._numbered_above(files)
        self.asked: dict[str, str] = {}

    def label(self, file: str) -> tuple[str | None, str]:
        """Class of a picture and "", or None and the reason."""
        named = self._named(file)
        if not named:
            folder = self._to_ask(file)
            if folder:
                self.asked[file] = folder
            return None, f"unknown class: {folder or 'no class folder'}"
        label, inner = named[-1][1], named[-1][0]
        for outer, other in named[:-1]:
            if other not in (label, parent_of(label)):
                return None, f"its folders name two classes: {outer} and {inner}"
        if label == UNDIVIDED:
            return subtype_of_file(stem_of(file)) or label, ""
        return label, ""

    def groups(self, file: str) -> tuple[str, ...]:
        """Slides and patients that its folders name: below the class, or above it by their name."""
        folders = folders_of(file)
        classes = [depth for depth, folder in enumerate(folders) if self._class(folder)]
        if not classes:
            return ()
        below = [f for f in folders[classes[-1] + 1 :] if not self._plain(f)]
        above = [
            folder
            for depth, folder in enumerate(folders[: classes[0]])
            if depth >= len(self._top) and (is_slide(folder) or folder in self._numbered)
        ]
        return ("/".join([*above, *below]),) if above or below else ()

    def _numbered_above(self, files: Sequence[str]) -> frozenset[str]:
        """Folders above a class that are numbered or dated (P001, 2023-11-05), of several."""
        at_depth: dict[int, set[str]] = defaultdict(set)
        for file in files:
            folders = folders_of(file)
            classes = [depth for depth, folder in enumerate(folders) if self._class(folder)]
            for depth in range(len(self._top), classes[0] if classes else 0):
                if any(map(str.isdigit, folders[depth])) and not self._plain(folders[depth]):
                    at_depth[depth].add(folders[depth])
        return frozenset(f for some in at_depth.values() if len(some) >= _SEVERAL for f in some)

    def _named(self, file: str) -> list[tuple[str, str]]:
        return [(f, label) for f in folders_of(file) if (label := self._class(f))]

    def _class(self, folder: str) -> str | None:
        return self._names.get(folder) or class_of_folder(folder)

    def _plain(self, folder: str) -> bool:
        return bool(part_of_name(folder)) or folder.casefold() in GENERIC

    def _to_ask(self, file: str) -> str:
        """The folder at the depth where others name classes, else the innermost no slide."""
        folders = folders_of(file)
        if self._depth is not None and len(folders) > self._depth:
            return folders[self._depth]
        own = [f for f in folders if not self._plain(f) and not is_slide(f)]
        return own[-1] if own else ""
