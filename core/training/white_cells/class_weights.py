"""How much a cell of each class counts in the loss."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from core.training.choices import CLASS_WEIGHTS


def class_weights(how: str, labels: Sequence[str], classes: Sequence[str]) -> Tensor | None:
    """Weights ``(len(classes),)``; None where every cell counts the same.

    ``balanced`` is cells / (classes x cells of the class), so that every class counts the same
    whatever its frequency; a class without a cell gets 1.

    Raises:
        ValueError: for a word that is not in ``CLASS_WEIGHTS``.

    Source: King & Zeng 2001, as scikit-learn's ``compute_class_weight`` has it.
    """
    if how not in CLASS_WEIGHTS:
        raise ValueError(f"class_weights must be one of {', '.join(CLASS_WEIGHTS)}, got {how!r}")
    if how == "none":
        return None
    counts = Counter(labels)
    present = sum(counts[name] > 0 for name in classes)
    rows = [len(labels) / (present * counts[n]) if counts[n] else 1.0 for n in classes]
    return torch.tensor(rows, dtype=torch.float32)
