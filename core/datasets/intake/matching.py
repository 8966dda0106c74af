"""Which picture a label means: labels belong to a path, never to a bare name.

Tables and COCO files name pictures by whatever path they had where the file was written: relative,
absolute, with Windows' slashes, as an address. Here the longest matching path wins, and what fits
two pictures equally well fits none.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from core.datasets.intake.tree import common_folders, folder_of, words_of

_WORD_LIST: Final = (
    "image images img imgs jpegimages jpeg jpg png picture pictures photo photos data dataset "
    "upload uploads files media"
)
GENERIC: Final = frozenset(_WORD_LIST.split())
"""Folder names that say nothing about the slide, so that another may stand in their place."""


@dataclass(frozen=True)
class Assignment:
    """What labels were matched: picture -> labels that mean it, label -> why it means none."""

    of_picture: dict[str, tuple[int, ...]]
    unmatched: dict[int, str]


@dataclass(frozen=True)
class _Name:
    parts: tuple[str, ...]
    absolute: bool


def assign(labels: Sequence[str], file: str, pictures: Sequence[str]) -> Assignment:
    """Match the names that one label file uses with pictures.

    A label file stands for the pictures below its folder, or below the nearest folder above that
    holds any. Of two labels that mean one picture, the one that says more of its path wins; labels
    that say equally much all stand in ``of_picture``.

    Args:
        labels: names of pictures as the file writes them.
        file: the label file's path below the set's folder.
        pictures: paths below the set's folder, with slashes.
    """
    scope = _scope(file, pictures)
    index = _Index(pictures, scope, labels)
    claims: dict[str, list[tuple[tuple[int, int], int]]] = defaultdict(list)
    unmatched: dict[int, str] = {}
    for number, label in enumerate(labels):
        fits, strength = index.find(label, file)
        if len(fits) == 1:
            claims[fits[0]].append((strength, number))
        elif fits:
            unmatched[number] = f"{label} fits {_some(fits)}: write its folder too"
        else:
            unmatched[number] = f"{_short(label)} is named, but no such picture is there"
    of_picture = {}
    for picture, claimed in claims.items():
        most = max(strength for strength, _ in claimed)
        of_picture[picture] = tuple(number for strength, number in claimed if strength == most)
        for strength, number in claimed:
            if strength != most:
                unmatched[number] = f"{labels[number]}: another line names {picture} more exactly"
    return Assignment(of_picture, unmatched)


class _Index:
    """Pictures by name, and how a label's path is compared with theirs."""

    def __init__(self, pictures: Sequence[str], scope: str, labels: Sequence[str]) -> None:
        self._scope = scope
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for picture in pictures:
            name = PurePosixPath(picture)
            self._by_name[_plain(name.name)].append(picture)
            self._by_stem[_plain(name.stem)].append(picture)
        inside = [picture for picture in pictures if _below(picture, scope)]
        self._moved_to = len(common_folders(inside))
        self._moved_from = len(common_folders(["/".join(_name(text).parts) for text in labels]))

    def find(self, label: str, file: str) -> tuple[tuple[str, ...], tuple[int, int]]:
        """The pictures that fit best, and how much of their path was named."""
        for text in dict.fromkeys((label, unquote(label))):
            name = _name(text)
            if not name.parts:
                continue
            last = _plain(name.parts[-1])
            candidates = self._by_name.get(last) or self._by_stem.get(last) or []
            ranked: dict[tuple[int, int, int, int], list[str]] = defaultdict(list)
            for picture in candidates:
                rank = self._rank(name, picture, file)
                if rank is not None:
                    ranked[rank].append(picture)
            if ranked:
                best = max(ranked)
                fits = ranked[best]
                same = [p for p in fits if p.rpartition("/")[2] == name.parts[-1]]
                return tuple(same if len(same) == 1 else fits), best[:2]
        return (), (0, 0)

    def _rank(self, name: _Name, picture: str, file: str) -> tuple[int, int, int, int] | None:
        """How well a path fits; None where it means another folder."""
        theirs, ours = tuple(map(_plain, name.parts)), tuple(map(_plain, picture.split("/")))
        tail = 1
        while tail < min(len(theirs), len(ours)) and theirs[-tail - 1] == ours[-tail - 1]:
            tail += 1
        inside = _below(picture, self._scope)
        here = tuple(map(_plain, folder_of(file).split("/"))) if "/" in file else ()
        exact = int(ours in (theirs, (*here, *theirs)))
        rest_theirs, rest_ours = theirs[:-tail], ours[:-tail]
        if not exact and not inside and tail < 2:
            return None
        if rest_theirs and rest_ours and not self._moved(name, rest_theirs, rest_ours):
            return None
        hinted = int(bool({*words_of(PurePosixPath(file).stem)} & {*_folder_words(picture)}))
        return exact, tail, int(inside), hinted

    def _moved(self, name: _Name, theirs: Sequence[str], ours: Sequence[str]) -> bool:
        """May the two folders be one that was renamed: nothing but it differs in the whole set."""
        if len(theirs) > self._moved_from or len(ours) > self._moved_to:
            return False
        return name.absolute or theirs[-1] in GENERIC or ours[-1] in GENERIC


def _name(label: str) -> _Name:
    text = label.strip().strip("\"'").replace("\\", "/")
    if "?d=" in text:  # Label Studio's local files
        text = text.split("?d=", 1)[1]
    elif "://" in text:
        text = text.split("://", 1)[1].split("?", 1)[0]
        text = "/" + text
    absolute = text.startswith("/") or re.match(r"[A-Za-z]:", text) is not None
    text = re.sub(r"^[A-Za-z]:", "", text)
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return _Name(tuple(parts), absolute)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _below(picture: str, scope: str) -> bool:
    return not scope or picture.startswith(f"{scope}/")


def _scope(file: str, pictures: Sequence[str]) -> str:
    scope = folder_of(file)
    while scope and not any(_below(picture, scope) for picture in pictures):
        scope = folder_of(scope)
    return scope


def _folder_words(picture: str) -> Iterable[str]:
    return (word for folder in picture.split("/")[:-1] for word in words_of(folder))


def _some(fits: Sequence[str]) -> str:
    more = f" and {len(fits) - 2} more" if len(fits) > 2 else ""
    return f"{fits[0]}{', ' if more else ' and '}{fits[1]}{more} equally well"


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."
