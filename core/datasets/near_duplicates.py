"""Near-duplicate pictures by difference hash, and the groups of them that a split must not cut."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Bits = npt.NDArray[np.uint8]

SIDE = 32
MAX_DISTANCE = 0.08
"""Share of differing bits below which two pictures are copies (re-encoded, resized, squeezed)."""

ALTERED_DISTANCE = 0.38
"""The same for copies that were also recoloured or shrunk a little, in the nearest of eight
positions. Such copies of CBC's test fields in TXL-PBC reach 0.379; two different test fields come
no nearer than 0.399, but a smear photographed twice can: a few fields too many are left out."""


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
    rows = []
    for path in paths:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise OSError(f"not a readable picture: {path}")
        rows.append(difference_hash(grey.astype(np.uint8)))
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
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise OSError(f"not a readable picture: {path}")
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
