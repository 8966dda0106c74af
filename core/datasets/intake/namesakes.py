"""Which annotation file belongs to a picture: beside it, or in a folder that stands for its own."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from core.datasets.intake.tree import Tree, folder_of, folders_of, stem_of, words_of

_WORD_LIST: Final = (
    "image images img imgs jpegimages jpeg jpg png picture pictures photo photos data obj label "
    "labels annotation annotations anno annos ann xml xmls txt txts bbox bboxes box boxes voc "
    "yolo gt ground truth groundtruth original originals raw labelled labeled"
)
_SWAPPED: Final = frozenset(_WORD_LIST.split())


def place_of(file: str) -> tuple[str, ...]:
    """The folders a file lies in, without those that only say images or labels."""
    return tuple(
        folder
        for folder in folders_of(file)
        if folder.casefold() not in _SWAPPED
        and not ({*words_of(folder)} and {*words_of(folder)} <= _SWAPPED)
    )


class Namesakes:
    """Annotation files by the pictures they stand for.

    A file stands for the picture of its name that lies beside it, or whose folder differs only in
    saying images for labels. Where all pictures lie in one folder and all annotations in another,
    the names of the two do not matter.
    """

    def __init__(self, tree: Tree, annotations: Sequence[str], masks: Sequence[str] = ()) -> None:
        self._tree = tree
        self._pictures: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
        pictures = [file for file in tree.pictures if file not in set(masks)]
        for file in pictures:
            self._pictures[place_of(file), stem_of(file)].append(file)
        apart = {folder_of(f) for f in pictures}, {folder_of(f) for f in annotations}
        self._single = len(apart[0]) == 1 and len(apart[1]) == 1
        self._of: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
        for file in annotations:
            place = () if self._single else place_of(file)
            self._of[place, stem_of(file)].append(file)
            # Some programs keep the picture's ending: 7.jpg.xml.
            inner = PurePosixPath(stem_of(file))
            if re.fullmatch(r"\.(jpe?g|png|bmp|tiff?|webp)", inner.suffix, re.IGNORECASE):
                self._of[place, inner.stem].append(file)

    def of(self, picture: str) -> str:
        """The annotation of a picture.

        Raises:
            FileNotFoundError: if there is none; its text is the reason.
        """
        place = place_of(picture)
        files = self._of.get((() if self._single else place, stem_of(picture)), [])
        if not files:
            raise FileNotFoundError("no boxes are given for it")
        beside = [file for file in files if folder_of(file) == folder_of(picture)]
        rivals = [
            other
            for other in self._pictures[place, stem_of(picture)]
            if other != picture and not (beside and folder_of(other) != folder_of(picture))
        ]
        if rivals:
            raise FileNotFoundError(
                f"{files[0]} fits it and {rivals[0]} equally well: give each its own"
            )
        contents = {self._tree.path(file).read_bytes() for file in files}
        if len(contents) > 1:
            raise FileNotFoundError(f"{files[0]} and {files[1]} both label it and differ")
        return (beside or files)[0]
