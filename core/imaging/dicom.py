"""Pathology pictures in DICOM files: pixels only, within the limits every other picture keeps to.

Of the data set only what is needed to read pixels is looked at. Name, number, dates and every other
tag end here: a `Field` has no place for them.
"""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from core.imaging.read import ImageRefused, check_size
from core.records import Field, RgbImage
from core.settings import Settings

_MODALITIES: Final = ("", "SM", "GM", "XC", "OT", "SC")
"""Slide and general microscopy, photographs, and what converters write when they do not know."""

_DEFLATED: Final = UID("1.2.840.10008.1.2.1.99")
_NATIVE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"})
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
    """A file whose header was found sound; its frames are decoded one at a time."""

    name: str
    frames: int
    _data_set: pydicom.Dataset
    _sha256: str

    def frame(self, index: int) -> Field:
        """Frame ``index``, counted from 0, as upright 8-bit RGB.

        ``sha256`` is of the file, for one frame of several of the file's hash and the number.

        Raises:
            ImageRefused: if it cannot be decoded.
        """
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        name, sha256 = self.name, self._sha256
        if self.frames > 1:
            name = f"{self.name}, frame {index + 1}"
            sha256 = hashlib.sha256(f"{self._sha256} frame {index + 1}".encode()).hexdigest()
        try:
            with _silent():
                _check_encapsulated(self._data_set, index)
                return Field(name, _rgb(self._data_set, index), sha256)
        except Exception as error:  # pydicom's decoders raise what they like on damaged bytes
            raise ImageRefused(
                name, "truncated", f"{name} is damaged or cut off and cannot be read completely."
            ) from error


def open_dicom(
    name: str, data: bytes, settings: Settings, *, min_side_px: int | None = None
) -> DicomPicture:
    """A DICOM file whose pictures can be read; nothing is decoded yet.

    Raises:
        ImageRefused: if it is damaged, no photograph, over a limit, of a compression that is not
            read here, or shows a patient's label.
    """
    try:
        with _silent():
            return _opened(name, data, settings, min_side_px)
    except ImageRefused:
        raise
    except Exception as error:  # likewise
        message = f"{name} is a damaged DICOM file and cannot be read."
        raise ImageRefused(name, "truncated", message) from error


@contextmanager
def _silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(name: str, data: bytes, settings: Settings, min_side_px: int | None) -> DicomPicture:
    _check_syntax(name, _syntax(data))
    ds = pydicom.dcmread(io.BytesIO(data))
    modality = str(ds.get("Modality", ""))
    kinds = {str(word).upper() for word in _several(ds.get("ImageType"))}
    burned = str(ds.get("BurnedInAnnotation", "NO")).upper()
    width, height = int(ds.get("Columns", 0)), int(ds.get("Rows", 0))
    frames = int(ds.get("NumberOfFrames") or 1)
    has_pixels = "PixelData" in ds
    if modality not in _MODALITIES:
        message = f"{name} is a DICOM file of the kind {modality}, not a microscope picture."
        raise ImageRefused(name, "not_an_image", message)
    if not has_pixels or frames < 1:
        message = f"{name} is a DICOM file without a picture."
        raise ImageRefused(name, "not_an_image", message)
    if "LABEL" in kinds or burned == "YES":
        message = f"{name} shows a label or writing that may name the patient; it is not taken."
        raise ImageRefused(name, "identifying", message)
    if frames > settings.max_files:
        message = (
            f"{name} holds {frames} pictures; at most {settings.max_files} are taken at once. "
            "Of a whole slide, send the fields to be read."
        )
        raise ImageRefused(name, "too_many_files", message)
    least = settings.min_side_px if min_side_px is None else min_side_px
    check_size(name, (width, height), settings, least)
    return DicomPicture(name, frames, ds, hashlib.sha256(data).hexdigest())


def _syntax(data: bytes) -> UID:
    """How the data set is written, from the file's head alone, which is never compressed."""
    file = io.BytesIO(data)
    file.seek(132)
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


def _rgb(ds: pydicom.Dataset, index: int) -> RgbImage:
    pixels: npt.NDArray[np.generic] = pixel_array(ds, index=index)
    kind = str(ds.PhotometricInterpretation)
    depth = int(ds.BitsStored)
    if kind == "PALETTE COLOR":
        pixels, depth = apply_color_lut(pixels, ds), 16
        if int(pixels.max(initial=0)) < 256 and pixels.dtype == np.uint8:
            depth = 8
    values = pixels.astype(np.float64)
    if int(ds.get("PixelRepresentation", 0)):
        values += 2 ** (depth - 1)
    values *= 255.0 / (2**depth - 1)
    if kind == "MONOCHROME1":
        values = 255.0 - values
    grey = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    if grey.ndim == 2:
        grey = np.repeat(grey[:, :, None], 3, axis=2)
    return np.ascontiguousarray(grey)
