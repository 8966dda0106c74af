"""Near-duplicate pictures by difference hash, and the groups of them that a split must not cut."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.datasets.fields import read_grey

Bits = npt.NDArray[np.uint8]

SIDE = 32
MAX_DISTANCE = 0.08
"""Share of differing bits below which two pictures are copies (re-encoded, resized, squeezed)."""

ALTERED_DISTANCE = 0.38
"""The same for copies that were also recoloured or shrunk a little, in the nearest of eight
positions. Such copies of CBC's test fields in TXL-PBC reach 0.379; two different test fields come
no nearer than 0.399, but a smear photographed twice can: a few fields too many are left out."""

SAME_DETAIL = 0.72
"""Correlation of the fine detail of two thumbnails from which close hashes mean an altered copy.
Single cells look alike to the hash alone: of 404,550 pairs of different PBC cells 535 come below
``ALTERED_DISTANCE``. In detail none of 124,750 such pairs correlates above 0.47, while turned,
recoloured and trimmed copies reach at least 0.78 (150 cells), 0.86 (palms), 0.74 (CBC fields)."""

THUMBNAIL_PX = 64
Thumbnails = npt.NDArray[np.uint8]


def difference_hash(pixels: npt.NDArray[np.uint8]) -> Bits:
    """Difference hash of one picture.

    Args:
        pixels: ``(H, W, 3)`` RGB or ``(H, W)`` grey.

    Returns:
        ``(1024,)`` bits: is each pixel of the 33x32 grey thumbnail darker than its right neighbour.

    Source: Krawetz 2013, at 32x32 instead of 8x8 bits, since smears look alike at 8x8.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    return (small[:, 1:] > small[:, :-1]).astype(np.uint8).ravel()


def hash_files(paths: Sequence[Path]) -> Bits:
    """Hashes of picture files, ``(len(paths), 1024)``; an unreadable file raises ``OSError``."""
    rows = [difference_hash(read_grey(path)) for path in paths]
    return np.stack(rows) if rows else np.zeros((0, SIDE * SIDE), np.uint8)


def distances(a: Bits, b: Bits) -> npt.NDArray[np.float32]:
    """Share of differing bits of every pair, ``(len(a), len(b))`` in [0, 1]."""
    signs_a = a.astype(np.float32) * 2 - 1
    signs_b = b.astype(np.float32) * 2 - 1
    return np.asarray(0.5 - signs_a @ signs_b.T / (2 * a.shape[1]), dtype=np.float32)


def copies_of(
    reference: Bits, candidates: Bits, limit: float = MAX_DISTANCE
) -> npt.NDArray[np.bool_]:
    """Which candidates are near copies of any reference picture, ``(len(candidates),)``."""
    if not len(reference) or not len(candidates):
        return np.zeros(len(candidates), dtype=bool)
    return np.asarray((distances(candidates, reference) < limit).any(axis=1))


def altered_copies_of(
    reference: Sequence[Path], candidates: Bits, limit: float = ALTERED_DISTANCE
) -> npt.NDArray[np.bool_]:
    """Which candidates are copies, altered, turned or mirrored ones too, ``(len(candidates),)``.

    Sets that were enlarged by varying their pictures hold such copies.

    Args:
        reference: picture files.
        candidates: hashes, ``(N, bits)``.
        limit: share of differing bits below which two pictures are copies.

    Raises:
        OSError: for an unreadable file.
    """
    found = np.zeros(len(candidates), dtype=bool)
    for path in reference:
        grey = read_grey(path)
        turned = [np.rot90(grey, quarter) for quarter in range(4)]
        positions = np.stack(
            [
                difference_hash(np.ascontiguousarray(one, dtype=np.uint8))
                for view in turned
                for one in (view, view[:, ::-1])
            ]
        )
        found |= copies_of(positions, candidates, limit)
    return found


def groups(hashes: Bits, limit: float = MAX_DISTANCE, block: int = 2048) -> npt.NDArray[np.int64]:
    """Group number of every picture: pictures linked by chains of near copies share one.

    Args:
        hashes: ``(N, bits)``.
        limit: distance below which two pictures are linked.
        block: rows compared at once; bounds the memory.
    """
    pairs = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(hashes), block):
        close = np.argwhere(distances(hashes[start : start + block], hashes[start:]) < limit)
        pairs.append(start + close[close[:, 0] < close[:, 1]])
    rows, columns = np.concatenate(pairs).T
    size = (len(hashes), len(hashes))
    links = coo_matrix((np.ones(len(rows), np.uint8), (rows, columns)), shape=size)
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def thumbnail(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Grey picture ``(THUMBNAIL_PX, THUMBNAIL_PX)`` by which altered copies are told."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    small = cv2.resize(grey, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _positions(picture: npt.NDArray[np.generic]) -> list[npt.NDArray[Any]]:
    """A square picture in its eight positions: turned by quarters, and each mirrored."""
    turned = [np.rot90(picture, quarter) for quarter in range(4)]
    return [np.ascontiguousarray(one) for view in turned for one in (view, view[:, ::-1])]


def _detail(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """What is finer than a cell, ``(side, side)``, of length 1: recolouring hardly changes it."""
    grey = picture.astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), 1) - cv2.GaussianBlur(grey, (0, 0), 4)
    # By the local contrast, or the rim of a dark nucleus in the middle would outweigh all else.
    fine /= np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 5)) + 1
    fine -= fine.mean()
    length = float(np.linalg.norm(fine))
    return (fine / length if length > 0 else fine).astype(np.float16)


def altered_pairs(thumbnails: Thumbnails, block: int = 64) -> list[tuple[int, int]]:
    """Pairs of pictures of which one is the other turned, mirrored, recoloured or trimmed a little.

    The hashes of all pairs in eight positions are compared, and the fine detail of the close ones:
    about 10 s for 10,000 pictures.

    Args:
        thumbnails: ``(N, THUMBNAIL_PX, THUMBNAIL_PX)``; see :func:`thumbnail`.
        block: rows compared at once; bounds the memory.
    """
    if len(thumbnails) < 2:
        return []
    plain = np.stack([difference_hash(one) for one in thumbnails])
    detail = np.stack([_detail(one) for one in thumbnails])
    flat = detail.reshape(len(detail), -1)
    pairs = set()
    for start in range(0, len(thumbnails), block):
        rows = range(start, min(start + block, len(thumbnails)))
        turned = np.stack([difference_hash(one) for i in rows for one in _positions(thumbnails[i])])
        close = distances(turned, plain[start:]) < ALTERED_DISTANCE
        for row, other in np.argwhere(close):
            i, j = start + int(row) // 8, start + int(other)
            if i >= j or (i, j) in pairs:
                continue
            position = _positions(detail[i])[int(row) % 8].ravel()
            if float(position.astype(np.float32) @ flat[j].astype(np.float32)) >= SAME_DETAIL:
                pairs.add((i, j))
    return sorted(pairs)


def turned_copies_of(reference: Bits, thumbnails: Thumbnails) -> npt.NDArray[np.bool_]:
    """Which pictures are near copies of a reference picture in any of eight positions, ``(N,)``."""
    if not len(reference) or not len(thumbnails):
        return np.zeros(len(thumbnails), dtype=bool)
    hashes = np.stack([difference_hash(one) for t in thumbnails for one in _positions(t)])
    return np.asarray(copies_of(reference, hashes).reshape(len(thumbnails), 8).any(axis=1))
