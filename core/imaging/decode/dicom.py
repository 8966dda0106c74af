"""Pathology pictures in DICOM files: pixels only, within the limits every other picture keeps to.

Of the data set only what is needed to read pixels is looked at. Name, number, dates and every other
tag end here: nothing but pixels leaves the decoding process.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from core.imaging.decode.colour import srgb_pixels
from core.imaging.decode.depth import eight_bits
from core.imaging.decode.dicom_window import window_of
from core.imaging.decode.jpeg_damage import is_damaged
from core.imaging.decode.named_colours import profile_named_by_dicom
from core.imaging.refusal import ACCEPTED, ImageRefused, Limits, check_size
from core.records import RgbImage

_MODALITIES: Final = ("", "SM", "GM", "XC", "OT", "SC")
"""Slide and general microscopy, photographs, and what converters write when they do not know."""

_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
_BITS_ALLOCATED: Final = (8, 16)
_DEFLATED: Final = UID("1.2.840.10008.1.2.1.99")
_NATIVE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"})
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_RLE: Final = "1.2.840.10008.1.2.5"
_BY_PILLOW: Final = frozenset(
    {
        "1.2.840.10008.1.2.4.50",  # JPEG, 8 bits
        "1.2.840.10008.1.2.4.90",  # JPEG 2000 without loss
        "1.2.840.10008.1.2.4.91",  # JPEG 2000
    }
)
# It repeats values of damaged tags in its warnings, and a log is no place for a patient's name.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class DicomPicture:
    """A file whose header is sound; its frames are decoded one at a time."""

    name: str
    frames: int
    _data_set: pydicom.Dataset

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of every frame."""
        return int(self._data_set.Columns), int(self._data_set.Rows)

    def frame(self, index: int) -> RgbImage:
        """Frame ``index``, counted from 0, as 8-bit sRGB.

        Raises:
            ImageRefused: if it cannot be decoded.
        """
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        try:
            with _silent():
                _check_encapsulated(self._data_set, index)
                return _rgb(self.name, self._data_set, index)
        except (ImageRefused, MemoryError):
            raise
        except Exception as error:  # pydicom's decoders raise what they like on damaged bytes
            message = f"{self.name} is damaged or cut off and cannot be read completely."
            raise ImageRefused(self.name, "truncated", message) from error


def open_dicom(name: str, data: bytes, limits: Limits) -> DicomPicture:
    """A DICOM file whose pictures can be read; nothing is decoded yet.

    Raises:
        ImageRefused: if it is damaged, no photograph, over a limit, of a compression that is not
            read here, or shows a patient's label.
    """
    try:
        with _silent():
            return _opened(name, data, limits)
    except (ImageRefused, MemoryError):
        raise
    except Exception as error:  # pydicom raises what it likes on damaged headers
        message = f"{name} is a damaged DICOM file and cannot be read."
        raise ImageRefused(name, "truncated", message) from error


@contextmanager
def _silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(name: str, data: bytes, limits: Limits) -> DicomPicture:
    has_preamble = data[128:132] == b"DICM"
    if not has_preamble and data[:2] != b"\2\0":
        # Without the file's head nothing says how the values are written and compressed.
        message = (
            f"{name} is a DICOM data set without the head of a file (preamble and transfer "
            f"syntax), which is not read. Export it again as a DICOM file. {ACCEPTED}"
        )
        raise ImageRefused(name, "not_an_image", message)
    _check_syntax(name, _syntax(data, 132 if has_preamble else 0))
    ds = pydicom.dcmread(io.BytesIO(data), force=not has_preamble)
    modality = str(ds.get("Modality", ""))
    kinds = {str(word).upper() for word in _several(ds.get("ImageType"))}
    burned = str(ds.get("BurnedInAnnotation", "NO")).upper()
    width, height = int(ds.get("Columns", 0)), int(ds.get("Rows", 0))
    frames = int(ds.get("NumberOfFrames") or 1)
    if modality not in _MODALITIES:
        message = f"{name} is a DICOM file of the kind {modality}, not a microscope picture."
        raise ImageRefused(name, "not_an_image", message)
    if "PixelData" not in ds or frames < 1:
        message = f"{name} is a DICOM file without a picture."
        raise ImageRefused(name, "not_an_image", message)
    if "LABEL" in kinds or burned == "YES":
        message = f"{name} shows a label or writing that may name the patient; it is not taken."
        raise ImageRefused(name, "identifying", message)
    if frames > limits.max_files:
        message = (
            f"{name} holds {frames} pictures; at most {limits.max_files} are taken at once. "
            "Of a whole slide, send the fields to be read."
        )
        raise ImageRefused(name, "too_many_files", message)
    check_size(name, (width, height), limits)
    _check_values(name, ds)
    return DicomPicture(name, frames, ds)


def _check_values(name: str, ds: pydicom.Dataset) -> None:
    """Raises ImageRefused for values whose black and white are not certain."""
    allocated, stored = int(ds.BitsAllocated), int(ds.BitsStored)
    high = int(ds.get("HighBit", stored - 1))
    samples = int(ds.get("SamplesPerPixel", 1))
    why = None
    if allocated not in _BITS_ALLOCATED or not 1 <= stored <= allocated:
        why = f"has values of {stored} bits in {allocated}"
    elif high != stored - 1:
        why = f"keeps its {stored} bits at an unusual place"
    elif samples not in (1, 3):
        why = f"has {samples} samples for each pixel"
    elif (
        str(ds.get("PresentationLUTShape", "")) == "INVERSE"
        and ds.PhotometricInterpretation == "MONOCHROME2"
    ):
        why = "says both that its small values are black and that they are white"
    if why is not None:
        message = f"{name} {why}, which is not read. Save it with 8 or 16 bits a channel."
        raise ImageRefused(name, "unclear", message)


def _syntax(data: bytes, start: int) -> UID:
    """How the data set is written, from the file's head alone, which is never compressed."""
    file = io.BytesIO(data)
    file.seek(start)
    head = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag >> 16 != 2,
    )
    return UID(head.TransferSyntaxUID)


def _check_syntax(name: str, syntax: UID) -> None:
    if syntax == _DEFLATED:
        # Unpacking is not bounded by anything the header says.
        message = f"{name} is a deflated DICOM file; save it without this compression."
        raise ImageRefused(name, "not_an_image", message)
    if syntax not in _NATIVE | _BY_PILLOW | {_RLE}:
        message = (
            f"{name} is a DICOM file compressed as {syntax.name}, which is not read here. "
            "Accepted: uncompressed, RLE, JPEG and JPEG 2000."
        )
        raise ImageRefused(name, "not_an_image", message)


def _several(value: object) -> list[object]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]


def _check_encapsulated(ds: pydicom.Dataset, index: int) -> None:
    """A compressed frame must be as large as the header says before a pixel of it is decoded."""
    if ds.file_meta.TransferSyntaxUID not in _BY_PILLOW:
        return
    data = get_frame(ds.PixelData, index, number_of_frames=int(ds.get("NumberOfFrames") or 1))
    with Image.open(io.BytesIO(data), formats=("JPEG", "JPEG2000")) as image:
        if image.size != (int(ds.Columns), int(ds.Rows)):
            raise ValueError(f"a frame of {image.size} where the header says otherwise")
        if image.format == "JPEG" and is_damaged(data):
            raise ValueError("a frame is damaged inside")


def _rgb(name: str, ds: pydicom.Dataset, index: int) -> RgbImage:
    values: npt.NDArray[Any] = pixel_array(ds, index=index)
    kind = str(ds.PhotometricInterpretation)
    bits = int(ds.BitsStored)
    window = window_of(name, ds, index) if kind in _GREY else None
    if window is not None:
        values, bits = window.apply(values), 8
    elif kind == "PALETTE COLOR":
        values = apply_color_lut(values, ds)
        bits = 8 if values.dtype == np.uint8 or _palette_fits_8_bits(ds) else 16
    elif int(ds.get("PixelRepresentation", 0)):
        # Signed values of n bits begin at -2^(n-1), which is black.
        values = (values.astype(np.int32) + (1 << (bits - 1))).clip(0, 65535)
    if values.dtype != np.uint8 or bits != 8:
        values = eight_bits(values.astype(np.uint16, copy=False), bits)
    if kind == "MONOCHROME1":
        values = 255 - values
    image = Image.fromarray(np.ascontiguousarray(values))
    return srgb_pixels(name, image, _profile(name, ds) if values.ndim == 3 else None)


def _palette_fits_8_bits(ds: pydicom.Dataset) -> bool:
    """Some programs fill the 16 bits of a palette's entries with values of 8."""
    tables = [ds.get(f"{c}PaletteColorLookupTableData", b"") for c in ("Red", "Green", "Blue")]
    order = ">" if ds.file_meta.TransferSyntaxUID == _BIG_ENDIAN else "<"
    return all(table and np.frombuffer(table, f"{order}u2").max() < 256 for table in tables)


def _profile(name: str, ds: pydicom.Dataset) -> bytes | None:
    """The colour profile of the picture or of its first optical path (slides), or by its name."""
    path = ds.get("OpticalPathSequence") or [ds]
    profile = ds.get("ICCProfile") or path[0].get("ICCProfile")
    if profile:
        return bytes(profile)
    space = ds.get("ColorSpace") or path[0].get("ColorSpace") or ""
    return profile_named_by_dicom(name, str(space).strip())
