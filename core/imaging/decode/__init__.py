"""Bytes of a file become pixels: what is read, how, and what is refused.

Everything here runs in a decoding process (`core.imaging.decoder_processes`), on bytes that anybody
may have sent, and imports nothing that process does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from core.imaging.decode.kinds import kind_of, refusal_of
from core.imaging.refusal import ACCEPTED, ImageRefused, Limits, damaged, needs_too_much_memory
from core.records import GreyImage, RgbImage

if TYPE_CHECKING:
    from core.imaging.decode.dicom import DicomPicture

T = TypeVar("T")


@dataclass(frozen=True)
class StoredSize:
    """Width and height in pixels as a file stores them, and tag 274: 1 is upright, 2 to 8 not."""

    width_px: int
    height_px: int
    orientation: int = 1


def count_pictures(name: str, data: bytes, limits: Limits) -> int:
    """How many pictures a file holds that may be read one by one: several in DICOM only.

    Raises:
        ImageRefused: if the header of a DICOM file is refused.
    """
    if kind_of(data) != "DICOM":
        return 1
    return _bounded(name, lambda: _open_dicom(name, data, limits).frames)


def decode(name: str, data: bytes, limits: Limits, frame: int | None = None) -> RgbImage:
    """The picture of a file, upright 8-bit sRGB, ``(H, W, 3)``.

    Args:
        name: of the file, for refusals.
        data: its bytes; they decide what it is, its name does not.
        limits: sizes that are accepted.
        frame: which picture of several, counted from 0; None asks for the only one.

    Raises:
        ImageRefused: whatever is wrong with the file; nothing else is raised.
    """
    return _bounded(name, lambda: _decode(name, data, limits, frame))


def decode_grey(name: str, data: bytes, limits: Limits) -> RgbImage | GreyImage:
    """The picture of a file for hashes: ``(H, W)`` for most JPEG, else ``(H, W, 3)`` as `decode`.

    The grey values of a JPEG are its luminance as stored, which costs half the time and is what
    OpenCV's reader of grey pictures gives.

    Raises:
        ImageRefused: whatever is wrong with the file; nothing else is raised.
    """

    def read() -> RgbImage | GreyImage:
        if kind_of(data) == "JPEG":
            from core.imaging.decode.raster import luminance_of_jpeg

            grey = luminance_of_jpeg(name, data, limits)
            if grey is not None:
                return grey
        return _decode(name, data, limits, None)

    return _bounded(name, read)


def stored_size(name: str, data: bytes, limits: Limits) -> StoredSize:
    """The size of the picture in a file, from its header.

    Raises:
        ImageRefused: if the header is damaged, or the file is of no accepted kind.
    """
    return _bounded(name, lambda: _stored_size(name, data, limits))


def _stored_size(name: str, data: bytes, limits: Limits) -> StoredSize:
    kind = kind_of(data)
    if kind is None:
        raise refusal_of(name, data)
    if kind == "DICOM":
        return StoredSize(*_open_dicom(name, data, limits).size_px)
    if kind == "TIFF":
        from core.imaging.decode.tiff import stored_size_of_tiff

        size, orientation = stored_size_of_tiff(name, data)
    else:
        from core.imaging.decode.raster import stored_size_of_raster

        size, orientation = stored_size_of_raster(name, data, kind, limits)
    is_known = isinstance(orientation, int) and 1 <= orientation <= 8
    return StoredSize(*size, int(orientation) if is_known else 1)  # type: ignore[call-overload]


def _decode(name: str, data: bytes, limits: Limits, frame: int | None) -> RgbImage:
    kind = kind_of(data)
    if kind is None:
        raise refusal_of(name, data)
    if kind == "DICOM":
        opened = _open_dicom(name, data, limits)
        if frame is None and opened.frames > 1:
            message = f"{name} holds {opened.frames} pictures; save one of them. {ACCEPTED}"
            raise ImageRefused(name, "animated", message)
        return opened.frame(frame or 0)
    # Each reader is imported when a file needs it: most of what is sent is JPEG.
    if kind == "TIFF":
        from core.imaging.decode.tiff import decode_tiff

        return decode_tiff(name, data, limits)
    from core.imaging.decode.raster import decode_raster

    return decode_raster(name, data, kind, limits)


def _open_dicom(name: str, data: bytes, limits: Limits) -> DicomPicture:
    from core.imaging.decode.dicom import open_dicom

    return open_dicom(name, data, limits)


def _bounded(name: str, read: Callable[[], T]) -> T:
    """Whatever a decoder raises becomes a refusal."""
    try:
        return read()
    except ImageRefused:
        raise
    except MemoryError as error:
        raise needs_too_much_memory(name) from error
    except Exception as error:  # decoders raise what they like on damaged bytes
        raise damaged(name) from error
