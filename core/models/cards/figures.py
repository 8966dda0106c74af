"""The measured figures in a card's ``evaluation``, as the suites and the screens pass them on.

Most keys may be absent: older cards were measured with fewer figures. A figure that is there has
its type, and keys of a later version are kept.
"""

from typing import NotRequired

from typing_extensions import TypedDict

from core.statistics.figures import Measured


class ErrorRow(TypedDict):
    """Mean absolute error in cells, with its interval, beside the constant predictor's."""

    mean_absolute_error: float
    low: float
    high: float
    constant_predictor: float


class ErrorRows(TypedDict):
    """Count errors of ``n`` fields; ``constant`` are the predictor's three counts."""

    constant: list[float]
    n: int
    rbc: ErrorRow
    wbc: ErrorRow
    platelet: ErrorRow
    mean: ErrorRow


class DifferenceRow(TypedDict):
    """Mean difference of two labellings of the same picture, in cells, with its interval."""

    mean_difference: float
    low: float
    high: float


class RepeatabilityRows(TypedDict):
    """How far two labellings of the same ``n`` pictures lie apart."""

    n: int
    rbc: DifferenceRow
    wbc: DifferenceRow
    platelet: DifferenceRow


class FoundCells(TypedDict):
    """Annotated cells of one kind that were found, and found cells that were annotated.

    A found cell is an annotated one where their boxes overlap by ``min_iou``. Where annotations are
    incomplete, ``precision`` is a lower bound.
    """

    recall: Measured
    precision: Measured


class BoxesElsewhere(TypedDict):
    """The locator on fields of another laboratory that it did not learn from."""

    fields: int
    min_iou: float
    rbc: FoundCells
    wbc: FoundCells
    platelet: FoundCells


class LocatorEvaluation(TypedDict, total=False):
    """The locator on the CBC test fields, by the labels of TXL-PBC and by CBC's own."""

    fields: int
    test_part: str
    txl_labels: ErrorRows
    cbc_labels: ErrorRows
    label_repeatability_txl: RepeatabilityRows
    interval_coverage_txl: dict[str, float]
    rbc_change_when_resized: dict[str, float]
    deepbionet_test_fields: BoxesElsewhere


class CoverageRows(TypedDict):
    """Coverage of the 90 % intervals, and the mean width of those of red cells."""

    rbc: Measured
    wbc: Measured
    platelet: Measured
    mean_width_rbc: float


class BoxRow(TypedDict):
    """Average precision at an overlap of 0.5; None for a kind without labelled boxes."""

    rbc: float | None
    wbc: float | None
    platelet: float | None
    map50: float | None
    n: int
    low: float
    high: float


class ErasingRow(TypedDict):
    """How far a count falls when one red cell is painted over."""

    cells: int
    mean_fall: float
    low: float
    high: float
    quartiles: list[float]


class RobustnessRow(TypedDict):
    """Mean absolute errors after one change of the pictures; the rest are shares of the fields."""

    rbc: float
    wbc: float
    platelet: float
    mean: float
    flagged: float
    worse: float
    worse_unflagged: float


class CountEvaluation(TypedDict, total=False):
    """The count model on the CBC test fields, and what the locator shares with it."""

    fields: int
    test_part: str
    regression_txl_labels: ErrorRows
    regression_cbc_labels: ErrorRows
    cbc_labelling_habit: dict[str, ErrorRows]
    interval_coverage: dict[str, CoverageRows]
    methods_disagree: Measured
    locator_map50_txl_test: BoxRow
    erasing_one_red_cell: ErasingRow
    robustness_locator: dict[str, RobustnessRow]


class AurocRow(TypedDict):
    """AUROC of a palm score on ``n`` photos of ``blocks`` sessions, with its 95 % interval.

    A row of a comparison says how often it was repeated, and how a network was trained:
    ``size_px`` is width and height, ``reduced`` says in words how the training was shortened.
    """

    value: float
    low: float
    high: float
    n: int
    anemic: int
    blocks: int
    chance: NotRequired[float]
    repeats: NotRequired[int]
    mean_auroc_of_repeats: NotRequired[float]
    size_px: NotRequired[list[int]]
    epochs: NotRequired[int]
    reduced: NotRequired[str]


class TwoWayRow(TypedDict):
    """Sensitivity and the like at one threshold; ``majority`` is the naive accuracy."""

    threshold: float
    sensitivity: Measured
    specificity: Measured
    accuracy: float
    majority: float
    diagnostic_odds_ratio: float


class DecisionRow(TypedDict):
    """Shares of the anemic and of the others that get an answer."""

    of_anemic: Measured
    of_others: Measured


class DecisionRows(TypedDict):
    """The three answers of the palm model."""

    anemia_suspected: DecisionRow
    not_suspected: DecisionRow
    refer: DecisionRow


class CalibrationRow(TypedDict):
    """Mean predicted (``said``) and observed (``seen``) share of anemia in one part of scores."""

    said: float
    seen: float
    photos: int


class BlockRow(TypedDict):
    """One session block."""

    block: str
    anemic: bool
    photos: int
    mean_probability: float
    auroc_against_others: float


class _PalmFigures(TypedDict):
    auroc: AurocRow
    at_sensitivity_90: TwoWayRow
    decisions: DecisionRows


class PalmFigures(_PalmFigures, total=False):
    """A palm model on one part of the photos, beside simpler models."""

    split: str
    calibration: list[CalibrationRow]
    per_block: list[BlockRow]
    repeats: int
    parts: int
    mean_auroc_of_repeats: float
    colour_features: AurocRow
    published_cnn: AurocRow


class PalmEvaluation(TypedDict, total=False):
    """The palm model in cross-validation, on the locked part, and on both together."""

    cross_validated: PalmFigures
    locked: PalmFigures
    held_out: PalmFigures
