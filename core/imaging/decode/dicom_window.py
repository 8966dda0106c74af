"""The window of a grey DICOM picture: which of its values are shown black, which white."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pydicom

from core.imaging.refusal import ImageRefused

_FUNCTIONS: Final = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


class Window(NamedTuple):
    """Values are multiplied by ``slope``, ``intercept`` is added, and the window is laid on them.

    Source: DICOM PS3.3, C.11.1.1.2 (rescale) and C.11.2.1 (window).
    """

    centre: float
    width: float
    function: str
    slope: float
    intercept: float

    def apply(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """``values`` as stored become grey from 0 to 255."""
        low, high = int(values.min()), int(values.max())
        # A table of all values that occur: a window is the same for every pixel.
        scaled = np.arange(low, high + 1) * self.slope + self.intercept
        if self.function == "SIGMOID":
            exponent = np.clip(-4 * (scaled - self.centre) / self.width, -50, 50)
            shares = 1 / (1 + np.exp(exponent))
        elif self.function == "LINEAR_EXACT":
            shares = (scaled - self.centre) / self.width + 0.5
        elif self.width == 1:
            shares = (scaled > self.centre - 0.5).astype(float)
        else:
            shares = (scaled - (self.centre - 0.5)) / (self.width - 1) + 0.5
        table = np.clip(shares * 255 + 0.5, 0, 255).astype(np.uint8)
        return table[values.astype(np.int32) - low]


def window_of(name: str, ds: pydicom.Dataset, index: int) -> Window | None:
    """The window of frame ``index`` of a grey picture; None where the file names none.

    Of several windows the first, as viewers show it.

    Raises:
        ImageRefused: ``unclear``, for tables of grey values, a falling scale or an odd window.
    """
    voi = _part(ds, index, "FrameVOILUTSequence")
    scale = _part(ds, index, "PixelValueTransformationSequence")
    slope = float(scale.get("RescaleSlope") or 1)
    if ds.get("ModalityLUTSequence") or voi.get("VOILUTSequence"):
        raise _unclear(name, "shows its grey values through a table of its own")
    if not slope > 0:
        raise _unclear(name, "has a scale of grey values that falls (RescaleSlope)")
    centre, width = _first(voi.get("WindowCenter")), _first(voi.get("WindowWidth"))
    if centre is None and width is None:
        return None
    function = str(voi.get("VOILUTFunction") or "LINEAR")
    least = 1 if function == "LINEAR" else 0
    if (
        centre is None
        or width is None
        or function not in _FUNCTIONS
        or not least <= width < np.inf
        or width == 0
        or not np.isfinite(centre)
    ):
        raise _unclear(name, "names a window of grey values that is not one")
    return Window(centre, width, function, slope, float(scale.get("RescaleIntercept") or 0))


def _part(ds: pydicom.Dataset, index: int, sequence: str) -> pydicom.Dataset:
    """Where the attributes stand: of this frame, of all frames, or of the picture."""
    frames = ds.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*frames[index : index + 1], *(ds.get("SharedFunctionalGroupsSequence") or [])]
    for group in groups:
        if group.get(sequence):
            part: pydicom.Dataset = group.get(sequence)[0]
            return part
    return ds


def _first(value: object) -> float | None:
    if value is None or value == "":
        return None
    values = [value] if isinstance(value, int | float | str) else list(value)  # type: ignore[call-overload]
    return float(values[0]) if values else None


def _unclear(name: str, why: str) -> ImageRefused:
    message = f"{name} {why}, which is not read. Save it as 8-bit grey, as it is shown."
    return ImageRefused(name, "unclear", message)
