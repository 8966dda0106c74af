"""Segmentation masks that lie among the pictures: known by their folder, name and few colours."""

import re
from collections import defaultdict
from typing import Final

import numpy as np

from core.datasets.fields import read_rgb
from core.datasets.intake.tree import Tree, folders_of, stem_of, words_of

_WORD_LIST: Final = (
    "mask masks segmentation segmentations segmentationclass segmentationobject segmap segmaps "
    "panoptic trimap trimaps groundtruth"
)
_WORDS: Final = frozenset(_WORD_LIST.split())
_ENDING: Final = re.compile(r"[ _.-]?(mask|masks|seg|segmentation|gt|label)$", re.IGNORECASE)
_BEGINNING: Final = re.compile(r"^(mask|masks|seg)[ _.-]", re.IGNORECASE)
_AT_ONCE: Final = 1 << 14
_LOSSLESS: Final = (".png", ".bmp", ".tif", ".tiff")
_MOST_COLOURS: Final = 16
"""A photograph of a smear has thousands."""


def masks_of(tree: Tree) -> dict[str, str]:
    """Masks among the pictures of a folder -> the reason why each is left out.

    Of pictures with one stem (``33.jpg`` and ``masks/33.png``, ``33_mask.png``, ``mask_33.png``)
    one is a mask if its folder or name says so, or if it holds few colours and another of them
    many. In a folder called masks, a picture of few colours is one whatever it is called.
    """
    of_stem: dict[str, list[str]] = defaultdict(list)
    for file in tree.pictures:
        of_stem[_ENDING.sub("", _BEGINNING.sub("", stem_of(file)))].append(file)
    masks: dict[str, str] = {}
    for files in of_stem.values():
        named = [file for file in files if _says_mask(file)]
        others = [file for file in files if file not in named]
        if len(others) > 1:
            plain = [file for file in others if _few_colours(tree, file)]
            if len(plain) < len(others):
                named += plain
                others = [file for file in others if file not in plain]
        if others:
            masks |= dict.fromkeys(named, f"a segmentation mask, not the picture {others[0]}")
        else:
            alone = [f for f in named if _in_mask_folder(f) and _few_colours(tree, f)]
            masks |= dict.fromkeys(alone, "a segmentation mask, not a picture")
    return masks


def _says_mask(file: str) -> bool:
    stem = stem_of(file)
    named = re.search(r"[ _.-](mask|masks|seg|segmentation)$|^masks?[ _.-]", stem, re.IGNORECASE)
    return _in_mask_folder(file) or named is not None


def _in_mask_folder(file: str) -> bool:
    words = {word for folder in folders_of(file) for word in (*words_of(folder), folder.casefold())}
    return bool(words & _WORDS)


def _few_colours(tree: Tree, file: str) -> bool:
    if not file.lower().endswith(_LOSSLESS):
        return False
    try:
        pixels = read_rgb(tree.path(file)).reshape(-1, 3)
    except OSError:
        return False
    first: set[tuple[int, ...]] = set()
    for start in range(0, len(pixels), _AT_ONCE):
        # A photograph is known by its first rows.
        some = np.unique(pixels[start : start + _AT_ONCE], axis=0)
        first |= set(map(tuple, some.tolist()))
        if len(first) > _MOST_COLOURS:
            return False
    return True
