"""MediaPipe's palm detector and hand landmarks, run by OpenCV. Apache-2.0.

The two files are not part of the repository: the set-up takes them out of MediaPipe's wheel
(``python -m core hands WHEEL`` does the same). Without them a hand cannot be found, and the palm
screen asks for a crop instead.
"""

import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from core.files import sha256_of

Array = npt.NDArray[np.float32]

PALM_FILE: Final = "palm_detection_full.tflite"
LANDMARK_FILE: Final = "hand_landmark_full.tflite"
SHA256: Final = {
    PALM_FILE: "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    LANDMARK_FILE: "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
}
PALM_PX: Final = 192
LANDMARK_PX: Final = 224

_lock = threading.Lock()
"""An OpenCV network stores its last input, so only one thread may call it at a time."""


class HandModelsMissing(RuntimeError):
    """A file is missing or has another content; the message says which."""


def folder() -> Path:
    """Folder of the two files, in the virtual environment: it is removed with it."""
    return Path(sys.prefix) / "share" / "hemadesk" / "hand"


def available() -> bool:
    """Whether both files are installed, so that hands can be found."""
    return all((folder() / name).is_file() for name in SHA256)


@dataclass(frozen=True)
class Networks:
    """Both networks, ready to run."""

    palm: Any
    landmark: Any

    def detect(self, image: Array) -> tuple[Array, Array]:
        """Raw boxes ``(2016, 18)`` and score logits ``(2016,)`` of ``(192, 192, 3)`` in [0, 1]."""
        boxes, scores = _run(self.palm, image, ["Identity", "Identity_1"])
        return boxes[0], scores[0, :, 0]

    def landmarks(self, image: Array) -> tuple[Array, float, float]:
        """Points ``(21, 3)`` in input pixels, presence and handedness in [0, 1], of
        ``(224, 224, 3)`` in [0, 1].
        """
        names = ["Identity", "Identity_1", "Identity_2"]
        points, presence, handedness = _run(self.landmark, image, names)
        return points.reshape(21, 3), float(presence.ravel()[0]), float(handedness.ravel()[0])


def _run(network: Any, image: Array, names: list[str]) -> list[Array]:
    with _lock:
        network.setInput(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
        return [np.array(out, np.float32) for out in network.forward(names)]


def networks() -> Networks:
    """Both networks, opened once in a process after their hashes were checked.

    Raises:
        HandModelsMissing: if a file is absent or has another hash.
    """
    return _open(folder())


@lru_cache(maxsize=1)
def _open(where: Path) -> Networks:
    for name, expected in SHA256.items():
        file = where / name
        if not file.is_file():
            raise HandModelsMissing(f"{name} is not in {where}; `make hands` fetches it")
        if sha256_of(file) != expected:
            raise HandModelsMissing(f"{name} is not the published file; `make hands` fetches it")
    # The default engine of OpenCV 5 shows only one output of these files.
    return Networks(
        *(
            cv2.dnn.readNetFromTFLite(str(where / name), cv2.dnn.ENGINE_CLASSIC)
            for name in (PALM_FILE, LANDMARK_FILE)
        )
    )
