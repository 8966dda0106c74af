"""Fields with their counts as examples of the paper's count regressor."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.datasets import near_duplicates
from core.datasets.fields import Counted, LabelledField, read_rgb
from core.datasets.intake.fields import CountedField
from core.datasets.public import cbc
from core.datasets.splits import grouped_split
from core.models.regressor import INPUT_PX, CountRegressor
from core.records import RgbImage
from core.training.loop.train import Batch


@dataclass(frozen=True)
class CountingSplit:
    """Training and validation fields; ``left_out`` counts dropped copies of test fields."""

    train: Sequence[LabelledField | CountedField]
    validation: Sequence[LabelledField | CountedField]
    left_out: int


def cbc_split(data: Path, seed: int = 0, validation: float = 0.2) -> CountingSplit:
    """Split CBC's training part by near-duplicate group, without any copy of a test field.

    CBC's own validation part is not used: it is a copy of 60 training images.

    Raises:
        FileNotFoundError: if ``data`` lacks the set.
    """
    pool = cbc.load(data / "cbc", "Training")
    tests = cbc.load(data / "cbc", "Testing")
    hashes = near_duplicates.hash_files([field.path for field in pool])
    leaked = near_duplicates.copies_of(
        near_duplicates.hash_files([field.path for field in tests]), hashes
    )
    usable = [field for field, out in zip(pool, leaked, strict=True) if not out]
    groups = near_duplicates.groups(hashes[~leaked]).tolist()
    parts = grouped_split(groups, [0] * len(usable), (1 - validation, validation), seed)
    train, held_out = ([usable[i] for i in part] for part in parts)
    return CountingSplit(train, held_out, int(leaked.sum()))


def whole_field(pixels: RgbImage) -> Tensor:
    """The field squeezed to a square as in the paper, ``(3, 224, 224)`` in [0, 1]."""
    square = cv2.resize(pixels, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1))).float() / 255


class WholeFields(Dataset[Batch]):
    """Fields at 224x224, without augmentation since that could push cells out of the picture.

    With a ``frozen`` model the items hold its feature map in place of the picture: its backbone
    does not change, so it runs once for each field.
    """

    def __init__(self, fields: Sequence[Counted], frozen: CountRegressor | None = None) -> None:
        self.counts = torch.tensor(
            np.stack([field.counts() for field in fields]), dtype=torch.float32
        )
        pictures = [whole_field(read_rgb(field.path)) for field in fields]
        self.inputs = torch.stack(pictures if frozen is None else _feature_maps(frozen, pictures))

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        _, index = key
        return {"input": self.inputs[index], "counts": self.counts[index]}


@torch.no_grad()
def _feature_maps(model: CountRegressor, pictures: list[Tensor]) -> list[Tensor]:
    model.eval()
    return [
        out
        for start in range(0, len(pictures), 16)
        for out in model.feature_map(torch.stack(pictures[start : start + 16]))
    ]
