"""Tables 1 to 4 of Rizal et al. 2022, as published and with our numbers.

Table 1 and 2: loss, accuracy, precision, recall and specificity of clusters 1 and 2 by random
state; tables 3 and 4: their true and false positives and negatives. A positive answer is anemia.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True)
class StateResult:
    """One random state: loss and confusion counts. A positive answer is anemia.

    ``on_both_sides`` counts test photos with a training photo of the same photo group.
    """

    state: int
    loss: float
    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int
    on_both_sides: int = 0
    epochs: int = 0

    @property
    def photos(self) -> int:
        return self.true_positive + self.false_negative + self.false_positive + self.true_negative

    @property
    def accuracy(self) -> float:
        return _share(self.true_positive + self.true_negative, self.photos)

    @property
    def precision(self) -> float:
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        return _share(self.true_negative, self.true_negative + self.false_positive)

    @property
    def majority(self) -> float:
        """Accuracy of always naming the more frequent class of the test part."""
        ill = self.true_positive + self.false_negative
        return _share(max(ill, self.photos - ill), self.photos)


def mean_of(results: Sequence[StateResult], name: str) -> float:
    """Mean of one column over the random states; those where it is not defined are left out."""
    values = np.array([getattr(result, name) for result in results], float)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _share(part: int, total: int) -> float:
    return part / total if total else float("nan")


# loss, TP, FN, FP, TN of random states 0 to 9; the other columns follow from them.
_PAPER: Final = (
    (
        (2.26, 11, 4, 2, 11), (0.26, 15, 0, 1, 12), (0.18, 13, 1, 1, 13), (0.03, 11, 0, 1, 16),
        (1.39, 9, 2, 6, 11), (0.54, 14, 2, 1, 11), (0.65, 10, 1, 2, 15), (0.17, 9, 0, 1, 18),
        (0.39, 17, 1, 4, 6), (0.99, 14, 2, 1, 11),
    ),
    (
        (1.27, 11, 2, 1, 14), (0.11, 14, 0, 1, 13), (1.01, 11, 2, 2, 13), (1.31, 13, 2, 1, 12),
        (0.61, 15, 0, 2, 11), (0.17, 12, 0, 2, 14), (0.87, 13, 1, 1, 13), (1.22, 14, 3, 2, 9),
        (0.82, 16, 3, 2, 7), (0.72, 10, 3, 0, 15),
    ),
)  # fmt: skip


def paper_rows(cluster: int) -> list[StateResult]:
    """The rows that the paper prints for cluster 1 or 2."""
    return [
        StateResult(state, loss, tp, fn, fp, tn)
        for state, (loss, tp, fn, fp, tn) in enumerate(_PAPER[cluster - 1])
    ]


def scores_table(results: Sequence[StateResult], paper: Sequence[StateResult] = ()) -> str:
    """Table 1 or 2 as Markdown, means in the last line; all in percent except the loss."""
    lines = [
        "| random state | loss | accuracy | precision | recall | specificity | majority |"
        + (" paper's accuracy |" if paper else ""),
        "|---|---|---|---|---|---|---|" + ("---|" if paper else ""),
    ]
    for place, row in enumerate(results):
        cells = [str(row.state), f"{row.loss:.2f}", *(_percent(getattr(row, n)) for n in _COLUMNS)]
        lines.append(_line(cells + ([_percent(paper[place].accuracy)] if paper else [])))
    means = ["mean", f"{mean_of(results, 'loss'):.2f}"]
    means += [_percent(mean_of(results, name)) for name in _COLUMNS]
    lines.append(_line(means + ([_percent(mean_of(paper, "accuracy"))] if paper else [])))
    return "\n".join(lines)


def cells_table(results: Sequence[StateResult]) -> str:
    """Table 3 or 4 as Markdown, with the number of test photos whose group was learnt from."""
    lines = [
        "| random state | TP | FN | FP | TN | group on both sides |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        _line(
            [
                str(r)
                for r in (
                    row.state,
                    row.true_positive,
                    row.false_negative,
                    row.false_positive,
                    row.true_negative,
                    f"{row.on_both_sides} of {row.photos}",
                )
            ]
        )
        for row in results
    ]
    return "\n".join(lines)


_COLUMNS: Final = ("accuracy", "precision", "recall", "specificity", "majority")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if np.isfinite(share) else "not defined"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
