"""Labelled fields: where a picture lies and the cells a person drew on it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging import decoder_processes
from core.imaging.refusal import ImageRefused, Limits
from core.records import GreyImage, RgbImage
from core.settings import settings
from core.taxonomy import KINDS

_WIDE_LIMITS = Limits(
    max_file_mb=1000, max_megapixels=1000, min_side_px=1, max_side_px=1 << 16, max_files=1
)
"""A set is read with the site's limits when it is taken in; sets of the project have none."""


class Counted(Protocol):
    """A field whose cells a person counted or boxed; ``counts`` is ``(3,)`` as ``KINDS``."""

    @property
    def path(self) -> Path: ...

    def counts(self) -> npt.NDArray[np.int64]: ...


@dataclass(frozen=True)
class LabelledField:
    """A field with its boxes.

    ``boxes_xyxy_px`` is ``(N, 4)`` float32 in pixels of the file; ``kinds`` is ``(N,)`` indices
    into :data:`core.taxonomy.KINDS`. ``doubtful_boxes_xyxy_px`` ``(M, 4)`` and ``doubtful_kinds``
    are places where the annotation may have missed a cell: they are no cells of the field, and a
    training neither rewards nor punishes an answer there.
    """

    path: Path
    boxes_xyxy_px: npt.NDArray[np.float32]
    kinds: npt.NDArray[np.int64]
    doubtful_boxes_xyxy_px: npt.NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, 4), np.float32)
    )
    doubtful_kinds: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        for boxes, kinds in (
            (self.boxes_xyxy_px, self.kinds),
            (self.doubtful_boxes_xyxy_px, self.doubtful_kinds),
        ):
            if boxes.shape != (len(kinds), 4):
                raise ValueError(f"{self.path.name}: {boxes.shape} boxes, {len(kinds)} kinds")

    def counts(self) -> npt.NDArray[np.int64]:
        """Cells of each kind, ``(3,)`` in the order of ``KINDS``."""
        return np.bincount(self.kinds, minlength=len(KINDS)).astype(np.int64)


def read_rgb(path: Path) -> RgbImage:
    """A data-set picture as ``(H, W, 3)`` RGB, as the product reads it.

    What people bring is decoded in a process for it (:mod:`core.imaging.decoder_processes`), whose
    limits of time and memory hold. JPEG of the public sets, which the project chose, is decoded
    here: a training reads tens of thousands of them, and OpenCV gives the same pixels three times
    as fast.

    Raises:
        OSError: if it cannot be read.
    """
    data = path.read_bytes()
    if _is_public_jpeg(path, data):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise OSError(f"not a readable picture: {path}")
        return np.ascontiguousarray(pixels[:, :, ::-1], dtype=np.uint8)
    try:
        return decoder_processes.decode(path.name, data, _WIDE_LIMITS)
    except ImageRefused as refusal:
        raise OSError(f"not a readable picture: {path}: {refusal.message}") from refusal


def read_grey(path: Path) -> GreyImage:
    """A data-set picture in grey, ``(H, W)``, for hashes; see :func:`read_rgb`.

    The grey of a JPEG is its stored luminance.

    Raises:
        OSError: if it cannot be read.
    """
    data = path.read_bytes()
    if _is_public_jpeg(path, data):
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise OSError(f"not a readable picture: {path}")
        return np.asarray(grey, dtype=np.uint8)
    try:
        pixels = decoder_processes.decode_grey(path.name, data, _WIDE_LIMITS)
    except ImageRefused as refusal:
        raise OSError(f"not a readable picture: {path}: {refusal.message}") from refusal
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels)


def _is_public_jpeg(path: Path, data: bytes) -> bool:
    is_public = path.is_relative_to(settings().data)
    # OpenCV knows no colour profile.
    return is_public and data[:3] == b"\xff\xd8\xff" and b"ICC_PROFILE\0" not in data
