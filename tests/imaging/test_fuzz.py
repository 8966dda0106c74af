"""Mutated files of every format: a picture or a refusal, and never beyond the limits.

A few hundred in the suite. More: ``HEMADESK_FUZZ=10000 pytest tests/imaging/test_fuzz.py``.
"""

from __future__ import annotations

import io
import os
import random
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from core.imaging import decoder_processes, synthetic
from core.imaging.read import ImageRefused, read_frames
from core.settings import Settings
from tests.imaging.colour_profiles import DISPLAY_P3, matrix_profile
from tests.imaging.test_dicom import compressed, dicom

EXAMPLES = int(os.environ.get("HEMADESK_FUZZ", "300"))
LIMITS = Settings(min_side_px=16)
FIELD = synthetic.draw(3, width=160, height=120).field.pixels
DEEP = FIELD.astype(np.uint16) * 257
P3 = matrix_profile(DISPLAY_P3, None)


def by_pillow(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(FIELD).save(out, kind, **options)
    return out.getvalue()


def by_tifffile(values: npt.NDArray[Any], **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, values, **{"photometric": "rgb", "metadata": None, **options})
    return out.getvalue()


def seeds() -> dict[str, bytes]:
    """Valid files of every format, small, so that a mutation meets something that matters."""
    exif = Image.Exif()
    exif[0x0112] = 6
    preview = Image.fromarray(FIELD[::4, ::4].copy())
    deep_png = io.BytesIO()
    Image.fromarray(DEEP[..., 0]).save(deep_png, "PNG")
    planes = np.moveaxis(DEEP, -1, 0)
    return {
        "jpeg": by_pillow("JPEG", exif=exif, icc_profile=P3),
        "progressive": by_pillow("JPEG", progressive=True),
        "mpo": by_pillow("MPO", save_all=True, append_images=[preview]),
        "png": by_pillow("PNG", icc_profile=P3),
        "png16": deep_png.getvalue(),
        "bmp": by_pillow("BMP"),
        "webp": by_pillow("WEBP", exif=exif, icc_profile=P3),
        "tiff": by_tifffile(FIELD),
        "lzw": by_tifffile(FIELD, compression="lzw", predictor=True, rowsperstrip=16),
        "tiles": by_tifffile(DEEP, compression="deflate", tile=(32, 32), iccprofile=P3),
        "planes": by_tifffile(planes, planarconfig="separate", compression="packbits"),
        "jpeg in tiff": by_tifffile(FIELD, compression="jpeg"),
        "bigtiff": by_tifffile(FIELD, bigtiff=True, byteorder=">", compression="zstd"),
        "palette": by_tifffile(
            FIELD[..., 0].copy(), photometric="palette", colormap=np.zeros((3, 256), np.uint16)
        ),
        "dicom": dicom(FIELD[None]),
        "dicom jpeg": compressed(FIELD[None], "1.2.840.10008.1.2.4.50", "JPEG", "YBR_FULL_422"),
    }


def mutated(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """One to four changes: bytes, fields that are lengths, cuts, repeats, parts of other files."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        # Most of what decides about a file stands at its head or, in a TIFF, at its end.
        reach = rng.choice([64, 512, len(changed)])
        place = rng.randrange(max(1, min(reach, len(changed))))
        if rng.random() < 0.2:
            place = max(0, len(changed) - 1 - place)
        way = rng.randrange(7)
        if way == 0:
            changed[place : place + 1] = rng.randbytes(1)
        elif way == 1:
            changed[place : place + 4] = rng.randbytes(4)
        elif way == 2:
            number = rng.choice(
                [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\1\0\0\0"]
            )
            changed[place : place + 4] = number
        elif way == 3:
            del changed[place : place + rng.randint(1, 64)]
        elif way == 4:
            del changed[place:]
        elif way == 5:
            changed[place:place] = changed[place : place + rng.randint(1, 4096)]
        else:
            changed[place : place + 64] = rng.choice(others)[:64]
    return bytes(changed)


@pytest.mark.parametrize("part", range(4))
def test_mutated_files_give_a_picture_or_a_refusal(part: int) -> None:
    rng = random.Random(part)
    valid = seeds()
    names, others = list(valid), list(valid.values())
    outcomes = {"read": 0, "refused": 0}
    sentences: list[str] = []
    slowest = 0.0
    for number in range(EXAMPLES // 4):
        name = names[number % len(names)]
        data = mutated(rng, valid[name], others)
        began = time.monotonic()
        try:
            for opened in read_frames(name, data, LIMITS):
                assert opened().pixels.shape[2] == 3
            outcomes["read"] += 1
        except ImageRefused as refusal:
            outcomes["refused"] += 1
            sentences.append(refusal.message)
        slowest = max(slowest, time.monotonic() - began)
    print(f"part {part}: {outcomes}, slowest {slowest:.1f} s")
    assert outcomes["read"] and outcomes["refused"]
    assert all(sentence.endswith(".") for sentence in sentences)
    _check_memory()


def _check_memory() -> None:
    """No decoding process ever held more than its limit, by the system's own record."""
    for child in decoder_processes._pool._all:
        try:
            with open(f"/proc/{child._process.pid}/status") as file:
                peak = next(line for line in file if line.startswith("VmHWM"))
        except OSError:
            continue  # not Linux, or ended
        assert int(peak.split()[1]) * 1024 <= decoder_processes.MEMORY_BYTES
