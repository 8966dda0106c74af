"""Classification metrics, each with its n and interval."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.statistics.figures import ClassRow, Measured
from core.statistics.intervals import clopper_pearson


def accuracy_row(right: npt.NDArray[np.bool_] | Sequence[bool]) -> Measured:
    """Accuracy in [0, 1] with n and exact 95 % interval."""
    right = np.asarray(right, bool)
    n, k = len(right), int(right.sum())
    interval = clopper_pearson(k, n)
    return {"value": k / n if n else None, "low": interval.low, "high": interval.high, "n": n}


def confusion(
    truth: Sequence[str], predicted: Sequence[str], classes: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Counts, ``(classes, classes)``, rows the truth, columns the prediction.

    Raises:
        ValueError: for unequal numbers of labels, or a label that is not among ``classes``.
    """
    # scikit-learn ignores labels outside ``labels``, refuses an empty list and warns about a single
    # class, so these cases are handled here.
    unknown = sorted({*truth, *predicted} - set(classes))
    if unknown:
        raise ValueError(f"not among the classes: {', '.join(unknown)}")
    if len(truth) != len(predicted):
        raise ValueError(f"need the same cells twice, got {len(truth)} and {len(predicted)}")
    if not len(truth) or len(classes) == 1:
        return np.full((len(classes), len(classes)), len(truth), np.int64)
    # Imported here, since a screen that only needs accuracy_row must not wait for scikit-learn.
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(truth, predicted, labels=list(classes)), np.int64)


def report(
    truth: Sequence[str], predicted: Sequence[str], classes: Sequence[str]
) -> dict[str, ClassRow]:
    """Precision, recall and F1 of each class, in [0, 1], and its cells; None where undefined.

    Precision is undefined for a class that is never predicted, recall for one without cells, F1
    where both hold.
    """
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        truth, predicted, labels=list(classes), zero_division=np.nan
    )
    return {
        name: {
            "precision": _defined(precision),
            "recall": _defined(recall),
            "f1": _defined(f1),
            "n": int(n),
        }
        for name, precision, recall, f1, n in zip(classes, *columns, strict=True)
    }


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def majority_accuracy(truth: Sequence[str]) -> float:
    """The naive baseline: always answer the most frequent class."""
    return float(np.unique(np.asarray(truth), return_counts=True)[1].max() / len(truth))
