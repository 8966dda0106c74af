"""Pathology pictures in DICOM files made here: pixels come out, everything else stays behind."""

from __future__ import annotations

import io
import json

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_rescale, apply_windowing
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from core.imaging.read import ImageRefused, read_field, read_frames
from core.inference.batch import uploads
from core.settings import Settings
from tests.imaging.colour_profiles import DISPLAY_P3, in_srgb, matrix_profile

LIMITS = Settings(max_file_mb=2, max_megapixels=1, min_side_px=200, max_side_px=1200, max_files=4)
NAME = "Jane Q. Patient"


def pictures(frames: int = 1, height: int = 210, width: int = 260) -> np.ndarray:
    """Different frames, each with a gradient and a mark in the upper left corner."""
    y, x = np.mgrid[0:height, 0:width]
    made = np.stack(
        [np.stack([x % 256, y % 256, np.full_like(x, 40 * i)], axis=2) for i in range(frames)]
    ).astype(np.uint8)
    made[:, :20, :30] = (200, 10, 90)
    return made


def dicom(pixels: np.ndarray, syntax=ExplicitVRLittleEndian, **tags: object) -> bytes:
    """A slide-microscopy file of ``(frames, height, width[, 3])`` pixels with a patient in it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.77.1.2")
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    ds = FileDataset(io.BytesIO(), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = NAME, "HOSP-4711", "19700101"
    ds.Modality = "SM"
    ds.Rows, ds.Columns = pixels.shape[1:3]
    if len(pixels) > 1:
        ds.NumberOfFrames = len(pixels)
    ds.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
    if pixels.ndim == 4:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = 0
    ds.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(ds, name, value)
    return saved(ds)


def saved(ds: pydicom.Dataset) -> bytes:
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def compressed(pixels: np.ndarray, syntax, kind: str, colours: str, **options: object) -> bytes:
    parts = []
    for frame in pixels:
        out = io.BytesIO()
        Image.fromarray(frame).save(out, kind, **options)
        parts.append(out.getvalue())
    ds = pydicom.dcmread(io.BytesIO(dicom(pixels)))
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PhotometricInterpretation = colours
    ds.PixelData = encapsulate(parts)
    ds["PixelData"].VR = "OB"
    return saved(ds)


def refused(data: bytes, limits: Settings = LIMITS) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read_field("slide.dcm", data, limits)
    assert "slide.dcm" in caught.value.message and caught.value.message.endswith(".")
    return caught.value


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_one_frame_is_one_field(syntax) -> None:
    pixels = pictures()
    field = read_field("slide.dcm", dicom(pixels, syntax), LIMITS)
    assert field.name == "slide.dcm"
    np.testing.assert_array_equal(field.pixels, pixels[0])


def test_run_length_and_jpeg_2000_lose_nothing() -> None:
    pixels = pictures(2)
    ds = pydicom.dcmread(io.BytesIO(dicom(pixels)))
    ds.compress(RLELossless)
    jpeg2000 = compressed(pixels, JPEG2000Lossless, "JPEG2000", "YBR_RCT", irreversible=False)
    for data in (saved(ds), jpeg2000):
        frames = [opened() for opened in read_frames("slide.dcm", data, LIMITS)]
        np.testing.assert_array_equal(np.stack([frame.pixels for frame in frames]), pixels)


def test_jpeg_keeps_its_colours() -> None:
    smooth = np.full((1, 240, 240, 3), (200, 40, 90), np.uint8)
    data = compressed(smooth, JPEGBaseline8Bit, "JPEG", "YBR_FULL_422", quality=95)
    assert np.abs(read_field("a.dcm", data, LIMITS).pixels.astype(int) - smooth[0]).max() <= 3


def test_a_file_without_preamble_is_read_and_a_bare_data_set_is_named() -> None:
    pixels = pictures()
    whole = dicom(pixels)
    np.testing.assert_array_equal(read_field("a.dcm", whole[132:], LIMITS).pixels, pixels[0])
    ds = pydicom.dcmread(io.BytesIO(whole))
    for implicit in (True, False):
        out = io.BytesIO()
        bare = pydicom.Dataset(ds)
        bare.save_as(out, implicit_vr=implicit, little_endian=True)
        message = refused(out.getvalue()).message
        assert "preamble and transfer syntax" in message and "Export it again" in message


def test_values_below_nought_and_the_limits_of_the_depth() -> None:
    signed = np.linspace(-2048, 2047, 240 * 240).reshape(1, 240, 240).astype(np.int16)
    data = dicom(signed.view(np.uint16), BitsStored=12, HighBit=11, PixelRepresentation=1)
    shown = read_field("a.dcm", data, LIMITS).pixels[:, :, 0]
    assert np.abs(shown - np.round((signed[0] + 2048) * (255 / 4095))).max() <= 1
    deep = dicom(np.zeros((1, 210, 260), np.uint32))
    assert refused(deep).code == "unclear"
    assert refused(dicom(pictures(), HighBit=8)).code in ("unclear", "truncated")


def test_the_colour_profile_of_a_slide_is_applied() -> None:
    profile = matrix_profile(DISPLAY_P3, None)
    pixels = pictures()
    path = pydicom.Dataset()
    path.ICCProfile = profile
    expected = in_srgb(pixels[0], DISPLAY_P3, None)
    for tags in ({"ICCProfile": profile}, {"OpticalPathSequence": [path]}):
        shown = read_field("a.dcm", dicom(pixels, **tags), LIMITS).pixels
        assert np.abs(shown - expected).max() <= 2


def test_every_frame_is_a_picture_of_its_own() -> None:
    pixels = pictures(3)
    fields = [opened() for opened in read_frames("slide.dcm", dicom(pixels), LIMITS)]
    assert [field.name for field in fields] == [f"slide.dcm, frame {i}" for i in (1, 2, 3)]
    assert len({field.sha256 for field in fields}) == 3
    np.testing.assert_array_equal(np.stack([field.pixels for field in fields]), pixels)
    assert "3 pictures" in refused(dicom(pixels)).message


def test_a_grey_picture_of_twelve_bits_is_scaled_by_its_depth() -> None:
    grey = np.linspace(0, 4095, 240 * 240).reshape(1, 240, 240).astype(np.uint16)
    field = read_field("a.dcm", dicom(grey, BitsStored=12, HighBit=11), LIMITS)
    expected = np.round(grey[0] * (255 / 4095))
    assert np.abs(field.pixels[:, :, 0] - expected).max() <= 1
    inverted = dicom(grey, BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1")
    assert (
        np.abs(read_field("a.dcm", inverted, LIMITS).pixels[:, :, 1] - (255 - expected)).max() <= 1
    )


def test_nothing_of_the_patient_is_left() -> None:
    field = read_field("a.dcm", dicom(pictures()), LIMITS)
    kept = repr(vars(field)).encode() + field.pixels.tobytes()
    assert NAME.encode() not in kept and b"HOSP-4711" not in kept


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (dicom(pictures(), Modality="CT"), "not_an_image", "of the kind CT"),
        (dicom(pictures(), BurnedInAnnotation="YES"), "identifying", "may name the patient"),
        (
            dicom(pictures(), ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"]),
            "identifying",
            "label",
        ),
        (dicom(pictures(5)), "too_many_files", "5 pictures; at most 4"),
        (dicom(pictures(1, 100, 300)), "too_small", "at least 200 a side"),
        (dicom(pictures(1, 210, 1300)), "too_large", "at most 1200 a side"),
        (dicom(pictures(), Rows=40000, Columns=40000), "too_many_pixels", "at most 1 megapixels"),
        (dicom(pictures())[:5000], "truncated", "damaged"),
        (dicom(pictures(), DeflatedExplicitVRLittleEndian), "not_an_image", "deflated"),
        (
            compressed(pictures(), JPEGLSLossless, "JPEG", "RGB"),
            "not_an_image",
            "JPEG-LS",
        ),
        (b"\0" * 128 + b"DICM" + b"\0" * 40, "truncated", "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_says_why(data: bytes, code: str, said: str) -> None:
    refusal = refused(data)
    assert (refusal.code, said in refusal.message) == (code, True), refusal.message


def test_a_compressed_frame_larger_than_its_header_is_never_decoded() -> None:
    data = compressed(pictures(1, 900, 900), JPEGBaseline8Bit, "JPEG", "YBR_FULL_422")
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.Rows = ds.Columns = 210
    assert refused(saved(ds)).code == "truncated"


def test_a_file_over_the_limit_is_refused_before_it_is_parsed() -> None:
    data = dicom(pictures()) + b"\0" * 3_000_000
    assert refused(data).code == "too_many_bytes"
    with pytest.raises(ImageRefused, match="3.2 MB"):
        read_frames("slide.dcm", data, LIMITS)[0]()


def test_uploads_and_the_command_line_take_every_frame(tmp_path) -> None:
    drawn = np.stack([synthetic.draw(seed, width=320, height=240).field.pixels for seed in (1, 2)])
    data = dicom(drawn)
    sources = uploads([("slide.dcm", data), ("broken.dcm", data[:400])], LIMITS)
    assert [source.name for source in sources] == ["slide.dcm", "slide.dcm", "broken.dcm"]
    assert sources[1].opened().name == "slide.dcm, frame 2"
    with pytest.raises(ImageRefused, match=r"broken\.dcm"):
        sources[2].opened()

    (tmp_path / "slide.dcm").write_bytes(data)
    result = CliRunner().invoke(app, ["analyse", str(tmp_path), "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    path = tmp_path / "slide.dcm"
    assert [row["file"] for row in rows] == [f"{path}, frame 1", f"{path}, frame 2"]
    assert result.exit_code == 0 and all(row["counts"] for row in rows)


WHOLE = dicom(pictures())


@hypothesis_settings(max_examples=150)
@given(st.integers(132, 1200), st.binary(min_size=1, max_size=8))
def test_changed_bytes_give_a_field_or_a_refusal(place: int, junk: bytes) -> None:
    refusals: list[str] = []
    data = WHOLE[:place] + junk + WHOLE[place + len(junk) :]
    try:
        for opened in read_frames("a.dcm", data, LIMITS):
            assert opened().pixels.shape[2] == 3
    except ImageRefused as refusal:
        refusals.append(refusal.message)
    assert all("a.dcm" in said for said in refusals)


def test_planes_grey_that_is_inverted_and_values_of_ten_bits() -> None:
    pixels = pictures()
    planes = np.moveaxis(pixels, -1, 1).copy().reshape(pixels.shape)
    shown = read_field("a.dcm", dicom(planes, PlanarConfiguration=1), LIMITS).pixels
    np.testing.assert_array_equal(shown, pixels[0])
    ten = pixels.astype(np.uint16) * 257 >> 6
    shown = read_field("a.dcm", dicom(ten, BitsStored=10, HighBit=9), LIMITS).pixels
    assert np.abs(shown.astype(int) - pixels[0]).max() <= 1
    grey = pixels[..., 1]
    data = dicom(255 - grey, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read_field("a.dcm", data, LIMITS).pixels[..., 0], grey[0])
    # Two tags that contradict each other about black and white.
    assert refused(dicom(255 - grey, PresentationLUTShape="INVERSE")).code == "unclear"


@pytest.mark.parametrize("run_length", [False, True])
def test_colours_stored_as_luminance_and_chroma(run_length: bool) -> None:
    pixels = pictures()
    stored = np.asarray(Image.fromarray(pixels[0]).convert("YCbCr"))[None]
    data = dicom(stored, PhotometricInterpretation="YBR_FULL")
    if run_length:
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.compress(RLELossless)
        data = saved(ds)
    shown = read_field("a.dcm", data, LIMITS).pixels.astype(int)
    assert np.abs(shown - pixels[0]).max() <= 3  # three numbers of 8 bits, each rounded twice


@pytest.mark.parametrize("colours", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("keep_rgb", [False, True])
def test_the_jpeg_inside_says_its_own_colours(colours: str, keep_rgb: bool) -> None:
    smooth = np.full((1, 240, 240, 3), (200, 40, 90), np.uint8)
    data = compressed(smooth, JPEGBaseline8Bit, "JPEG", colours, quality=95, keep_rgb=keep_rgb)
    assert np.abs(read_field("a.dcm", data, LIMITS).pixels.astype(int) - smooth[0]).max() <= 3


@pytest.mark.parametrize(("bits", "scale"), [(8, 1), (16, 257), (16, 1)])
def test_a_palette_of_eight_bits_in_sixteen(bits: int, scale: int) -> None:
    table = np.random.default_rng(0).integers(0, 256, (3, 256))
    indices = pictures()[..., 1]
    tags: dict[str, object] = {}
    for colour, row in zip(("Red", "Green", "Blue"), table, strict=True):
        stored = (row * scale).astype("<u2" if bits == 16 else "u1").tobytes()
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tags[f"{colour}PaletteColorLookupTableData"] = stored
    data = dicom(indices, PhotometricInterpretation="PALETTE COLOR", **tags)
    expected = table.T.astype(np.uint8)[indices[0]]
    np.testing.assert_array_equal(read_field("a.dcm", data, LIMITS).pixels, expected)


def test_big_endian_values() -> None:
    pixels = pictures()
    ds = pydicom.dcmread(io.BytesIO(dicom(pixels.astype(np.uint16) * 257)))
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    ds.PixelData = (pixels.astype(np.uint16) * 257).astype(">u2").tobytes()
    ds["PixelData"].VR = "OW"
    out = io.BytesIO()
    pydicom.dcmwrite(out, ds, implicit_vr=False, little_endian=False, force_encoding=True)
    np.testing.assert_array_equal(read_field("a.dcm", out.getvalue(), LIMITS).pixels, pixels[0])


def _grey16(low: int = 0, high: int = 4096) -> np.ndarray:
    return np.linspace(low, high, 210 * 260, dtype=np.int32).reshape(1, 210, 260).astype(np.uint16)


@pytest.mark.parametrize("kind", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": 1500, "WindowWidth": 1000},
        {"WindowCenter": [300, 9000], "WindowWidth": [200, 1]},
        {"WindowCenter": 200, "WindowWidth": 900, "RescaleSlope": 0.5, "RescaleIntercept": -300},
        {"WindowCenter": 1500, "WindowWidth": 800, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 1500, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"},
    ],
)
def test_a_window_of_grey_values_is_laid_on_as_viewers_do(kind, tags) -> None:
    """Against pydicom's own windows, stretched to 8 bits."""
    values = _grey16()
    data = dicom(values, PhotometricInterpretation=kind, **tags)
    ds = pydicom.dcmread(io.BytesIO(data))
    shown = apply_windowing(apply_rescale(values[0], ds), ds).astype(float)
    grey = 255 * (shown - shown.min()) / (shown.max() - shown.min())
    grey = 255 - grey if kind == "MONOCHROME1" else grey
    read = read_field("slide.dcm", data, LIMITS).pixels.astype(float)
    assert np.abs(read - grey[..., None]).max() <= 1.5
    assert (read.min(), read.max()) == (0, 255)


def test_the_usual_window_of_8_bits_changes_nothing_and_colours_have_none() -> None:
    window = {"WindowCenter": 128, "WindowWidth": 256}
    grey = pictures()[..., 0]
    read = read_field("slide.dcm", dicom(grey, **window), LIMITS)
    np.testing.assert_array_equal(read.pixels, np.repeat(grey[0][..., None], 3, 2))
    read = read_field("slide.dcm", dicom(pictures(), WindowCenter=9, WindowWidth=3), LIMITS)
    np.testing.assert_array_equal(read.pixels, pictures()[0])


def test_each_frame_has_the_window_of_its_own_groups() -> None:
    frames = []
    for centre in (500, 3000):
        voi, group = pydicom.Dataset(), pydicom.Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 200
        group.FrameVOILUTSequence = [voi]
        frames.append(group)
    values = np.repeat(np.full_like(_grey16(), 1500), 2, axis=0)
    data = dicom(values, PerFrameFunctionalGroupsSequence=frames)
    first, second = (read() for read in read_frames("slide.dcm", data, LIMITS))
    assert (first.pixels.min(), second.pixels.max()) == (255, 0)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"VOILUTSequence": [pydicom.Dataset()]}, "a table of its own"),
        ({"ModalityLUTSequence": [pydicom.Dataset()]}, "a table of its own"),
        ({"RescaleSlope": -1, "RescaleIntercept": 4095}, "falls"),
        ({"WindowCenter": 100}, "is not one"),
        ({"WindowCenter": 100, "WindowWidth": 0}, "is not one"),
        ({"WindowCenter": 9, "WindowWidth": 9, "VOILUTFunction": "LOG"}, "is not one"),
    ],
)
def test_grey_values_that_cannot_be_laid_on_are_refused(tags, words) -> None:
    refusal = refused(dicom(_grey16(), **tags))
    assert refusal.code == "unclear" and words in refusal.message and "8-bit" in refusal.message


def test_a_jpeg_frame_damaged_inside_is_refused() -> None:
    data = compressed(pictures(), JPEGBaseline8Bit, "JPEG", "YBR_FULL_422", quality=95)
    assert read_field("slide.dcm", data, LIMITS).pixels.shape == (210, 260, 3)
    start = data.index(b"\xff\xda") + 400
    assert refused(data[:start] + bytes(300) + data[start + 300 :]).code == "truncated"
