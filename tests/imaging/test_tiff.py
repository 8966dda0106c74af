"""TIFF as microscope cameras, ImageJ, OME and GDAL write it: read by its tags, or refused by name.

Every file is written by tifffile from one drawn field; what must come out is that field.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from core.imaging import synthetic
from core.imaging.read import ImageRefused, read_field
from core.settings import Settings

LIMITS = Settings(min_side_px=50)
FIELD = synthetic.draw(3, width=320, height=240).field.pixels
GREY = FIELD[..., 1].copy()
DEEP = FIELD.astype(np.uint16) * 257
TWELVE = DEEP >> 4


def tiff(values: npt.NDArray[Any], *, big: bool = False, order: Any = "<", **options: Any) -> bytes:
    """One page of ``values``."""
    out = io.BytesIO()
    options = {"photometric": "rgb", "metadata": None, **options}
    with tifffile.TiffWriter(out, bigtiff=big, byteorder=order) as writer:
        writer.write(values, **options)
    return out.getvalue()


def pages(*written: tuple[npt.NDArray[Any], dict[str, Any]], **file: Any) -> bytes:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, **file) as writer:
        for values, options in written:
            writer.write(values, **options)
    return out.getvalue()


def read(data: bytes) -> npt.NDArray[np.uint8]:
    return read_field("field.tif", data, LIMITS).pixels


def off_by(data: bytes, expected: npt.NDArray[Any] = FIELD) -> int:
    if expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3, axis=2)
    return int(np.abs(read(data).astype(int) - expected).max())


def refused(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read(data)
    assert caught.value.message.startswith("field.tif ") and caught.value.message.endswith(".")
    return caught.value


# ReferenceBlackWhite as television has it, not JPEG: numerators and denominators.
STUDIO_RANGE = [(532, "2I", 6, (15, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1), True)]
PLANES = np.moveaxis(DEEP, -1, 0)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_of_sixteen_bits(compression: Any, tile: Any, order: Any) -> None:
    data = tiff(PLANES, planarconfig="separate", compression=compression, tile=tile, order=order)
    assert off_by(data) == 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "rowsperstrip": 7},
        {"compression": "deflate", "tile": (48, 80)},
        {"big": True},
        {"big": True, "order": ">"},
        {"order": ">", "compression": "lzw", "predictor": True},
    ],
)
@pytest.mark.parametrize("values", [FIELD, DEEP, TWELVE], ids=["8", "16", "12 in 16"])
def test_every_layout_gives_the_same_pixels(
    values: npt.NDArray[Any], options: dict[str, Any]
) -> None:
    assert off_by(tiff(values, **options)) <= 1


def test_twelve_bits_in_planes_and_with_alpha() -> None:
    planes = np.moveaxis(TWELVE, -1, 0)
    assert off_by(tiff(planes, planarconfig="separate", compression="lzw")) <= 1
    opaque = np.concatenate([DEEP, np.full((240, 320, 1), 65535, np.uint16)], axis=2)
    assert off_by(tiff(opaque, extrasamples=["unassalpha"])) == 0
    data = tiff(np.moveaxis(opaque, -1, 0), planarconfig="separate", extrasamples=["unassalpha"])
    assert off_by(data) == 0


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_bits_are_the_depth_they_say(bits: int) -> None:
    grey = DEEP[..., 0] >> (16 - bits)
    whole = np.unpackbits(grey.astype(">u2").view(np.uint8).reshape(240, 320, 2), axis=-1)
    packed = np.packbits(whole[..., 16 - bits :].reshape(240, -1), axis=1)
    # tifffile writes no packed bits: the strip is written as bytes, then the tags are put right.
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(packed, photometric="minisblack", metadata=None, rowsperstrip=240)
    out.seek(0)
    with tifffile.TiffFile(out, mode="r+") as file:
        file.pages[0].tags["ImageWidth"].overwrite(320)  # type: ignore[union-attr]
        file.pages[0].tags["BitsPerSample"].overwrite(bits)  # type: ignore[union-attr]
    assert off_by(out.getvalue(), FIELD[..., 0]) <= 1


def test_white_is_zero() -> None:
    for values, full in ((GREY, 255), (GREY.astype(np.uint16) * 257, 65535)):
        data = tiff(full - values, photometric="miniswhite", compression="deflate")
        assert off_by(data, GREY) == 0
    bits = GREY > 128
    assert off_by(tiff(~bits, photometric="miniswhite"), bits * 255) == 0


def test_white_is_zero_in_fewer_bits_is_read_where_a_tag_says_how_many() -> None:
    twelve = 4095 - (GREY.astype(np.uint16) * 257 >> 4)
    assert "how many bits are used" in refused(tiff(twelve, photometric="miniswhite")).message
    tag = [(281, "H", 1, 4095, True)]
    assert off_by(tiff(twelve, photometric="miniswhite", extratags=tag), GREY) <= 1


def test_one_bright_pixel_or_a_burnt_in_bar_changes_nothing_else() -> None:
    hot, bar = TWELVE.copy(), TWELVE.copy()
    hot[100, 100] = 4100
    hot[7, 9] = 65535
    bar[220:230, 200:300] = 65535
    for values, mask in ((hot, hot != TWELVE), (bar, bar != TWELVE)):
        difference = np.abs(read(tiff(values)).astype(int) - FIELD)
        assert difference[~mask].max() <= 1
    assert (read(tiff(bar))[225, 250] == 255).all()


@pytest.mark.parametrize(("bits", "shift"), [(10, 6), (14, 2)])
def test_a_bar_in_ten_and_fourteen_bits(bits: int, shift: int) -> None:
    values = (DEEP >> shift).astype(np.uint16)
    values[220:230, 200:300] = 65535
    difference = np.abs(read(tiff(values)).astype(int) - FIELD)
    assert difference[:220].max() <= 1


def test_a_banner_with_soft_letters_changes_nothing_else() -> None:
    values = TWELVE.copy()
    values[210:] = 65535
    values[220:225, 10:310] = np.linspace(0, 65535, 300).astype(np.uint16)[None, :, None]
    assert np.abs(read(tiff(values)).astype(int) - FIELD)[:210].max() <= 1


def test_an_unclear_depth_is_refused_and_a_tag_settles_it() -> None:
    values = TWELVE.copy()
    label = np.linspace(9000, 65535, 10 * 100).astype(np.uint16).reshape(10, 100, 1)
    values[220:230, 200:300] = label  # writing with soft edges
    refusal = refused(tiff(values))
    assert refusal.code == "unclear" and "8 bits a channel" in refusal.message
    tag = [(281, "H", 3, (4095, 4095, 4095), True)]
    assert np.abs(read(tiff(values, extratags=tag)).astype(int) - FIELD)[:220].max() <= 1


def test_a_dark_picture_of_sixteen_bits_keeps_its_bright_part() -> None:
    values = (DEEP // 5).astype(np.uint16)  # up to 13,000: as 14 bits
    values[:40] = DEEP[:40]  # more than one in twenty is brighter
    assert np.abs(read(tiff(values))[:40].astype(int) - FIELD[:40]).max() <= 1


def test_the_preview_page_is_not_the_picture() -> None:
    small, kind = FIELD[::4, ::4].copy(), {"photometric": "rgb", "metadata": None}
    main, preview = (FIELD, kind), (small, {**kind, "subfiletype": 1})
    for written in ((main, preview), (preview, main), (preview, main, preview)):
        assert off_by(pages(*written)) == 0
    mask = (
        np.ones((240, 320), np.bool_),
        {"photometric": "minisblack", "subfiletype": 4, "metadata": None},
    )
    assert off_by(pages(main, mask)) == 0


def test_a_pyramid_below_the_page_is_not_in_the_way() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(FIELD, photometric="rgb", subifds=1, metadata=None)
        writer.write(FIELD[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    assert off_by(out.getvalue()) == 0


def test_several_pages_are_refused_with_their_sizes() -> None:
    kind = {"photometric": "rgb", "metadata": None}
    refusal = refused(pages((FIELD, kind), (FIELD[:200], kind)))
    assert refusal.code == "animated"
    assert "2 pictures or pages (page 1 of 320 x 240, page 2 of 320 x 200)" in refusal.message


def test_planes_as_pages_are_named_as_such() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        writer.write(np.moveaxis(FIELD, -1, 0), photometric="minisblack", metadata={"axes": "CYX"})
    message = refused(out.getvalue()).message
    assert "grey planes of one colour picture" in message and "save the picture as RGB" in message
    out = io.BytesIO()
    with tifffile.TiffWriter(out, imagej=True) as writer:
        writer.write(np.moveaxis(FIELD, -1, 0), metadata={"axes": "CYX"})
    assert "save the picture as RGB" in refused(out.getvalue()).message


def test_one_plane_of_a_picture_in_several_files_is_refused() -> None:
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="320" '
        'SizeY="240" SizeC="3" SizeZ="1" SizeT="1"/></Image></OME>'
    )
    data = tiff(GREY, photometric="minisblack", description=text)
    assert "3 planes" in refused(data).message
    # ImageJ keeps the further planes of a large stack behind the only page.
    text = "ImageJ=1.54f\nimages=3\nchannels=3\n"
    data = tiff(GREY, photometric="minisblack", description=text)
    assert "3 planes" in refused(data).message
    out = io.BytesIO()
    tifffile.imwrite(out, np.moveaxis(FIELD, -1, 0), photometric="minisblack", truncate=True)
    assert "3 planes" in refused(out.getvalue()).message
    out = io.BytesIO()
    tifffile.imwrite(out, FIELD[None], photometric="rgb", truncate=True)
    assert off_by(out.getvalue()) == 0


def test_samples_of_unknown_meaning_beside_colours_are_left_out() -> None:
    for fill in (0, 128, 255):
        four = np.concatenate([FIELD, np.full((240, 320, 1), fill, np.uint8)], axis=2)
        assert off_by(tiff(four, extrasamples=["unspecified"])) == 0
    five = np.concatenate([FIELD, FIELD[..., :2]], axis=2)
    assert off_by(tiff(five, extrasamples=["unspecified", "unspecified"])) == 0


@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha"])
def test_an_empty_alpha_does_not_blank_the_picture(kind: str) -> None:
    four = np.concatenate([FIELD, np.zeros((240, 320, 1), np.uint8)], axis=2)
    assert off_by(tiff(four, extrasamples=[kind])) == 0


def test_alpha_is_laid_on_white() -> None:
    alpha = np.full((240, 320, 1), 255, np.uint8)
    alpha[:, :100] = 0
    expected = FIELD.copy()
    expected[:, :100] = 255
    straight = np.concatenate([FIELD, alpha], axis=2)
    assert off_by(tiff(straight, extrasamples=["unassalpha"]), expected) == 0
    multiplied = np.concatenate([FIELD * (alpha > 0), alpha], axis=2)
    assert off_by(tiff(multiplied, extrasamples=["assocalpha"]), expected) == 0
    grey = np.concatenate([GREY[..., None], alpha], axis=2)
    data = tiff(grey, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
    assert off_by(data, np.where(alpha[..., 0] > 0, GREY, 255)) == 0


def test_channels_that_do_not_say_their_colour_are_refused() -> None:
    data = tiff(
        FIELD,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unspecified", "unspecified"],
    )
    assert "3 channels and does not say which colours" in refused(data).message


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (FIELD.astype(np.float32) / 255, {}, "floating-point"),
        (GREY.astype(np.float32), {"photometric": "minisblack"}, "floating-point"),
        (GREY.astype(np.float16), {"photometric": "minisblack"}, "floating-point"),
        (DEEP.astype(np.int16), {}, "signed"),
        (GREY.astype(np.int8), {"photometric": "minisblack"}, "signed"),
        (DEEP.astype(np.uint32), {}, "32 bits"),
        (FIELD, {"photometric": "cielab"}, "Lab"),
        (FIELD, {"photometric": "ycbcr", "extratags": STUDIO_RANGE}, "YCbCr"),
        (
            GREY,
            {
                "photometric": "cfa",
                "extratags": [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)],
            },
            "RAW",
        ),
    ],
)
def test_values_and_colours_that_are_not_certain(
    values: npt.NDArray[Any], options: dict[str, Any], words: str
) -> None:
    refusal = refused(tiff(values, **options))
    assert words in refusal.message
    assert "8 or 16 bits" in refusal.message or "JPEG" in refusal.message


def test_an_unread_compression_is_named() -> None:
    refusal = refused(tiff(FIELD, compression="jpegxl"))
    assert "compressed as JPEG XL" in refusal.message and "LZW" in refusal.message


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 2)])
def test_jpeg_in_tiff(subsampling: tuple[int, int]) -> None:
    smooth = np.full((240, 320, 3), (200, 120, 160), np.uint8)
    data = tiff(smooth, compression="jpeg", subsampling=subsampling)
    assert off_by(data, smooth) <= 3


@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2)])
def test_ycbcr_without_jpeg(compression: int, across: int, down: int) -> None:
    # Blocks of one colour each, so that halved chroma loses nothing; written as TIFF 6.0 says.
    patches = FIELD[::8, ::8].repeat(8, axis=0).repeat(8, axis=1)
    ycbcr = np.asarray(Image.fromarray(patches).convert("YCbCr"))
    blocks = ycbcr[..., 0].reshape(240 // down, down, 320 // across, across)
    light = blocks.transpose(0, 2, 1, 3).reshape(240 // down, 320 // across, -1)
    strip = np.concatenate([light, ycbcr[::down, ::across, 1:]], axis=2)
    out = io.BytesIO()
    rows = strip.reshape(240 // down, -1)
    with tifffile.TiffWriter(out) as writer:
        writer.write(
            rows,
            photometric="minisblack",
            compression=compression,
            rowsperstrip=48 // down,
            metadata=None,
            extratags=[(530, "H", 2, (across, down), True)],
        )
    # tifffile writes no such page: its grey one gets the tags of what the strips hold.
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = file.pages[0].tags  # type: ignore[union-attr]
        changes = {256: 320, 257: 240, 262: 6, 277: 3, 278: 48}
        for code, value in changes.items():
            tag = tags[code]
            size = {3: 2, 4: 4}[int(tag.dtype)]
            data[tag.valueoffset : tag.valueoffset + size] = value.to_bytes(size, "little")
    assert off_by(bytes(data), patches) <= 3  # three numbers of 8 bits, each rounded twice


def test_the_picture_below_its_preview() -> None:
    # As raw converters write it: the first page is the preview, the picture a page below it.
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(FIELD[::4, ::4], photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(FIELD, photometric="rgb", metadata=None)
    assert off_by(out.getvalue()) == 0


def test_palette_and_cmyk() -> None:
    table = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    data = tiff(GREY, photometric="palette", colormap=table * 257)
    assert off_by(data, table.T.astype(np.uint8)[GREY]) == 0
    inks = np.concatenate([255 - FIELD, np.zeros((240, 320, 1), np.uint8)], axis=2)
    assert off_by(tiff(inks, photometric="separated")) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("values", [FIELD, DEEP], ids=["8", "16"])
def test_orientation(orientation: int, values: npt.NDArray[Any]) -> None:
    # Rows and columns that each of the eight names first, by the TIFF 6.0 specification.
    turned = {
        1: FIELD,
        2: FIELD[:, ::-1],
        3: FIELD[::-1, ::-1],
        4: FIELD[::-1],
        5: FIELD.transpose(1, 0, 2),
        6: np.rot90(FIELD, -1),
        7: FIELD[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(FIELD),
    }[orientation]
    data = tiff(values, extratags=[(274, "H", 1, orientation, True)])
    assert off_by(data, turned) == 0


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "jpeg", "zstd"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_off_file_is_never_half_a_picture(compression: Any, share: float) -> None:
    data = tiff(FIELD, compression=compression, rowsperstrip=32)
    assert refused(data[: int(len(data) * share)]).code in ("truncated", "not_an_image")


def test_a_missing_strip_is_not_read_as_black() -> None:
    out = io.BytesIO(tiff(FIELD, compression="lzw", rowsperstrip=32))
    with tifffile.TiffFile(out, mode="r+") as file:
        tag = file.pages[0].tags["StripByteCounts"]  # type: ignore[union-attr]
        tag.overwrite((0, *tag.value[1:]))
    assert refused(out.getvalue()).code == "truncated"


@pytest.mark.parametrize(
    ("shown", "options"),
    [
        ("rgb", {"photometric": "rgb"}),
        ("rgb", {"photometric": "rgb", "tile": (64, 64)}),
        ("grey", {"photometric": "minisblack"}),
        ("white is zero", {"photometric": "miniswhite"}),
        ("cmyk", {"photometric": "separated"}),
        ("planes", {"photometric": "rgb", "planarconfig": "separate"}),
        ("12 bits", {"photometric": "rgb", "bitspersample": 12}),
    ],
)
def test_every_sort_of_jpeg_in_tiff(shown: str, options: dict[str, Any]) -> None:
    smooth = np.asarray(Image.fromarray(FIELD).resize((16, 12)).resize((320, 240), 3))
    grey = smooth[..., 1].copy()
    values = {
        "grey": grey,
        "white is zero": 255 - grey,
        "cmyk": np.asarray(Image.fromarray(smooth).convert("CMYK")),
        "planes": np.moveaxis(smooth, -1, 0).copy(),
        "12 bits": smooth.astype(np.uint16) * 257 >> 4,
    }.get(shown, smooth)
    data = tiff(values, compression="jpeg", compressionargs={"level": 97}, **options)
    assert off_by(data, grey if values.ndim == 2 else smooth) <= 8


def test_inks_that_are_stored_inverted_are_no_negative() -> None:
    inks = np.concatenate([255 - FIELD, np.zeros((240, 320, 1), np.uint8)], axis=2)
    plain = [(336, "H", 2, (0, 255), True)]
    assert off_by(tiff(inks, photometric="separated", extratags=plain)) <= 1
    inverted = [(336, "H", 2, (255, 0), True)]
    refusal = refused(tiff(255 - inks, photometric="separated", extratags=inverted))
    assert refusal.code == "unclear" and "inverted" in refusal.message
