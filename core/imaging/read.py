"""Reading pictures that somebody else made: real type, limits, orientation, pixels only.

What is read and how is in `core.imaging.decode`; it runs in a process of its own
(`core.imaging.decoder_processes`), because a picture from outside may be made to do harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.imaging import decoder_processes
from core.imaging.decode.kinds import kind_of
from core.imaging.refusal import ACCEPTED, ImageRefused, Limits, check_bytes
from core.records import Field
from core.settings import Settings

__all__ = [
    "ACCEPTED",
    "ImageRefused",
    "read_field",
    "read_frames",
    "read_path",
    "read_path_frames",
]


def read_field(
    name: str, data: bytes, settings: Settings, *, min_side_px: int | None = None
) -> Field:
    """One picture from its bytes.

    Args:
        name: what the person calls the file; used in messages and kept in the field.
        data: the file. Its content decides the type, its name does not.
        settings: the limits.
        min_side_px: smallest side, ``settings.min_side_px`` unless given; pictures of single
            cells are smaller than fields.

    Returns:
        Upright 8-bit sRGB. An embedded colour profile is applied; transparency is laid on white;
        grey, palette and CMYK are converted; deeper values are scaled as
        `core.imaging.decode.depth` says. Of a phone's JPEG with several pictures the first, of a
        TIFF with a preview the picture itself. Metadata is dropped. ``sha256`` is of ``data``.

    Raises:
        ImageRefused: whatever is wrong with the file; nothing else is raised.
    """
    limits = _checked(name, data, settings, min_side_px)
    pixels = decoder_processes.decode(name, data, limits)
    return Field(name=name, pixels=pixels, sha256=hashlib.sha256(data).hexdigest())


def read_frames(
    name: str, data: bytes, settings: Settings, *, min_side_px: int | None = None
) -> list[Callable[[], Field]]:
    """What a file holds, each picture still to be opened: many for a multi-frame DICOM file.

    A frame is named after the file and its number from 1; its ``sha256`` is of the file's hash
    and the number.

    Raises:
        ImageRefused: now if a DICOM file's header is refused; otherwise when a picture is opened.
    """
    only: list[Callable[[], Field]] = [
        partial(read_field, name, data, settings, min_side_px=min_side_px)
    ]
    if kind_of(data) != "DICOM":
        return only
    limits = _checked(name, data, settings, min_side_px)
    frames = decoder_processes.count_pictures(name, data, limits)
    if frames == 1:
        return only
    of_file = hashlib.sha256(data).hexdigest()
    return [partial(_read_frame, name, data, limits, of_file, index) for index in range(frames)]


def _read_frame(name: str, data: bytes, limits: Limits, of_file: str, index: int) -> Field:
    shown = f"{name}, frame {index + 1}"
    pixels = decoder_processes.decode(shown, data, limits, index)
    return Field(shown, pixels, hashlib.sha256(f"{of_file} frame {index + 1}".encode()).hexdigest())


def _checked(name: str, data: bytes, settings: Settings, min_side_px: int | None) -> Limits:
    """The limits of one reading, after a check of the file's own size."""
    if not data:
        raise ImageRefused(name, "empty", f"{name} is empty (0 bytes). {ACCEPTED}")
    check_bytes(name, len(data), settings.max_file_mb)
    return Limits.of(settings, min_side_px)


def read_path(path: Path, settings: Settings, *, min_side_px: int | None = None) -> Field:
    """One picture from the disk, as `read_field`; the size is checked before it is read.

    Raises:
        ImageRefused: also for a missing path, a folder, a device, or no permission.
    """
    name, data = _bytes_of(path, settings)
    return read_field(name, data, settings, min_side_px=min_side_px)


def read_path_frames(
    path: Path, settings: Settings, *, min_side_px: int | None = None
) -> list[Callable[[], Field]]:
    """A file of the disk as `read_frames`, refused as by `read_path`."""
    name, data = _bytes_of(path, settings)
    return read_frames(name, data, settings, min_side_px=min_side_px)


def _bytes_of(path: Path, settings: Settings) -> tuple[str, bytes]:
    """Name and content of a regular file within the limits.

    Raises:
        ImageRefused: also for a missing path, a folder, a device, or no permission.
    """
    name = path.name or str(path)
    try:
        if path.is_dir():
            message = f"{name} is a folder, not a picture. {ACCEPTED}"
            raise ImageRefused(name, "not_a_file", message)
        if not path.exists():
            raise ImageRefused(name, "missing", f"{name} does not exist at {path}.")
        if not path.is_file():  # a pipe or device could be read without end
            message = f"{name} is not a regular file. {ACCEPTED}"
            raise ImageRefused(name, "not_a_file", message)
        check_bytes(name, path.stat().st_size, settings.max_file_mb)
        return name, path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        if isinstance(error, ImageRefused):
            raise
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise ImageRefused(name, "unreadable", f"{name} cannot be read: {reason}.") from error
