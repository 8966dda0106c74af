"""ICC profiles of colours that a file names by primaries, white and curve instead of a profile."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Chromaticity = tuple[float, float]

D65: Final = (0.3127, 0.3290)
_D50_XYZ: Final = (0.9642, 1.0, 0.8249)
SRGB_CURVE: Final = "sRGB"
_SRGB_PARAMETERS: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_BRADFORD: Final = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_SAME_PRIMARIES: Final = 0.003


@dataclass(frozen=True)
class NamedColours:
    """A space of red, green and blue.

    ``white`` to ``blue`` are chromaticities (x, y). ``curve`` is `SRGB_CURVE`, the exponent that
    makes values linear, or for each channel a table from 0 to 65535, linear light.
    """

    white: Chromaticity
    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    curve: str | float | tuple[tuple[int, ...], ...]

    def has_primaries_of(self, other: NamedColours) -> bool:
        """Are white and primaries the same within the rounding of file formats?"""
        ours = np.array([self.white, self.red, self.green, self.blue])
        theirs = np.array([other.white, other.red, other.green, other.blue])
        return bool(np.abs(ours - theirs).max() < _SAME_PRIMARIES)


SRGB: Final = NamedColours(D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06), SRGB_CURVE)
ADOBE_RGB: Final = NamedColours(D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 563 / 256)
DISPLAY_P3: Final = NamedColours(D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06), SRGB_CURVE)
PROPHOTO: Final = NamedColours(
    (0.3457, 0.3585), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), 1.8
)


@lru_cache(maxsize=8)
def profile_of(colours: NamedColours) -> bytes | None:
    """A matrix profile (ICC.1:2010), or None for sRGB itself.

    Raises:
        ValueError: if the primaries span no colours.
    """
    if colours.has_primaries_of(SRGB) and colours.curve == SRGB_CURVE:
        return None
    columns = _adapted_to_d50(colours)
    tags = {b"wtpt": _xyz(_D50_XYZ)}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True):
        tags[name] = _xyz(column.tolist())
    for number, name in enumerate((b"rTRC", b"gTRC", b"bTRC")):
        tags[name] = _curve(colours.curve, number)
    start = 128 + 4 + 12 * len(tags)
    table, body = b"", b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x04200000, b"mntr", b"RGB ", b"XYZ "
    )
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + _fixed(_D50_XYZ) + b"\0" * 48
    return head + struct.pack(">I", len(tags)) + table + body


def _adapted_to_d50(colours: NamedColours) -> npt.NDArray[np.float64]:
    """XYZ of the three primaries in the columns, seen under D50 (Bradford)."""
    primaries = np.array([_xyz_of(c) for c in (colours.red, colours.green, colours.blue)]).T
    white = np.array(_xyz_of(colours.white))
    if abs(np.linalg.det(primaries)) < 1e-4:
        raise ValueError("primaries that span no colours")
    matrix = primaries * np.linalg.solve(primaries, white)
    cones = (_BRADFORD @ np.array(_D50_XYZ)) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ matrix)


def _xyz_of(chromaticity: Chromaticity) -> tuple[float, float, float]:
    x, y = chromaticity
    if not 0 < y <= 1 or not 0 <= x <= 1:
        raise ValueError(f"{x}, {y} is no colour")
    return x / y, 1.0, (1 - x - y) / y


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _curve(curve: str | float | tuple[tuple[int, ...], ...], channel: int) -> bytes:
    if isinstance(curve, str):
        return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _fixed(_SRGB_PARAMETERS)
    if isinstance(curve, tuple):
        table = curve[channel if len(curve) == 3 else 0]
        return b"curv\0\0\0\0" + struct.pack(f">I{len(table)}H", len(table), *table)
    return b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + _fixed([curve])
