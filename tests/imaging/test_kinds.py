"""What people send instead of a picture is named for what it is, with the way out."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from core.imaging import synthetic
from core.imaging.read import ImageRefused, read_field
from core.settings import Settings

LIMITS = Settings(min_side_px=50)
PIXELS = synthetic.draw(1, width=320, height=240).field.pixels


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


def iso_media(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + b"\0\0\0\0" + b"".join(brands)
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(200)


HEIC = "Most Compatible"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved("JPEG2000"), "a JPEG 2000 picture"),
        (imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k"), "a JPEG 2000 picture"),
        (saved("AVIF"), "an AVIF picture"),
        (iso_media(b"mif1", b"avif"), "an AVIF picture"),
        (iso_media(b"heic", b"mif1"), HEIC),
        (iso_media(b"mif1", b"heic"), HEIC),
        (iso_media(b"heix"), HEIC),
        (iso_media(b"msf1", b"hevc"), HEIC),
        (iso_media(b"crx "), "RAW"),
        (iso_media(b"isom", b"mp42"), "a video"),
        (imagecodecs.jpegxl_encode(PIXELS), "a JPEG XL picture"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(100), "RAW"),
        (b"8BPS" + bytes(100), "a Photoshop document"),
        (b"%PDF-1.7", "a PDF document"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"\xef\xbb\xbf  <svg/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html>", "a web page"),
        ("Blutausstrich, Fräulein Müller, 5 µm\n".encode() * 200, "text, not a picture"),
        (b"\xff\xfe\xfd junk \0\1\2\3", "is not a picture"),
        (saved("GIF"), "a GIF"),
        (saved("PPM"), "Netpbm"),
        (saved("ICO"), "an icon"),
        (imagecodecs.jpegls_encode(PIXELS), "a JPEG-LS picture"),
        (imagecodecs.ljpeg_encode(PIXELS[..., 0].astype(np.uint16)), "a lossless JPEG"),
        (imagecodecs.jpeg_encode(PIXELS.astype(np.uint16), bitspersample=12), "a JPEG of 12 bits"),
    ],
)
def test_what_it_is_and_what_is_accepted(data: bytes, words: str) -> None:
    with pytest.raises(ImageRefused) as caught:
        read_field("IMG_1.jpg", data, LIMITS)
    message = caught.value.message
    assert words in message and message.startswith("IMG_1.jpg is ")
    assert message.endswith("Accepted: PNG, JPEG, TIFF, BMP, WebP, DICOM.")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.4, 0.97])
def test_a_cut_off_picture_is_damaged_and_never_half_read(kind: str, share: float) -> None:
    data = saved(kind)
    with pytest.raises(ImageRefused) as caught:
        read_field("cut", data[: int(len(data) * share)], LIMITS)
    assert caught.value.code == "truncated" and "cut off" in caught.value.message


def test_no_bytes_at_all() -> None:
    with pytest.raises(ImageRefused, match="0 bytes"):
        read_field("a.png", b"", LIMITS)
