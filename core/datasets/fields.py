"""Labelled fields: where a picture lies and the cells a person drew on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from core.records import RgbImage
from core.taxonomy import KINDS


class Counted(Protocol):
    """A field whose cells a person counted or boxed; ``counts`` is ``(3,)`` as ``KINDS``."""

    @property
    def path(self) -> Path: ...

    def counts(self) -> npt.NDArray[np.int64]: ...


@dataclass(frozen=True)
class LabelledField:
    """A field with its boxes.

    ``boxes_xyxy_px`` is ``(N, 4)`` float32 in pixels of the file; ``kinds`` is ``(N,)`` indices
    into :data:`core.taxonomy.KINDS`.
    """

    path: Path
    boxes_xyxy_px: npt.NDArray[np.float32]
    kinds: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.boxes_xyxy_px.shape != (len(self.kinds), 4):
            raise ValueError(
                f"{self.path.name}: {self.boxes_xyxy_px.shape} boxes, {len(self.kinds)} kinds"
            )

    def counts(self) -> npt.NDArray[np.int64]:
        """Cells of each kind, ``(3,)`` in the order of ``KINDS``."""
        return np.bincount(self.kinds, minlength=len(KINDS)).astype(np.int64)


def read_rgb(path: Path) -> RgbImage:
    """A data-set picture as ``(H, W, 3)`` RGB; ``OSError`` if it cannot be read."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise OSError(f"not a readable picture: {path}")
    return np.ascontiguousarray(pixels[:, :, ::-1], dtype=np.uint8)
