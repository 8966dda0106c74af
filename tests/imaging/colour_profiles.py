"""Colour profiles made here, and what their colours are in sRGB by the matrices themselves."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

D50 = (0.9642, 1.0, 0.8249)

# Primaries as XYZ under D50 (columns R, G, B), from ICC's Display P3 and Adobe RGB (1998).
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657],
                       [-0.00105, 0.04189, 0.78407]])  # fmt: skip
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322],
                      [0.01947, 0.06087, 0.74457]])  # fmt: skip
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061],
                 [0.01392, 0.09708, 0.71410]])  # fmt: skip


def matrix_profile(primaries: npt.NDArray[np.float64], gamma: float | None) -> bytes:
    """An ICC profile of three primaries; ``gamma`` None means sRGB's own curve."""
    if gamma is None:
        levels = np.round(decoded(np.arange(1024) / 1023, None) * 65535).astype(">u2")
        curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + levels.tobytes()
    else:
        curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(79)
    tags = {b"desc": text, b"wtpt": xyz(D50), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    for name, column in zip((b"r", b"g", b"b"), primaries.T, strict=True):
        tags[name + b"XYZ"] = xyz(tuple(column))
        tags[name + b"TRC"] = curve
    return assembled(b"mntr", b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(79)
    return assembled(b"mntr", b"GRAY", {b"desc": text, b"wtpt": xyz(D50), b"kTRC": curve})


def xyz(value: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in value))


def assembled(kind: bytes, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    place = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", place + len(body), len(value))
        body += value
    size = place + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, kind, space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return head.ljust(128, b"\0") + table + body


def decoded(encoded: npt.NDArray[np.float64], gamma: float | None) -> npt.NDArray[np.float64]:
    if gamma is not None:
        return np.asarray(encoded**gamma)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def in_srgb(
    pixels: npt.NDArray[np.uint8], primaries: npt.NDArray[np.float64], gamma: float | None
) -> npt.NDArray[np.float64]:
    """What ``pixels`` of these primaries are in sRGB, 0 to 255: IEC 61966-2-1."""
    linear = decoded(pixels / 255.0, gamma) @ primaries.T @ np.linalg.inv(SRGB).T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(encoded * 255)
