"""Boxes on pictures as other programs keep them: Pascal VOC, YOLO and COCO, read and written.

Everything goes through :class:`BoxedPicture`. Corners are pixels from the upper left corner of the
picture, 0 to width and 0 to height; VOC's own tools begin at 1, today's do not, so neither do we.
Nothing here stops at a bad file: it is left out, and listed with its reason.
"""

from dataclasses import replace
from pathlib import Path

from core.datasets.intake.boxes import coco, voc, yolo
from core.datasets.intake.boxes.box_set import BoxedPicture, Boxes, BoxSet, Layout
from core.datasets.intake.boxes.coco import write_coco
from core.datasets.intake.boxes.files import FileRefused, JsonObject, coco_of, has_tag
from core.datasets.intake.boxes.other_formats import other_format
from core.datasets.intake.boxes.voc import write_voc
from core.datasets.intake.boxes.yolo import write_data_yaml, write_yolo
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.tree import Tree, list_files, stem_of
from core.datasets.skipped import DataRefused

__all__ = [
    "BoxSet",
    "BoxedPicture",
    "Boxes",
    "Layout",
    "layout_of",
    "read_boxes",
    "write_coco",
    "write_data_yaml",
    "write_voc",
    "write_yolo",
]


def layout_of(root: Path) -> Layout | None:
    """Which of the three lies in a folder; None if none does."""
    layouts = _layouts(list_files(root), {})
    return layouts[0] if layouts else None


@never_breaks
def read_boxes(root: Path) -> BoxSet:
    """Every picture below ``root`` that has boxes, whichever layout it is in.

    Raises:
        DataRefused: if there is no annotation of any of the three kinds, or of several that label
            the same pictures.
    """
    tree = list_files(root)
    files: dict[str, JsonObject] = {}
    layouts = _layouts(tree, files)
    if not layouts:
        other = other_format(tree)
        there = f": {other}" if other else ""
        raise DataRefused(
            f"no boxes in {root.name}{there}; expected are VOC (an .xml for each picture), YOLO "
            "(a .txt for each picture and classes.txt) or COCO (one .json)"
        )
    readers = {
        "voc": lambda: voc.read_voc(tree, list(tree.ending(".xml"))),
        "yolo": lambda: yolo.read_yolo(tree),
        "coco": lambda: coco.read_coco(tree, files),
    }
    found = [readers[layout]() for layout in layouts]
    if len(found) == 1:
        return found[0]
    used = [one for one in found if one.pictures]
    if len(used) > 1:
        raise DataRefused(
            f"{root.name} holds boxes as {' and as '.join(one.layout.upper() for one in used)}; "
            "keep the one that is right"
        )
    return replace((used or found)[0])


def _layouts(tree: Tree, files: dict[str, JsonObject]) -> list[Layout]:
    """The layouts there are signs of; COCO files that were read are put into ``files``."""
    layouts: list[Layout] = []
    if any(has_tag(tree.path(file), "object") for file in tree.ending(".xml")):
        layouts.append("voc")
    broken: list[FileRefused] = []
    for file in tree.ending(".json"):
        try:
            content = coco_of(tree.path(file))
        except FileRefused as refusal:
            broken.append(refusal)
            continue
        if content is not None:
            files[file] = content
    if files:
        layouts.append("coco")
    stems = {stem_of(file) for file in tree.pictures}
    if any(stem_of(file) in stems for file in yolo.label_files(tree)):
        layouts.append("yolo")
    if broken and (files or not layouts):
        # Without it the pictures that it labels would count as having no boxes.
        raise DataRefused(str(broken[0]))
    return layouts
