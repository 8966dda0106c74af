"""TIFF and BigTIFF: tifffile reads the structure, imagecodecs the strips, the tags the meaning.

Only what the tags say for certain is read. Everything else is refused by name: a picture whose
values may be understood in two ways would be counted wrongly without anybody seeing it.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.imaging.decode.colour import srgb_pixels, upright
from core.imaging.decode.depth import eight_bits, histogram, used_bits
from core.imaging.decode.jpeg_damage import is_damaged
from core.imaging.decode.named_colours import profile_named_by_tiff
from core.imaging.decode.tiff_pages import main_page
from core.imaging.decode.tiff_ycbcr import is_plain_ycbcr, rgb_of_ycbcr
from core.imaging.refusal import ImageRefused, Limits, check_size, damaged
from core.records import RgbImage

if TYPE_CHECKING:
    import tifffile

# It repeats values of damaged tags in its warnings, and a log is no place for a patient's name.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)

_WHITE_IS_ZERO: Final = 0
_BLACK_IS_ZERO: Final = 1
_RGB: Final = 2
_PALETTE: Final = 3
_SEPARATED: Final = 5
_YCBCR: Final = 6
_SAMPLES: Final = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _SEPARATED: 4,
                   _YCBCR: 3}  # fmt: skip
_OTHER_COLOURS: Final = {
    4: "is a mask, not a picture",
    8: "has CIE Lab colours",
    9: "has ICC Lab colours",
    10: "has ITU Lab colours",
    32844: "has LogLuv values",
    32845: "has LogLuv values",
    51177: "is a depth map, not a picture",
}
_RAW: Final = (32803, 34892)

_JPEG: Final = 7
_READ: Final = {
    1: "none", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", _JPEG: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 34712: "JPEG 2000", 34925: "LZMA", 50000: "Zstandard",
}  # fmt: skip
_OTHER_COMPRESSIONS: Final = {6: "old-style JPEG", 34892: "lossy DNG", 33003: "Aperio JPEG 2000",
                              33005: "Aperio JPEG 2000", 50001: "WebP", 50002: "JPEG XL",
                              34887: "LERC", 32809: "ThunderScan"}  # fmt: skip
_ASSOCIATED, _UNASSOCIATED = 1, 2
_MOST_SAMPLES: Final = 16


def decode_tiff(name: str, data: bytes, limits: Limits) -> RgbImage:
    """The picture of a TIFF file, upright, in sRGB.

    Raises:
        ImageRefused: if it is damaged, holds several pictures, or is of a sort that is not read.
    """
    import tifffile

    try:
        # Without the flag an OME description could name other files, which would be opened.
        with tifffile.TiffFile(io.BytesIO(data), is_ome=False, _multifile=False) as tiff:
            page = main_page(name, tiff)
            check_size(name, (int(page.imagewidth), int(page.imagelength)), limits)
            _check_sort(name, page)
            return _Page(name, page, data).pixels()
    except (ImageRefused, MemoryError):
        raise
    except Exception as error:  # tifffile and the codecs raise what they like on damaged bytes
        raise damaged(name) from error


def stored_size_of_tiff(name: str, data: bytes) -> tuple[tuple[int, int], object]:
    """Width and height of the page that is the picture, and its orientation (tag 274).

    Raises:
        ImageRefused: if the file is damaged or holds several pictures.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data), is_ome=False, _multifile=False) as tiff:
            page = main_page(name, tiff)
            size = int(page.imagewidth), int(page.imagelength)
            return size, page.tags.valueof(274, 1)
    except (ImageRefused, MemoryError):
        raise
    except Exception as error:  # tifffile raises what it likes on damaged bytes
        raise damaged(name) from error


def _check_sort(name: str, page: tifffile.TiffPage) -> None:
    """Raises ImageRefused for values, colours or compressions that are not read."""
    photometric, compression = int(page.photometric), int(page.compression)
    form = int(page.sampleformat)
    bits: Any = page.bitspersample  # a tuple where they differ, which its stub leaves out
    if photometric in _RAW:
        message = (
            f"{name} is a camera's RAW file, which is not accepted. Send the JPEG or TIFF made "
            "from it."
        )
        raise ImageRefused(name, "not_an_image", message)
    why = None
    if form == 3:
        why = "has floating-point values, whose white is not certain"
    elif form != 1:
        why = "has signed values, whose black is not certain" if form == 2 else (
            "has values of an undefined sort"
        )  # fmt: skip
    elif photometric in _OTHER_COLOURS:
        why = _OTHER_COLOURS[photometric]
    elif photometric not in _SAMPLES:
        why = f"has colours of an unknown sort (PhotometricInterpretation {photometric})"
    elif isinstance(bits, tuple):
        why = "has channels of different depth"
    elif bits > 16:
        why = f"has values of {bits} bits"
    elif page.imagedepth > 1:
        why = "is a volume, not a picture"
    elif photometric == _YCBCR and compression != _JPEG and not is_plain_ycbcr(page):
        why = "has YCbCr colours of an unusual sort"
    elif photometric == _SEPARATED and not _is_plain_cmyk(page):
        why = "is separated into inks other than CMYK, or stores them inverted"
    if why is not None:
        message = f"{name} {why}, and is not read. Save it as RGB with 8 or 16 bits a channel."
        raise ImageRefused(name, "unclear", message)
    if compression not in _READ:
        kind = _OTHER_COMPRESSIONS.get(compression, f"kind {compression}")
        message = (
            f"{name} is compressed as {kind}, which is not read in a TIFF. Save it uncompressed or "
            "with LZW."
        )
        raise ImageRefused(name, "not_an_image", message)
    _check_samples(name, page)


def _is_plain_cmyk(page: tifffile.TiffPage) -> bool:
    """Are the inks CMYK (tag 332), and is the smallest value no ink (DotRange, tag 336)?"""
    dots = np.atleast_1d(page.tags.valueof(336, (0, 255)))
    return bool(page.tags.valueof(332, 1) == 1 and dots[0] < dots[-1])


def _check_samples(name: str, page: tifffile.TiffPage) -> None:
    photometric, samples = int(page.photometric), int(page.samplesperpixel)
    if not _SAMPLES[photometric] <= samples <= _MOST_SAMPLES:
        raise damaged(name)
    is_grey = photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _PALETTE)
    if is_grey and samples > 1 and _alpha_kind(page) is None:
        message = (
            f"{name} holds {samples} channels and does not say which colours they are. Merge them "
            "and save the picture as RGB."
        )
        raise ImageRefused(name, "unclear", message)


def _alpha_kind(page: tifffile.TiffPage) -> int | None:
    """1 if the first sample after the colours is alpha with colours multiplied, 2 if not; None
    where it is no alpha: samples of unknown meaning are left out.
    """
    extra = page.tags.valueof(338, ())
    first = (extra[0] if extra else 0) if isinstance(extra, tuple) else extra
    return int(first) if first in (_ASSOCIATED, _UNASSOCIATED) else None


def _whole_jpeg(tables: bytes | None, strip: bytes) -> bytes:
    """A strip with the tables that all strips share, as a JPEG stream of its own."""
    return strip if tables is None else tables.rstrip(b"\0").removesuffix(b"\xff\xd9") + strip[2:]


class _Page:
    """The values of a page that passed `_check_sort`."""

    def __init__(self, name: str, page: tifffile.TiffPage, data: bytes) -> None:
        self._name, self._page, self._data = name, page, data
        self._photometric = int(page.photometric)
        self._bits = int(page.bitspersample)

    def pixels(self) -> RgbImage:
        embedded = self._page.tags.valueof(34675)
        if embedded:
            profile: bytes | None = bytes(embedded)
        elif self._photometric == _SEPARATED:
            profile = None
        else:
            profile = profile_named_by_tiff(self._name, self._page.tags, self._data)
        if self._photometric == _YCBCR and int(self._page.compression) != _JPEG:
            image = Image.fromarray(rgb_of_ycbcr(self._page, self._data))
        else:
            image = self._image(self._values())
        pixels = srgb_pixels(self._name, image, profile)
        return upright(pixels, self._page.tags.valueof(274, 1))

    def _image(self, values: npt.NDArray[Any]) -> Image.Image:
        """Values ``(H, W, samples)`` as an 8-bit picture, with alpha where there is one."""
        colours = _SAMPLES[self._photometric]
        if self._photometric == _PALETTE:
            eight = self._from_palette(values[..., 0])
        else:
            eight = self._eight_bits(values[..., :colours])
        kind = _alpha_kind(self._page) if values.shape[2] > colours else None
        if kind is None or self._photometric == _SEPARATED:
            mode = {1: "L", 3: "RGB", 4: "CMYK"}[eight.shape[2]]
            return Image.fromarray(eight[..., 0] if mode == "L" else eight, mode)
        alpha = values[..., colours : colours + 1]
        alpha = eight_bits(alpha, self._bits) if self._bits != 8 else alpha
        if eight.shape[2] == 1:
            eight = np.repeat(eight, 3, axis=2)
        if kind == _ASSOCIATED and alpha.any():
            # Colours were multiplied by alpha already: what is missing is the white behind them.
            shown = eight.astype(np.uint16) + (255 - alpha.astype(np.uint16))
            return Image.fromarray(np.minimum(shown, 255).astype(np.uint8), "RGB")
        return Image.fromarray(np.concatenate([eight, alpha], axis=2), "RGBA")

    def _eight_bits(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        inverted = self._photometric == _WHITE_IS_ZERO
        if self._bits == 8:
            return np.ascontiguousarray(255 - values if inverted else values)
        bits = self._bits if self._bits < 16 else self._used_bits(values)
        return eight_bits(values.astype(np.uint16, copy=False), bits, inverted=inverted)

    def _used_bits(self, values: npt.NDArray[Any]) -> int:
        if self._photometric == _SEPARATED:
            return 16
        counts = histogram(values)
        bits = used_bits(self._name, counts, self._declared_bits())
        if self._photometric == _WHITE_IS_ZERO and bits < 16 and self._declared_bits() is None:
            # What fits fewer bits is a pale picture of 16 or a whole one of 12: here the bright
            # ground has the small values, and nothing tells the two apart.
            message = (
                f"{self._name} has 16-bit values in which 0 is white and does not say how many "
                "bits are used. Save it with 8 bits a channel."
            )
            raise ImageRefused(self._name, "unclear", message)
        return bits

    def _declared_bits(self) -> int | None:
        """From MaxSampleValue or SMaxSampleValue, where they name the end of a depth.

        Many programs write the brightest value of the picture there, which says nothing.
        """
        for code in (281, 341):
            value = self._page.tags.valueof(code)
            value = value[0] if isinstance(value, tuple) and value else value
            if isinstance(value, int) and value in (1023, 4095, 16383):
                return value.bit_length()
        return None

    def _from_palette(self, indices: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        table = np.asarray(self._page.tags.valueof(320)).reshape(3, 1 << self._bits)
        # The tag holds 16 bits; some writers fill it with 8.
        table = table if int(table.max()) < 256 else table >> 8
        return np.ascontiguousarray(table.astype(np.uint8).T[indices])

    def _values(self) -> npt.NDArray[Any]:
        """Every sample of the page, ``(H, W, samples)``; strip by strip, none may be missing."""
        page = self._page
        shape = (int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel))
        dtype = np.dtype(np.uint8 if self._bits <= 8 else np.uint16)
        segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        if page.is_contiguous:
            return self._uncompressed(shape, dtype)
        if len(segments) != int(np.prod(page.chunked)):
            raise ValueError(f"{len(segments)} strips where {page.chunked} are needed")
        values = np.empty(shape, dtype)
        for index, (offset, length) in enumerate(segments):
            raw = self._data[offset : offset + length]
            if length < 1 or offset < 8 or len(raw) < length:
                raise ValueError("a strip is missing or cut off")
            # libjpeg fills up what is missing with grey and says nothing.
            if int(page.compression) == _JPEG and b"\xff\xd9" not in raw[-64:]:
                raise ValueError("a JPEG strip is cut off")
            if int(page.compression) == _JPEG and is_damaged(_whole_jpeg(page.jpegtables, raw)):
                raise ValueError("a JPEG strip is damaged inside")
            part, place, _ = page.decode(raw, index, jpegtables=page.jpegtables, jpegheader=None)
            if part is None or part.dtype.kind not in "bu":
                raise ValueError("a strip could not be decoded")
            plane, _, top, left, _ = place
            into = values[top : top + part.shape[1], left : left + part.shape[2]]
            part = part[0, : into.shape[0], : into.shape[1]]
            if page.planarconfig == 2 and shape[2] > 1:
                into[..., plane] = part[..., 0]
            else:
                into[:] = part
        return values

    def _uncompressed(self, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        page = self._page
        stored = dtype.newbyteorder(page.parent.byteorder)
        count = int(np.prod(shape))
        values = np.frombuffer(self._data, stored, count, int(page.dataoffsets[0]))
        if page.fillorder == 2 or page.predictor != 1:
            raise ValueError("uncompressed values with a predictor or turned bits")
        values = values.astype(dtype, copy=False)
        if page.planarconfig == 2 and shape[2] > 1:
            height, width, samples = shape
            return values.reshape(samples, height, width).transpose(1, 2, 0)
        return values.reshape(shape)
