"""Is a JPEG damaged in the middle: libjpeg fills what it cannot decode with grey, and goes on.

Its own reader of broken data only warns, and Pillow drops the warnings. OpenCV's copy of libjpeg
prints the first one; a picture of an eighth of the size shows it, since all coefficients have to be
decoded for that too.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

import numpy as np

_EXTRA: Final = re.compile(rb"(\d+) extraneous bytes before marker 0xd9")
_HARMLESS_BYTES: Final = 16
"""Bytes between the picture and its end that some cameras leave; the picture is whole."""


def is_damaged(jpeg: bytes) -> bool:
    """Whether a part of the picture is missing or cannot be decoded.

    Args:
        jpeg: a whole JPEG stream that Pillow opens and whose size is within the limits.

    A change of single bits that leaves a valid stream cannot be seen by any reader.
    """
    import cv2  # takes 0.1 s once in each decoding process

    with _standard_error() as printed:
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
        printed.seek(0)
        words = printed.read()
    if b"Corrupt JPEG data" not in words:
        return False
    extra = _EXTRA.search(words)
    return extra is None or int(extra[1]) > _HARMLESS_BYTES


@contextmanager
def _standard_error() -> Iterator[IO[bytes]]:
    """What C code prints to standard error inside, instead of printing it."""
    sys.stderr.flush()
    before = os.dup(2)
    try:
        with tempfile.TemporaryFile() as printed:
            os.dup2(printed.fileno(), 2)
            try:
                yield printed
            finally:
                os.dup2(before, 2)
    finally:
        os.close(before)
