"""Segmentation masks that lie among the pictures: known by their folder, name and few colours."""

import re
from collections import defaultdict
from typing import Final

from PIL import Image

from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.tree import Tree, folders_of, stem_of, words_of

_WORD_LIST: Final = (
    "mask masks segmentation segmentations segmentationclass segmentationobject segmap segmaps "
    "panoptic trimap trimaps groundtruth"
)
_WORDS: Final = frozenset(_WORD_LIST.split())
_ENDING: Final = re.compile(r"[ _.-]?(mask|masks|seg|segmentation|gt|label)$", re.IGNORECASE)
_LOSSLESS: Final = (".png", ".bmp", ".tif", ".tiff")
_MOST_COLOURS: Final = 16
"""A photograph of a smear has thousands."""


def masks_of(tree: Tree) -> dict[str, str]:
    """Masks among the pictures of a folder -> the reason why each is left out.

    Of pictures with one stem (``33.jpg`` and ``masks/33.png``, ``33_mask.png``) one is a mask if
    its folder or name says so, or if it holds few colours and another of them many.
    """
    of_stem: dict[str, list[str]] = defaultdict(list)
    for file in tree.pictures:
        of_stem[_ENDING.sub("", stem_of(file))].append(file)
    masks: dict[str, str] = {}
    for files in of_stem.values():
        if len(files) < 2:
            continue
        named = [file for file in files if _says_mask(file)]
        others = [file for file in files if file not in named]
        if len(others) > 1:
            plain = [file for file in others if _few_colours(tree, file)]
            if len(plain) < len(others):
                named += plain
                others = [file for file in others if file not in plain]
        if others:
            masks |= dict.fromkeys(named, f"a segmentation mask, not the picture {others[0]}")
    return masks


def _says_mask(file: str) -> bool:
    words = {word for folder in folders_of(file) for word in (*words_of(folder), folder.casefold())}
    ended = re.search(r"[ _.-](mask|masks|seg|segmentation)$", stem_of(file), re.IGNORECASE)
    return bool(words & _WORDS) or ended is not None


def _few_colours(tree: Tree, file: str) -> bool:
    if not file.lower().endswith(_LOSSLESS):
        return False
    try:
        with reading(file), Image.open(tree.path(file)) as image:
            if image.mode in ("1", "P"):
                return True
            return image.convert("RGB").getcolors(_MOST_COLOURS) is not None
    except FileRefused:
        return False
