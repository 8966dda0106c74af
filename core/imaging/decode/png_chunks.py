"""The chunks of a PNG before Pillow sees them: sums are checked, texts are left away.

Pillow never compares the sum of the chunks that hold the pixels, and stops reading when it has all
rows: a file with a few wrong bytes gave wrong rows without a word. It also refuses large texts, of
which nothing is kept anyway.
"""

from __future__ import annotations

import zlib
from typing import Final

_SIGNATURE: Final = 8
_HEAD, _SUM = 8, 4
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_WITH_ORIENTATION: Final = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")
"""Texts in which some programs keep EXIF and XMP, and with them which side is up."""


def checked_chunks(data: bytes) -> bytes:
    """The file without its texts but those that hold EXIF and XMP, every other byte as it was.

    A chunk that is cut off, and all after it, is left for the decoder to judge.

    Raises:
        ValueError: if the sum of a chunk that is needed for the pixels is wrong.
    """
    whole = memoryview(data)
    kept = [whole[:_SIGNATURE]]
    start = place = _SIGNATURE
    while place + _HEAD + _SUM <= len(data):
        length = int.from_bytes(whole[place : place + 4], "big")
        end = place + _HEAD + length + _SUM
        if end > len(data):
            break
        kind = bytes(whole[place + 4 : place + _HEAD])
        if kind in _TEXTS and not data.startswith(_WITH_ORIENTATION, place + _HEAD):
            kept.append(whole[start:place])
            start = end
        elif kind[:1].isupper():
            expected = int.from_bytes(whole[end - _SUM : end], "big")
            if zlib.crc32(whole[place + 4 : end - _SUM]) != expected:
                raise ValueError(f"the sum of {kind!r} is wrong")
        if kind == b"IEND":
            break  # what follows is no part of the picture
        place = end
    kept.append(whole[start:])
    return data if start == _SIGNATURE else b"".join(kept)
