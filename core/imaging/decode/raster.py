"""JPEG, PNG, WebP and BMP: Pillow, and libpng itself for PNG of 16 bits."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError

from core.imaging.decode.colour import srgb_pixels, upright
from core.imaging.decode.depth import eight_bits, histogram, used_bits
from core.imaging.decode.jpeg_damage import is_damaged
from core.imaging.decode.kinds import Kind, refusal_of
from core.imaging.decode.named_colours import profile_named_by
from core.imaging.decode.png_chunks import checked_chunks
from core.imaging.refusal import (
    ACCEPTED,
    ImageRefused,
    Limits,
    check_size,
    damaged,
    needs_too_much_memory,
    too_many_pixels,
)
from core.records import GreyImage, RgbImage

_ORIENTATION: Final = 0x0112
_BROKEN: Final = (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError,
                  struct.error, ZeroDivisionError, OverflowError, AttributeError,
                  RuntimeError)  # fmt: skip
"""What Pillow's decoders raise on bytes that are not what their header says."""


def decode_raster(name: str, data: bytes, kind: Kind, limits: Limits) -> RgbImage:
    """The picture of a JPEG, PNG, WebP or BMP file, upright, in sRGB.

    Raises:
        ImageRefused: whatever is wrong with it.
    """
    with _opened(name, data, kind, limits) as image:
        check_size(name, image.size, limits)
        _check_single(name, image)
        return _pixels(name, data, image)


def luminance_of_jpeg(name: str, data: bytes, limits: Limits) -> GreyImage | None:
    """The stored luminance of a JPEG, upright, ``(H, W)``; None for RGB or CMYK inside.

    Raises:
        ImageRefused: whatever is wrong with it.
    """
    with _opened(name, data, "JPEG", limits) as image:
        check_size(name, image.size, limits)
        if image.mode not in ("L", "RGB"):
            return None
        image.draft("L", None)
        if image.mode != "L":
            return None
        _check_whole(name, data)
        orientation = image.getexif().get(_ORIENTATION)
        return upright(np.asarray(image), orientation)


def stored_size_of_raster(
    name: str, data: bytes, kind: Kind, limits: Limits
) -> tuple[tuple[int, int], object]:
    """Width and height as stored, and the orientation that EXIF names.

    Raises:
        ImageRefused: if the header is damaged.
    """
    with _opened(name, data, kind, limits) as image:
        return image.size, image.getexif().get(_ORIENTATION)


@contextmanager
def _opened(name: str, data: bytes, kind: Kind, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """The file as Pillow opens it; whatever Pillow raises inside becomes a refusal."""
    with warnings.catch_warnings():
        # Pillow's bomb warning is replaced by our own limit, taken from the header before a
        # pixel is decoded; its remarks on odd metadata concern what is dropped here anyway.
        warnings.simplefilter("ignore")
        try:
            whole = checked_chunks(data) if kind == "PNG" else data
            image = Image.open(io.BytesIO(whole), formats=(kind,))
        except Image.DecompressionBombError as error:
            raise too_many_pixels(name, None, limits) from error
        except UnidentifiedImageError as error:
            raise _unidentified(name, data, kind) from error
        except _BROKEN as error:
            raise damaged(name) from error
        with image:
            try:
                yield image
            except ImageRefused:
                raise
            except _BROKEN as error:
                if "memory" in str(error):
                    raise needs_too_much_memory(name) from error
                raise damaged(name) from error


def _unidentified(name: str, data: bytes, kind: Kind) -> ImageRefused:
    if kind == "PNG" and b"\0\0\0\0" in (data[16:20], data[20:24]):
        return ImageRefused(name, "empty", f"{name} has no pixels. {ACCEPTED}")
    if kind == "JPEG":
        words = _unread_jpeg(data)
        if words:
            return ImageRefused(name, "not_an_image", f"{name} is {words}. {ACCEPTED}")
    return damaged(name) if kind != "BMP" or len(data) > 14 else refusal_of(name, b"")


def _unread_jpeg(data: bytes) -> str | None:
    """Of a JPEG that Pillow does not open: the kinds of JPEG that are whole and not read."""
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xF7:
            return "a JPEG-LS picture, which is not read. Save it as PNG or an ordinary JPEG"
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker in (0xC3, 0xC7, 0xCB, 0xCF):
                return "a lossless JPEG, which is not read. Save it as PNG or an ordinary JPEG"
            if data[place + 4] != 8:
                bits = data[place + 4]
                return f"a JPEG of {bits} bits, which is not read. Save it with 8 bits a channel"
            return None
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _check_single(name: str, image: ImageFile.ImageFile) -> None:
    # The second picture of a phone's JPEG (MPO) is a preview or a depth map: viewers show the
    # first, and no phone can be told to leave the second away.
    frames = 1 if image.format in ("JPEG", "MPO") else int(getattr(image, "n_frames", 1))
    if frames > 1:
        message = f"{name} holds {frames} pictures or pages; save one of them. {ACCEPTED}"
        raise ImageRefused(name, "animated", message)


def _pixels(name: str, data: bytes, image: ImageFile.ImageFile) -> RgbImage:
    profile = profile_named_by(name, data, image)
    if image.format == "PNG" and data[24:25] == b"\x10":
        # Pillow cuts colours of 16 bits to their top bytes, which is black for a 12-bit picture.
        orientation = image.getexif().get(_ORIENTATION)
        whole = _sixteen_bits(name, data, (image.height, image.width))
        return upright(srgb_pixels(name, whole, profile), orientation)
    image.load()
    if image.format in ("JPEG", "MPO"):
        _check_whole(name, data)
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        # Adobe's programs store inks inverted and say so. Without their mark both are met.
        message = (
            f"{name} is a CMYK JPEG that does not say whether its inks are inverted, so its "
            "colours are not certain. Save it as RGB."
        )
        raise ImageRefused(name, "unclear", message)
    orientation = image.getexif().get(_ORIENTATION)
    return upright(srgb_pixels(name, image, profile), orientation)


def _check_whole(name: str, jpeg: bytes) -> None:
    """Raises ImageRefused for a JPEG of which a part would be grey filler or noise."""
    if is_damaged(jpeg):
        message = (
            f"{name} is damaged inside: a part of the picture is missing or cannot be decoded. "
            "Copy it again from the camera or the archive."
        )
        raise ImageRefused(name, "truncated", message)


def _sixteen_bits(name: str, data: bytes, size: tuple[int, int]) -> Image.Image:
    import imagecodecs  # takes 80 ms, and few files need it

    try:
        values: npt.NDArray[np.uint16] = imagecodecs.png_decode(data)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"libpng: {error}") from error
    if values.dtype != np.uint16 or values.shape[:2] != size:
        raise ValueError(f"{values.dtype} of {values.shape} where the header says otherwise")
    if values.ndim == 2:
        return Image.fromarray(eight_bits(values, used_bits(name, histogram(values))))
    channels = values.shape[2]
    has_alpha = channels in (2, 4)
    colours = values[..., :-1] if has_alpha else values
    scaled = np.empty(values.shape, np.uint8)
    bits = used_bits(name, sum(histogram(colours[..., c].copy()) for c in range(colours.shape[2])))  # type: ignore[arg-type]
    for channel in range(channels):
        is_alpha = has_alpha and channel == channels - 1
        plane = values[..., channel]
        scaled[..., channel] = (plane >> 8) if is_alpha else eight_bits(plane, bits)
    return Image.fromarray(scaled, {2: "LA", 3: "RGB", 4: "RGBA"}[channels])
