"""The fields of the learning curve: camera fields with counts, and synthetic ones."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.intake.fields import CountedField
from core.datasets.public import cbc
from core.evaluation.locator_suite import relabelled_copies
from core.imaging.synthetic import draw, png_bytes
from core.taxonomy import KINDS
from core.training.locator.recipe import split_fields

CAMERA_PX: Final = (640, 480)
SQUEEZED_PX: Final = (416, 416)
"""Width and height of a camera field, and of those that TXL-PBC holds squeezed to a square."""

MOST_DRAWN: Final = 10_000


@dataclass(frozen=True)
class CurveFields:
    """Training, validation and test fields, without near-duplicates across the three.

    ``left_out`` counts the dropped copies (altered ones too) of test and validation fields.
    """

    train: Sequence[CountedField]
    validation: Sequence[CountedField]
    test: Sequence[CountedField]
    left_out: int

    def sha256(self) -> str:
        """Hash of all pictures and their counts, in order."""
        digest = hashlib.sha256()
        for field in (*self.train, *self.validation, *self.test):
            digest.update(field.path.name.encode())
            digest.update(field.path.read_bytes())
            digest.update(field.counts().astype("<i8").tobytes())
        return digest.hexdigest()


def curve_fields(data: Path, folder: Path) -> CurveFields:
    """TXL-PBC's camera fields, split as for the locator, and its labels of the 60 CBC test fields.

    Args:
        data: folder of the public sets.
        folder: receives the squeezed fields, stretched back to the camera's proportions.

    Raises:
        FileNotFoundError: if ``data`` lacks ``cbc`` or ``txl``.
        ValueError: if there is no camera field to learn from or to choose on.
    """
    split = split_fields(data)
    train, validation = (_camera_fields(part, folder) for part in (split.train, split.validation))
    if not train or not validation:
        raise ValueError(
            f"{data / 'txl'} has {len(train)} camera fields (640x480, or squeezed to 416x416) to "
            f"learn from and {len(validation)} to choose on; at least one of each is needed"
        )
    tests = cbc.load(data / "cbc", "Testing")
    relabelled = relabelled_copies(data, tests)
    measured = [CountedField(f.path, t.counts()) for f, t in zip(tests, relabelled, strict=True)]
    return CurveFields(train, validation, measured, split.left_out)


def drawn_fields(number: int, seed: int, folder: Path) -> list[CountedField]:
    """Synthetic camera fields and their exact counts; the first ones are the same for any number.

    Raises:
        ValueError: if ``number`` is not from 0 to ``MOST_DRAWN``.
    """
    if not 0 <= number <= MOST_DRAWN:
        raise ValueError(f"drawn fields must be 0 to {MOST_DRAWN}, got {number}")
    fields = []
    for one in range(seed * MOST_DRAWN, seed * MOST_DRAWN + number):
        drawn = draw(one, width=CAMERA_PX[0], height=CAMERA_PX[1])
        file = folder / drawn.field.name
        file.write_bytes(png_bytes(drawn.field))
        fields.append(CountedField(file, np.array([drawn.count(kind) for kind in KINDS])))
    return fields


def _camera_fields(fields: Iterable[LabelledField], folder: Path) -> list[CountedField]:
    found = []
    for field in fields:
        with Image.open(field.path) as image:
            size = image.size
        if size == CAMERA_PX:
            found.append(CountedField(field.path, field.counts()))
        elif size == SQUEEZED_PX:
            file = folder / f"{field.path.parent.name}-{field.path.stem}.png"
            wide = cv2.resize(read_rgb(field.path), CAMERA_PX, interpolation=cv2.INTER_CUBIC)
            Image.fromarray(wide).save(file, compress_level=1)
            found.append(CountedField(file, field.counts()))
    return found
