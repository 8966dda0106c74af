"""The refusal of a file that is not read as a picture, and the limits of every picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the decoding process has no use for pydantic, which takes long to import
    from core.settings import Settings

ACCEPTED: Final = "Accepted: PNG, JPEG, TIFF, BMP, WebP, DICOM."
MEGA: Final = 1_000_000


class ImageRefused(ValueError):
    """A file that is not read as a picture.

    ``file`` is its name, ``code`` one of the stable words below, ``message`` one plain sentence
    naming the file, what is wrong and what is accepted.

    Codes: ``missing``, ``not_a_file``, ``unreadable``, ``empty``, ``not_an_image``,
    ``truncated``, ``animated`` (several pictures), ``unclear`` (whole, but its values or colours
    can be understood in more than one way), ``too_many_bytes``, ``too_many_pixels``,
    ``too_small``, ``too_large``, ``too_many_files``, ``too_slow``, ``too_much_memory``,
    ``stopped``, ``identifying`` (a DICOM label).
    """

    def __init__(self, file: str, code: str, message: str) -> None:
        super().__init__(message)
        self.file, self.code, self.message = file, code, message

    def as_json(self) -> dict[str, object]:
        return {"file": self.file, "error": {"code": self.code, "message": self.message}}


@dataclass(frozen=True)
class Limits:
    """The limits of one reading, as plain numbers that fit into a message to another process."""

    max_file_mb: float
    max_megapixels: float
    min_side_px: int
    max_side_px: int
    max_files: int

    @classmethod
    def of(cls, settings: Settings, min_side_px: int | None = None) -> Limits:
        """The site's limits; ``min_side_px`` replaces the smallest side where it is given."""
        least = settings.min_side_px if min_side_px is None else min_side_px
        return cls(
            settings.max_file_mb,
            settings.max_megapixels,
            least,
            settings.max_side_px,
            settings.max_files,
        )


def check_bytes(name: str, size: int, max_file_mb: float) -> None:
    """Raises ImageRefused (``too_many_bytes``) for a file of more than ``max_file_mb`` MB."""
    if size > max_file_mb * MEGA:
        message = f"{name} has {size / MEGA:.1f} MB, more than the {max_file_mb:g} MB accepted."
        raise ImageRefused(name, "too_many_bytes", message)


def check_size(name: str, size: tuple[int, int], limits: Limits) -> None:
    """The limits on a picture's width and height and area, in pixels.

    Raises:
        ImageRefused: ``empty``, ``too_many_pixels``, ``too_large`` or ``too_small``.
    """
    width, height = size
    if width < 1 or height < 1:
        raise ImageRefused(name, "empty", f"{name} has no pixels. {ACCEPTED}")
    if width * height > limits.max_megapixels * MEGA:
        raise too_many_pixels(name, size, limits)
    if max(size) > limits.max_side_px:
        message = (
            f"{name} is {width} x {height} pixels; at most {limits.max_side_px} a side are "
            "accepted."
        )
        raise ImageRefused(name, "too_large", message)
    if min(size) < limits.min_side_px:
        message = (
            f"{name} is {width} x {height} pixels; at least {limits.min_side_px} a side are needed."
        )
        raise ImageRefused(name, "too_small", message)


def too_many_pixels(name: str, size: tuple[int, int] | None, limits: Limits) -> ImageRefused:
    """The refusal of a picture whose header announces more pixels than are accepted."""
    area = f"{size[0] * size[1] / MEGA:.0f} megapixels" if size else "far too many pixels"
    message = f"{name} has {area}; at most {limits.max_megapixels:g} megapixels are accepted."
    return ImageRefused(name, "too_many_pixels", message)


def damaged(name: str) -> ImageRefused:
    """The refusal of a file that begins like an accepted one and cannot be read to its end."""
    message = f"{name} is damaged or cut off and cannot be read completely. {ACCEPTED}"
    return ImageRefused(name, "truncated", message)


def needs_too_much_memory(name: str) -> ImageRefused:
    """The refusal of a file that would not fit into the decoding process."""
    message = (
        f"{name} needs more than 1 GB of memory to be decoded and was not read. Save it with 8 "
        "bits a channel, or send a part of it."
    )
    return ImageRefused(name, "too_much_memory", message)
