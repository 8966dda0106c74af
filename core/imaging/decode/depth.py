"""Values of more than 8 bits as 8 bits: how many bits are really used, and the scaling."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from core.imaging.refusal import ImageRefused

Values = npt.NDArray[np.uint16]
Bytes = npt.NDArray[np.uint8]

DEPTHS: Final = (8, 10, 12, 14, 16)
"""What cameras deliver; the last is the container itself."""

_HOT: Final = 0.001
_TAIL: Final = 0.05
_BURNT_IN: Final = 0.25
_BURNT_IN_LEVELS: Final = 8
_BURNT_IN_SHARE: Final = 0.8  # of what is too great: the rest are the soft edges of letters
_CHUNK: Final = 1 << 20  # values at a time: numpy turns an index into 8 bytes a value


def histogram(values: Values) -> npt.NDArray[np.int64]:
    """How often each value from 0 to 65535 occurs, ``(65536,)``."""
    flat = values.reshape(-1)
    counts = np.zeros(65536, np.int64)
    for start in range(0, flat.size, _CHUNK):
        counts += np.bincount(flat[start : start + _CHUNK], minlength=65536)
    return counts


def used_bits(name: str, counts: npt.NDArray[np.int64], declared: int | None = None) -> int:
    """Bits really used by values that lie in 16 bits, as microscope cameras store 10, 12 or 14.

    The smallest of `DEPTHS` that holds the values, apart from those that are no part of the
    scene: at most one value in a thousand (hot pixels), or at most a quarter where nearly all of
    these have the same few levels (a scale bar or banner burnt in). Values just above a depth, up
    to twice its range, are the scene's own and ask for the next depth. Where one value in twenty
    or fewer is far greater and neither holds, the depth is not certain.

    Args:
        name: of the file, for the refusal.
        counts: of `histogram`.
        declared: bits named by the file's tags; they are believed unless more than a quarter of
            the values contradicts them.

    Raises:
        ImageRefused: ``unclear``.
    """
    total = max(int(counts.sum()), 1)
    if declared is not None:
        if counts[1 << declared :].sum() > _BURNT_IN * total:
            raise _unclear(name, f"is said to use {declared} bits, but holds greater values")
        return declared
    for bits in DEPTHS:
        above = counts[1 << bits :]
        share = int(above.sum()) / total
        if share <= _HOT:
            return bits
        few_levels = np.partition(above, -_BURNT_IN_LEVELS)[-_BURNT_IN_LEVELS:]
        if share <= _BURNT_IN and few_levels.sum() >= _BURNT_IN_SHARE * above.sum():
            return bits
        if share <= _TAIL and int(above[1 << bits :].sum()) > _HOT * total:
            words = f"fits {bits} bits except for {share:.1%} of its values, which are far greater"
            raise _unclear(name, words)
    return 16


def _unclear(name: str, why: str) -> ImageRefused:
    message = (
        f"{name} {why}, so its real depth is not certain and it was not read. Save it with 8 bits "
        "a channel."
    )
    return ImageRefused(name, "unclear", message)


def eight_bits(values: Values, bits: int, *, inverted: bool = False) -> Bytes:
    """``values`` of ``bits`` bits scaled to 8, greater ones as the greatest.

    One factor for all channels, so colours stay. ``inverted``: 0 is white.
    """
    full = (1 << bits) - 1
    table = np.clip(np.arange(65536) * (255.0 / full) + 0.5, 0, 255).astype(np.uint8)
    if inverted:
        table = table[np.maximum(full - np.arange(65536), 0)]
    flat = np.ascontiguousarray(values).reshape(-1)
    scaled = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, _CHUNK):
        scaled[start : start + _CHUNK] = table[flat[start : start + _CHUNK]]
    return scaled.reshape(values.shape)
