"""How far boxes round cells overlap."""

import numpy as np
import numpy.typing as npt


def box_iou(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Intersection over union of every pair, ``(len(a), len(b))``, in [0, 1].

    Args:
        a: ``(N, 4)``, left, top, right, bottom in pixels.
        b: ``(M, 4)``, the same.
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a, area_b = np.prod(a[:, 2:] - a[:, :2], axis=1), np.prod(b[:, 2:] - b[:, :2], axis=1)
    return np.asarray(
        shared / np.maximum(area_a[:, None] + area_b[None] - shared, 1e-9), dtype=np.float64
    )
