"""``counts.json``: what the repetition of the count-regression paper stores and prints."""

from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

WITH_WBC_SET: Final = "with, backbone from WBC"
"""Key of the training whose backbone learnt from the paper's second set, WBC (Bodzas)."""

WITH_OTHERS: Final = "with, backbone from other laboratories"
"""Key where that set is missing: DeepBioNet's and TXL's white cells in its place."""

FOUND_RATE: Final = ", found rate"
"""End of the key of a training at the rate that the rate finder proposes."""

KindOrMean = Literal["rbc", "wbc", "platelet", "mean"]


class MeanErrors(TypedDict):
    """Mean absolute errors in cells a field; the interval is that of their mean."""

    rbc: float
    wbc: float
    platelet: float
    mean: float
    mean_low: float
    mean_high: float


# In the call's form, since "with" is a word of Python.
LabelErrors = TypedDict(
    "LabelErrors",
    {
        "without": NotRequired[MeanErrors],
        "with": NotRequired[MeanErrors],
        "with, backbone from WBC": NotRequired[MeanErrors],
        "with, backbone from other laboratories": NotRequired[MeanErrors],
        "without, found rate": NotRequired[MeanErrors],
        "with, found rate": NotRequired[MeanErrors],
        "with, backbone from WBC, found rate": NotRequired[MeanErrors],
        "with, backbone from other laboratories, found rate": NotRequired[MeanErrors],
        "locator": MeanErrors,
        "constant": MeanErrors,
        "n": int,
    },
)
"""Errors of every method by the same labels of ``n`` test fields.

``without`` and ``with`` are the trainings without and with a fine-tuned backbone; a training that
has not ended yet is not there.
"""


class Parts(TypedDict):
    """How many fields each part has, and how many were left out."""

    training: int
    validation: int
    left_out_as_copies_of_test_fields: int
    test: int


class PaperCounts(TypedDict):
    """The whole result; ``curves`` are ``[epoch, training loss, validation loss]`` by training.

    ``start`` says what the weights began as; ``seconds`` are those of the finished epochs.
    """

    setting: str
    start: str
    reduced: bool
    split: Parts
    curves: dict[str, list[list[float]]]
    seconds: dict[str, float]
    learning_rates: dict[str, float]
    cbc_labels: LabelErrors
    txl_labels: LabelErrors
