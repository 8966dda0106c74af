"""How count errors grow as pictures get worse, and whether a quality flag is raised by then."""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.blood import ground_levels
from core.imaging.quality import assess
from core.models.cards.figures import RobustnessRow
from core.records import Field, RgbImage

Change = Callable[[RgbImage], RgbImage]


def _blurred(sigma_px: float) -> Change:
    return lambda pixels: cv2.GaussianBlur(pixels, (0, 0), sigma_px).astype(np.uint8)


def _jpeg(quality: int) -> Change:
    def change(pixels: RgbImage) -> RgbImage:
        _, data = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert decoded is not None
        return np.ascontiguousarray(decoded[:, :, ::-1], dtype=np.uint8)

    return change


def _scaled(red: float, green: float, blue: float) -> Change:
    gains = np.array([red, green, blue], np.float32)
    return lambda pixels: np.clip(pixels * gains + 0.5, 0, 255).astype(np.uint8)


def _turned(degrees: float) -> Change:
    """Rotated on a canvas that holds all of it; the corners get the background's colour."""

    def change(pixels: RgbImage) -> RgbImage:
        if degrees % 90 == 0:
            return np.ascontiguousarray(np.rot90(pixels, round(degrees / 90)))
        height, width = pixels.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        cosine, sine = np.abs(turn[0, :2])
        size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
        turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
        return cv2.warpAffine(
            pixels,
            turn,
            size,
            flags=cv2.INTER_LINEAR,
            borderValue=ground_levels(pixels)[0].tolist(),
        ).astype(np.uint8)

    return change


CHANGES: Final[dict[str, Change]] = {
    "as taken": lambda pixels: pixels,
    "blur, sigma 2 px": _blurred(2),
    "blur, sigma 4 px": _blurred(4),
    "blur, sigma 8 px": _blurred(8),
    "JPEG at quality 30": _jpeg(30),
    "JPEG at quality 10": _jpeg(10),
    "light x 0.7": _scaled(0.7, 0.7, 0.7),
    "light x 0.4": _scaled(0.4, 0.4, 0.4),
    "light x 1.3": _scaled(1.3, 1.3, 1.3),
    "light x 2": _scaled(2, 2, 2),
    "warmer: red x 1.2, blue x 0.8": _scaled(1.2, 1.0, 0.8),
    "cooler: red x 0.8, blue x 1.2": _scaled(0.8, 1.0, 1.2),
    "turned by 90 degrees": _turned(90),
    "turned by 10 degrees": _turned(10),
}
"""Name -> change applied to a 640x480 field."""


def robustness(
    pictures: Sequence[RgbImage],
    truth: npt.NDArray[np.integer],
    count: Callable[[RgbImage], npt.NDArray[np.floating]],
    changes: dict[str, Change] | None = None,
) -> dict[str, RobustnessRow]:
    """Mean absolute count errors and the share of flagged fields after each change.

    Args:
        pictures: fields as taken.
        truth: ``(fields, 3)`` counts.
        count: from a picture to ``(3,)`` counts.
        changes: name -> change of a picture; all by default.

    Returns:
        By name: ``rbc``, ``wbc``, ``platelet``, ``mean``; ``flagged``, the share of fields with a
        quality flag; ``worse``, the share whose mean error grew by more than one cell; and
        ``worse_unflagged``, the share of all fields that grew worse without a flag: those would
        mislead.
    """
    rows: dict[str, RobustnessRow] = {}
    before: npt.NDArray[np.floating] | None = None
    for name, change in (CHANGES if changes is None else changes).items():
        changed = [change(pixels) for pixels in pictures]
        errors = np.abs(np.stack([count(pixels) for pixels in changed]) - truth)
        flagged = np.array([bool(assess(Field(name, pixels, ""))) for pixels in changed])
        before = errors if before is None else before
        worse = (errors.sum(axis=1) - before.sum(axis=1)) > 3
        by_kind = errors.mean(axis=0)
        rows[name] = {
            "rbc": float(by_kind[0]),
            "wbc": float(by_kind[1]),
            "platelet": float(by_kind[2]),
            "mean": float(errors.mean()),
            "flagged": float(flagged.mean()),
            "worse": float(worse.mean()),
            "worse_unflagged": float((worse & ~flagged).mean()),
        }
    return rows
