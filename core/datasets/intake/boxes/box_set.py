"""Pictures with boxes, whichever program drew them, and what every reader of boxes does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.tree import Tree
from core.datasets.skipped import Skipped

Layout = Literal["voc", "yolo", "coco"]
Boxes = npt.NDArray[np.float32]

_OUTSIDE_SHARE: Final = 0.25
"""Share of boxes that lie beside the picture from which the file is another picture's."""
_SAME_SHAPE: Final = 0.02
"""How far the two scales of a resized picture may differ, relative, rounding included."""


@dataclass(frozen=True)
class BoxedPicture:
    """One picture and the boxes on it.

    ``file`` is its path below the set's folder, with slashes; ``boxes_xyxy_px`` is ``(N, 4)``
    float32 as x0, y0, x1, y1; ``names`` has the class of each box as the file calls it. ``part`` is
    the part of the split that an annotation file stands for, "" where none says so.
    """

    file: str
    width_px: int
    height_px: int
    boxes_xyxy_px: Boxes
    names: tuple[str, ...]
    part: str = ""

    def __post_init__(self) -> None:
        if self.boxes_xyxy_px.shape != (len(self.names), 4):
            raise ValueError(
                f"{self.file}: {self.boxes_xyxy_px.shape} boxes, {len(self.names)} names"
            )


@dataclass(frozen=True)
class BoxSet:
    """What a folder holds: its pictures by name, and what was left out of it.

    ``mended`` are pictures that are used without an entry of theirs, or with scaled boxes;
    ``notes`` are sentences about the whole set.
    """

    layout: Layout
    pictures: tuple[BoxedPicture, ...]
    skipped: tuple[Skipped, ...]
    mended: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Annotation:
    """What an annotation file says of one picture.

    ``corners`` are x0, y0, x1, y1 in pixels of a picture of ``size_px`` (width, height), or of the
    picture itself where that is None. ``odd`` are the entries that could not be used, in words.
    """

    corners: Sequence[Sequence[float]]
    names: Sequence[str]
    size_px: tuple[float, float] | None = None
    odd: Sequence[str] = ()
    part: str = ""


def read_each(
    tree: Tree,
    layout: Layout,
    annotation: Callable[[str, int, int], Annotation],
    notes: Sequence[str] = (),
) -> BoxSet:
    """Every picture with its boxes checked against it.

    Args:
        tree: the files.
        layout: what the set is called.
        annotation: picture's file, width and height -> its annotation; raises FileNotFoundError
            where there is none (its text, if any, is the reason) and ValueError where it is bad.
        notes: about the set.
    """
    pictures, skipped, mended = [], [], []
    masks = masks_of(tree)
    for file in tree.pictures:
        if file in masks:
            skipped.append(Skipped(file, masks[file]))
            continue
        size = _size(tree, file)
        if size is None:
            skipped.append(Skipped(file, "it cannot be read as a picture"))
            continue
        try:
            with reading(file):
                found = annotation(file, *size)
        except FileRefused as refusal:
            if isinstance(refusal.__cause__, FileNotFoundError):
                why = str(refusal.__cause__) or "no boxes are given for it"
                skipped.append(Skipped(file, why))
            else:
                skipped.append(Skipped(file, f"its boxes cannot be read: {_cause(refusal)}"))
            continue
        try:
            picture, remarks = _fitted(file, size, found)
        except ValueError as error:
            skipped.append(Skipped(file, str(error)))
            continue
        pictures.append(picture)
        mended += [Skipped(file, remark) for remark in remarks]
    return BoxSet(layout, tuple(pictures), tuple(skipped), tuple(mended), tuple(notes))


def _cause(refusal: FileRefused) -> str:
    cause = refusal.__cause__
    return str(cause) if isinstance(cause, ValueError) else str(refusal)


def _size(tree: Tree, file: str) -> tuple[int, int] | None:
    try:
        with reading(file), Image.open(tree.path(file)) as image:
            return image.size
    except FileRefused:
        return None


def _fitted(file: str, size: tuple[int, int], found: Annotation) -> tuple[BoxedPicture, list[str]]:
    """The picture with its boxes cut to it, and remarks. Raises ValueError with why it is none."""
    remarks = list(found.odd)
    corners = np.array(found.corners, np.float64).reshape(-1, 4)
    scale = _scale(size, found.size_px)
    if scale is not None:
        said_width, said_height = found.size_px or size
        corners = corners * np.tile(scale, 2)
        remarks.append(
            f"its boxes were drawn on {said_width:.0f} x {said_height:.0f} pixels and are scaled "
            f"to its {size[0]} x {size[1]}"
        )
    limit = np.array([*size, *size], np.float64)
    cut = np.clip(corners, 0, limit)
    # A corner that is no number compares as false, so its box has none either.
    whole = np.all((corners[:, 2:] - corners[:, :2]) > 0, axis=1)
    good = np.all((cut[:, 2:] - cut[:, :2]) > 0, axis=1)
    outside = int((whole & ~good).sum())
    given = len(corners) + len(found.odd)
    if outside > 1 and outside > _OUTSIDE_SHARE * len(corners):
        raise ValueError(
            f"{outside} of its {given} boxes lie beside its {size[0]} x {size[1]} pixels: they "
            "were drawn on another picture or another size of it"
        )
    if outside:
        remarks.append(f"{_boxes(outside)} beside the picture and left out")
    if (flat := int((~whole).sum())) > 0:
        remarks.append(f"{_boxes(flat)} without area and left out")
    if given and not good.any():
        why = "; ".join(remarks[:3]) or "none lies on it"
        raise ValueError(f"all of its {given} boxes are lost, so it is no empty field: {why}")
    names = tuple(name for name, fine in zip(found.names, good.tolist(), strict=True) if fine)
    boxes = cut[good].astype(np.float32)
    return BoxedPicture(file, size[0], size[1], boxes, names, found.part), remarks


def _boxes(number: int) -> str:
    return "1 box is" if number == 1 else f"{number} boxes are"


def _scale(
    size: tuple[int, int], said: tuple[float, float] | None
) -> npt.NDArray[np.float64] | None:
    """From the annotation's picture to this one; None where they are of one size.

    Raises:
        ValueError: if the shapes differ, so that no scaling is right.
    """
    if said is None or not all(np.isfinite(said)) or min(said) <= 0:
        return None  # some programs write 0 x 0
    if abs(said[0] - size[0]) < 1 and abs(said[1] - size[1]) < 1:
        return None
    scale = np.array(size, np.float64) / np.array(said, np.float64)
    rounding = 1 / min(*size, *said)
    if abs(scale[0] / scale[1] - 1) > max(_SAME_SHAPE, rounding):
        turned = " (turned?)" if abs(said[0] / said[1] - size[1] / size[0]) < _SAME_SHAPE else ""
        raise ValueError(
            f"its boxes were drawn on {said[0]:.0f} x {said[1]:.0f} pixels, it has {size[0]} x "
            f"{size[1]}{turned}"
        )
    return scale
