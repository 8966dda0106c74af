"""TXL-PBC: fields with every visible cell boxed, in YOLO text files.

Layout: ``images/{train,val,test}/*.jpg`` and ``labels/{train,val,test}/*.txt``, one line a cell,
``class cx cy w h`` in shares of the picture, class 0 WBC, 1 RBC, 2 platelet. MIT licence.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from core.datasets.fields import LabelledField
from core.taxonomy import KINDS

_KIND_OF_CLASS = np.array([KINDS.index("wbc"), KINDS.index("rbc"), KINDS.index("platelet")])


def load(root: Path, part: str) -> list[LabelledField]:
    """Fields of one published part, by name.

    Args:
        root: the set's folder.
        part: ``train``, ``val`` or ``test``.

    Raises:
        FileNotFoundError: if the part is not there.
    """
    folder = root / "images" / part
    if not folder.is_dir():
        raise FileNotFoundError(f"TXL-PBC part {part!r} not found: {folder}")
    return [
        read_yolo_field(path, root / "labels" / part / f"{path.stem}.txt")
        for path in sorted(folder.iterdir())
    ]


def read_yolo_field(path: Path, labels: Path) -> LabelledField:
    """A picture and its lines ``class cx cy w h``: class 0 white cell, 1 red cell, 2 platelet.

    A line that stands twice is one cell: four label files of TXL-PBC, two of them of its test part,
    repeat lines (one has 38 for 18 cells).

    Raises:
        FileNotFoundError: if either is not there.
        ValueError: if a line has not five numbers.
    """
    with Image.open(path) as image:
        width, height = image.size
    lines = [line for line in labels.read_text().splitlines() if line.strip()]
    rows = np.array([line.split() for line in dict.fromkeys(lines)], dtype=np.float32)
    rows = rows.reshape(-1, 5)
    centre, size = rows[:, 1:3], rows[:, 3:5]
    scale = np.array([width, height, width, height], np.float32)
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1) * scale
    return LabelledField(
        path, boxes.astype(np.float32), _KIND_OF_CLASS[rows[:, 0].astype(int)].astype(np.int64)
    )
