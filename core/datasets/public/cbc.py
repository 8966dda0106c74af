"""Complete Blood Count set (Alam & Islam 2019): 640x480 fields with VOC boxes. MIT licence.

Layout: ``{Training,Validation,Testing}/Images/*.jpg`` and ``Annotations/*.xml``. The published
validation part is a copy of training images, and the RBC boxes leave out most overlapping cells.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from core.datasets.fields import LabelledField
from core.taxonomy import KINDS

_KIND_OF_NAME = {
    "RBC": KINDS.index("rbc"),
    "WBC": KINDS.index("wbc"),
    "Platelets": KINDS.index("platelet"),
}


def load(root: Path, part: str) -> list[LabelledField]:
    """Fields of one published part (``Training``, ``Validation``, ``Testing``), by name.

    Raises:
        FileNotFoundError: if the part is not there.
    """
    folder = root / part / "Images"
    if not folder.is_dir():
        raise FileNotFoundError(f"CBC part {part!r} not found: {folder}")
    return [
        _read(path, root / part / "Annotations" / f"{path.stem}.xml")
        for path in sorted(folder.iterdir())
    ]


def _read(path: Path, annotation: Path) -> LabelledField:
    boxes, kinds = [], []
    for item in ElementTree.parse(annotation).getroot().iter("object"):
        corners = [
            float(item.findtext(f"bndbox/{side}", "0")) for side in ("xmin", "ymin", "xmax", "ymax")
        ]
        boxes.append(corners)
        kinds.append(_KIND_OF_NAME[item.findtext("name", "")])
    return LabelledField(
        path, np.array(boxes, np.float32).reshape(-1, 4), np.array(kinds, np.int64)
    )
