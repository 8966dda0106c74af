"""One drawn cell before it is placed: its silhouette and its amounts of dye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.imaging.synthetic.stain import Dye
from core.imaging.synthetic.texture import Plane


@dataclass(frozen=True)
class CellPatch:
    """A square cut-out with the cell in its middle.

    ``silhouette`` is boolean ``(size, size)``, true inside the cell's outline; ``dyes`` holds
    ``(size, size)`` planes of dye amounts (1: the stain's usual density), all zero far outside.
    """

    silhouette: npt.NDArray[np.bool_]
    dyes: Mapping[Dye, Plane]

    def __post_init__(self) -> None:
        if self.silhouette.ndim != 2 or not self.silhouette.any():
            raise ValueError("a cell patch needs a silhouette with at least one pixel")
        if any(plane.shape != self.silhouette.shape for plane in self.dyes.values()):
            raise ValueError("dye planes and silhouette differ in shape")

    @property
    def size_px(self) -> int:
        return int(self.silhouette.shape[0])
