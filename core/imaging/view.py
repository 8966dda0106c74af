"""Pictures made small enough to be shown: encoded for a screen, and read back."""

import cv2
import numpy as np

from core.records import RgbImage

LONG_SIDE_PX = 1400
"""More than a projector shows of one field, and little enough to send at once."""


def shrink(pixels: RgbImage, long_side_px: int) -> RgbImage:
    """The picture with its longer side at most ``long_side_px``; a smaller one stays as it is."""
    height, width = pixels.shape[:2]
    scale = long_side_px / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def jpeg(pixels: RgbImage, quality: int = 92) -> bytes:
    """``(H, W, 3)`` RGB as a JPEG file."""
    # 4:4:4: halved colour would blur the edge between a nucleus and its cytoplasm.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    return _encoded(".jpg", pixels, options)


def png(pixels: RgbImage) -> bytes:
    """``(H, W, 3)`` RGB as a PNG file, without loss."""
    return _encoded(".png", pixels, [])


def pixels_of(data: bytes) -> RgbImage:
    """Pixels of a picture that :func:`jpeg` or :func:`png` wrote; never of somebody else's file."""
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(read, dtype=np.uint8)[..., ::-1])


def _encoded(ending: str, pixels: RgbImage, options: list[int]) -> bytes:
    done, data = cv2.imencode(ending, np.ascontiguousarray(pixels[..., ::-1]), options)
    if not done:
        raise ValueError(f"a picture of shape {pixels.shape} cannot be written as {ending}")
    return bytes(data)
