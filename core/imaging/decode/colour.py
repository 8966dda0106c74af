"""Colours as the file means them: its profile applied, transparency laid on white."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from core.imaging.refusal import ImageRefused
from core.records import RgbImage

Pixels = npt.NDArray[np.uint8]

_STRIP_PX: Final = 1 << 20
_SAME: Final = 2
"""Of 255: a profile that changes no colour by more is sRGB under another name and left out."""


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile's colours to sRGB; None where that changes nothing.

    Raises:
        ImageCms.PyCMSError, OSError, ValueError: a damaged profile, or one of other colours.
    """
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = str(opened.profile.xcolor_space).strip()
    if {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[mode] != space:
        raise ValueError(f"a profile of {space} in a picture of {mode}")
    transform = ImageCms.buildTransform(
        opened,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if mode == "CMYK":
        return transform
    ramp = np.linspace(0, 255, 9).round().astype(np.uint8)
    probe = np.stack(np.meshgrid(ramp, ramp, ramp), axis=-1).reshape(27, 27, 3)
    if mode == "L":
        probe = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    sample = Image.fromarray(probe)
    turned = ImageCms.applyTransform(sample.convert(mode) if mode == "L" else sample, transform)
    assert turned is not None  # only a transform in place returns nothing
    changed = np.abs(np.asarray(turned).astype(np.int16) - probe).max()
    return None if changed <= _SAME else transform


def profile_space(profile: bytes) -> str:
    """``RGB``, ``GRAY``, ``CMYK`` or another of ICC's names; empty for a damaged profile."""
    # Bytes 36 to 39 of every profile are the word acsp, 16 to 19 the colours it describes.
    return profile[16:20].decode("ascii", "replace").strip() if profile[36:40] == b"acsp" else ""


def srgb_pixels(name: str, image: Image.Image, profile: bytes | None) -> RgbImage:
    """An 8-bit picture of any of Pillow's modes as RGB in sRGB, ``(H, W, 3)``.

    A picture is converted in strips, so that a large one is not held three times.

    Raises:
        ImageRefused: ``unclear``, if its colour profile is damaged or of other colours.
    """
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    opaque = has_alpha and _is_empty(image)
    rows = max(1, _STRIP_PX // max(width, 1))
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        if has_alpha:
            strip = strip.convert("RGBA")
            if not opaque:
                strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
        pixels[top : top + rows] = _in_srgb(name, strip, profile)
    return pixels


def _in_srgb(name: str, strip: Image.Image, profile: bytes | None) -> RgbImage:
    if profile:
        space = profile_space(profile)
        mode = "CMYK" if strip.mode == "CMYK" else "L" if space == "GRAY" else "RGB"
        if mode == "L" and strip.mode not in ("L", "1", "I;16"):
            mode = "RGB"  # found to be of other colours below
        try:
            transform = _transform(profile, mode)
            if transform is not None:
                if strip.mode != mode:
                    strip = strip.convert(mode)
                turned = ImageCms.applyTransform(strip, transform)
                assert turned is not None
                return np.asarray(turned)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
            message = (
                f"{name} has a damaged colour profile or one of other colours, so its colours are "
                "not certain. Save it again as sRGB."
            )
            raise ImageRefused(name, "unclear", message) from error
    return np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))


def _is_empty(image: Image.Image) -> bool:
    """Is everything transparent although there is a picture: an alpha channel nobody filled."""
    if "transparency" in image.info or image.mode not in ("RGBA", "LA", "PA"):
        return False
    if image.getchannel("A").getextrema() != (0, 0):
        return False
    channels = [image.getchannel(band).getextrema() for band in image.getbands() if band != "A"]
    return any(low != high for low, high in channels)


def upright(pixels: Pixels, orientation: object) -> Pixels:
    """Pixels ``(H, W)`` or ``(H, W, 3)`` turned as tag 274 of EXIF and TIFF says.

    Every value but 2 to 8 means upright.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    # What is left of each of the eight after swapping the axes is one flip or two.
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
