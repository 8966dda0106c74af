"""From the locator's maps to cells: local maxima, then non-maximum suppression."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torchvision.ops import nms

from core.imaging.boxes import box_iou
from core.models.locator import STRIDE

__all__ = ["Peaks", "box_iou", "find_peaks", "suppress"]

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Peaks:
    """Cells: ``boxes_xyxy`` ``(N, 4)`` in input pixels, ``scores`` and ``kinds`` ``(N,)``."""

    boxes_xyxy: Array
    scores: Array
    kinds: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, thresholds: Array) -> "Peaks":
        """Only the cells whose score reaches their kind's threshold, ``(3,)``."""
        return self.take(self.scores >= thresholds[self.kinds])

    def take(self, keep: npt.NDArray[np.bool_]) -> "Peaks":
        return Peaks(self.boxes_xyxy[keep], self.scores[keep], self.kinds[keep])


def find_peaks(heat: Array, sides: Array, floor: float = 0.1, max_iou: float = 0.6) -> Peaks:
    """Cells of one picture, best first.

    Args:
        heat: ``(K, h, w)`` probabilities.
        sides: ``(4, h, w)`` distances to left, top, right and bottom in input pixels.
        floor: peaks below it are not returned.
        max_iou: of two cells of one kind that overlap more, the higher score stays.
    """
    _, h, w = heat.shape
    boxes, scores, kinds = [], [], []
    for kind, plane in enumerate(heat):
        highest = cv2.dilate(plane, np.ones((3, 3), np.uint8))
        rows, columns = np.nonzero((plane == highest) & (plane >= floor))
        x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
        left, top, right, bottom = sides[:, rows, columns]
        box = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
        box = np.clip(box, 0, np.array([w, h, w, h]) * STRIDE)
        score = plane[rows, columns]
        keep = suppress(box, score, max_iou)
        boxes.append(box[keep])
        scores.append(score[keep])
        kinds.append(np.full(len(keep), kind))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Peaks(
        np.concatenate(boxes)[order].astype(np.float32),
        np.concatenate(scores)[order].astype(np.float32),
        np.concatenate(kinds)[order].astype(np.int64),
    )


def suppress(
    boxes: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], max_iou: float
) -> npt.NDArray[np.int64]:
    """Indices that survive greedy non-maximum suppression, best first."""
    survivors = nms(
        torch.from_numpy(np.asarray(boxes, np.float32)),
        torch.from_numpy(np.asarray(scores, np.float32)),
        max_iou,
    )
    return np.asarray(survivors.numpy(), dtype=np.int64)
