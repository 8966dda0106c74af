"""Phones' pictures: the first of two, colours by the embedded profile, nothing else kept."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image, ImageCms

from core.imaging import synthetic
from core.imaging.read import ImageRefused, read_field
from core.settings import Settings
from tests.imaging import colour_profiles as profiles

LIMITS = Settings(min_side_px=50)
FIELD = synthetic.draw(3, width=320, height=240).field.pixels
P3 = profiles.matrix_profile(profiles.DISPLAY_P3, None)
ADOBE = profiles.matrix_profile(profiles.ADOBE_RGB, 2.19921875)


def colours() -> npt.NDArray[np.uint8]:
    """Skin and stain colours, in patches that JPEG keeps."""
    values = [(224, 172, 140), (198, 134, 110), (141, 85, 66), (120, 80, 160), (230, 160, 180),
              (90, 60, 130)]  # fmt: skip
    return np.repeat(np.repeat(np.array([values], np.uint8), 96, 0), 48, 1)


PATCHES = colours()


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(data: bytes) -> npt.NDArray[np.int64]:
    return read_field("photo", data, LIMITS).pixels.astype(np.int64)


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [("PNG", {}, 2), ("TIFF", {}, 2), ("JPEG", {"quality": 98, "subsampling": 0}, 4),
     ("WEBP", {"lossless": True}, 2)],
)  # fmt: skip
@pytest.mark.parametrize(
    ("profile", "primaries", "gamma"),
    [(P3, profiles.DISPLAY_P3, None), (ADOBE, profiles.ADOBE_RGB, 2.19921875)],
    ids=["Display P3", "Adobe RGB"],
)
def test_an_embedded_profile_is_applied(
    kind: str,
    options: dict[str, object],
    tolerance: int,
    profile: bytes,
    primaries: npt.NDArray[np.float64],
    gamma: float | None,
) -> None:
    data = encoded(Image.fromarray(PATCHES), kind, icc_profile=profile, **options)
    expected = profiles.in_srgb(PATCHES, primaries, gamma)
    assert np.abs(expected - PATCHES).max() > 8  # there is something to do
    assert np.abs(read(data) - expected).max() <= tolerance


def test_sixteen_bits_and_planes_have_profiles_too() -> None:
    expected = profiles.in_srgb(PATCHES, profiles.DISPLAY_P3, None)
    planes = np.moveaxis(PATCHES.astype(np.uint16) * 257, -1, 0)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(planes, photometric="rgb", planarconfig="separate", iccprofile=P3)
    assert np.abs(read(out.getvalue()) - expected).max() <= 2


def test_srgb_under_another_name_changes_no_pixel() -> None:
    for profile in (
        profiles.matrix_profile(profiles.SRGB, None),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ):
        data = encoded(Image.fromarray(FIELD), "PNG", icc_profile=profile)
        np.testing.assert_array_equal(read(data), FIELD)


def test_grey_and_palette_pictures_with_a_profile() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (60, 1))
    data = encoded(Image.fromarray(ramp), "PNG", icc_profile=profiles.grey_profile(1.8))
    linear = (ramp / 255.0) ** 1.8
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(read(data)[..., 0] - expected * 255).max() <= 2
    data = encoded(Image.fromarray(PATCHES).quantize(16), "PNG", icc_profile=P3)
    expected = profiles.in_srgb(PATCHES, profiles.DISPLAY_P3, None)
    assert np.abs(read(data) - expected).max() <= 3


@pytest.mark.parametrize(
    "profile",
    [P3[:200], b"no profile", profiles.grey_profile(2.2), P3.replace(b"RGB ", b"CMYK")],
)
def test_a_profile_that_cannot_be_applied_is_a_refusal(profile: bytes) -> None:
    data = encoded(Image.fromarray(PATCHES), "PNG", icc_profile=profile)
    with pytest.raises(ImageRefused) as caught:
        read(data)
    assert caught.value.code == "unclear" and "Save it again as sRGB" in caught.value.message


def test_the_second_picture_of_a_phone_is_not_the_picture() -> None:
    preview = Image.fromarray(FIELD[::4, ::4].copy())
    options = {"quality": 95, "subsampling": 0}
    data = encoded(Image.fromarray(FIELD), "MPO", save_all=True, append_images=[preview], **options)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
    alone = read(encoded(Image.fromarray(FIELD), "JPEG", **options))
    np.testing.assert_array_equal(read(data), alone)
    np.testing.assert_array_equal(read(data[:-300]), alone)  # a preview that was cut off


def test_a_phone_photo_is_turned_and_nothing_of_its_metadata_stays() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "patient: Jane Roe"
    data = encoded(Image.fromarray(FIELD), "JPEG", exif=exif, quality=95)
    field = read_field("IMG.jpg", data, LIMITS)
    assert field.pixels.shape == (320, 240, 3)
    assert set(vars(field)) == {"name", "pixels", "sha256"}


def test_an_empty_alpha_does_not_blank_a_picture() -> None:
    image = Image.fromarray(FIELD)
    image.putalpha(0)
    np.testing.assert_array_equal(read(encoded(image, "PNG")), FIELD)
