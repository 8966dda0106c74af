"""Pictures with boxes, whichever program drew them, and what every reader of boxes does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.tree import Tree
from core.datasets.skipped import Skipped
from core.imaging import decoder_processes
from core.imaging.decode import StoredSize
from core.imaging.refusal import ImageRefused, Limits

Layout = Literal["voc", "yolo", "coco"]
Boxes = npt.NDArray[np.float32]

_OUTSIDE_SHARE: Final = 0.25
"""Share of boxes beside or far beyond the picture from which they are another picture's."""
_SLACK_PX, _SLACK_SHARE = 3.0, 0.03
"""How far a box may reach beyond the picture: programs round, and some draw hidden parts."""
_MOST_OF_SHARES: Final = 1.01
_LIMITS: Final = Limits(
    max_file_mb=1000, max_megapixels=1000, min_side_px=1, max_side_px=1 << 16, max_files=1
)
"""Of a header; the picture itself is read with the site's limits."""
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
    ``refused`` says why the picture cannot be used at all.
    """

    corners: Sequence[Sequence[float]]
    names: Sequence[str]
    size_px: tuple[float, float] | None = None
    odd: Sequence[str] = ()
    part: str = ""
    refused: str = ""


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
        try:
            stored = stored_size_of(tree, file)
        except FileRefused as refusal:
            skipped.append(Skipped(file, str(refusal)))
            continue
        size = (stored.width_px, stored.height_px)
        upright = size[::-1] if stored.orientation >= 5 else size
        try:
            with reading(file):
                found = annotation(file, *upright)
        except FileRefused as refusal:
            if isinstance(refusal.__cause__, FileNotFoundError):
                why = str(refusal.__cause__) or "no boxes are given for it"
                skipped.append(Skipped(file, why))
            else:
                skipped.append(Skipped(file, f"its boxes cannot be read: {_cause(refusal)}"))
            continue
        try:
            if found.corners and stored.orientation != 1:
                _check_turned(stored, found.size_px)
            picture, remarks = _fitted(file, upright, found)
        except ValueError as error:
            skipped.append(Skipped(file, str(error)))
            continue
        pictures.append(picture)
        mended += [Skipped(file, remark) for remark in remarks]
    return BoxSet(layout, tuple(pictures), tuple(skipped), tuple(mended), tuple(notes))


def _cause(refusal: FileRefused) -> str:
    cause = refusal.__cause__
    return str(cause) if isinstance(cause, ValueError) else str(refusal)


def stored_size_of(tree: Tree, file: str) -> StoredSize:
    """Size and orientation of a picture, from its header.

    Raises:
        FileRefused: with the reason why it cannot be read as a picture.
    """
    try:
        with reading(file):
            data = tree.path(file).read_bytes()
        return decoder_processes.stored_size(file.rpartition("/")[2], data, _LIMITS)
    except ImageRefused as refusal:
        raise FileRefused(refusal.message) from refusal


def _check_turned(stored: StoredSize, drawn_on: tuple[float, float] | None) -> None:
    """Raises ValueError unless boxes were surely drawn on the picture as it is shown, upright."""
    swaps = stored.orientation >= 5 and stored.width_px != stored.height_px
    if swaps and drawn_on is not None and min(drawn_on) > 0:
        if (drawn_on[0] > drawn_on[1]) == (stored.height_px > stored.width_px):
            return
        raise ValueError(
            "its boxes were drawn on it as it is stored, turned: save it upright and draw them anew"
        )
    raise ValueError(
        "it is stored turned (EXIF), and nothing says whether its boxes were drawn before or after "
        "turning it: save it upright"
    )


def _fitted(file: str, size: tuple[int, int], found: Annotation) -> tuple[BoxedPicture, list[str]]:
    """The picture with its boxes cut to it, and remarks. Raises ValueError with why it is none."""
    if found.refused:
        raise ValueError(found.refused)
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
    if len(corners) and corners.max() <= _MOST_OF_SHARES < min(size):
        raise ValueError(
            "all of its boxes lie within one pixel: they look like shares of the picture (0 to 1), "
            "where pixels are expected"
        )
    limit = np.array([*size, *size], np.float64)
    cut = np.clip(corners, 0, limit)
    # A corner that is no number compares as false, so its box has none either.
    whole = np.all((corners[:, 2:] - corners[:, :2]) > 0, axis=1)
    good = np.all((cut[:, 2:] - cut[:, :2]) > 0, axis=1)
    outside = int((whole & ~good).sum())
    given = len(corners) + len(found.odd)
    slack = np.maximum(_SLACK_PX, _SLACK_SHARE * limit)
    reaching = int((good & np.any(np.abs(corners - cut) > slack, axis=1)).sum())
    if outside + reaching > max(1, _OUTSIDE_SHARE * len(corners)):
        raise ValueError(
            f"{outside + reaching} of its {given} boxes lie beside its {size[0]} x {size[1]} "
            "pixels or reach far beyond them: they were drawn on another picture or another size "
            "of it"
        )
    if outside:
        remarks.append(f"{_boxes(outside)} beside the picture and left out")
    if (flat := int((~whole).sum())) > 0:
        remarks.append(f"{_boxes(flat)} without area and left out")
    if given and not good.any():
        why = "; ".join(remarks[:3]) or "none lies on it"
        raise ValueError(f"all of its {given} boxes are lost, so it is no empty field: {why}")
    names = tuple(name for name, fine in zip(found.names, good.tolist(), strict=True) if fine)
    once = _once(cut[good], names)
    if len(once) < len(names):
        remarks.append(f"{_boxes(len(names) - len(once))} given twice and counted once")
    boxes = cut[good][once].astype(np.float32)
    names = tuple(names[i] for i in once)
    return BoxedPicture(file, size[0], size[1], boxes, names, found.part), remarks


def _once(corners: npt.NDArray[np.float64], names: Sequence[str]) -> list[int]:
    """Indices without equal boxes. Raises ValueError where one box has two classes."""
    first: dict[tuple[float, ...], int] = {}
    for i, corner in enumerate(corners.round(2).tolist()):
        same = first.setdefault(tuple(corner), i)
        if names[same] != names[i]:
            x, y = (round((corner[side] + corner[side + 2]) / 2) for side in (0, 1))
            raise ValueError(
                f"one box at {x}, {y} is called {names[same]} and {names[i]}: keep the right one"
            )
    return sorted(first.values())


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
