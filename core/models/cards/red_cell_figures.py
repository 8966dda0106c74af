"""The measured figures of a red-cell card's ``evaluation``."""

from typing_extensions import TypedDict

from core.statistics.figures import Measured


class ShapeRow(TypedDict):
    """One shape: ``recall`` counts unclear cells as missed, ``slides`` show it.

    ``recall_of_rules`` is that of rules on size and roundness.
    """

    recall: Measured
    precision: Measured
    recall_of_rules: float
    slides: int


class HeldOutSlides(TypedDict, total=False):
    """Labelled cells of slides that the network had not seen, over all folds.

    ``confusion`` has the truth in rows; its last column are unclear cells. ``rules`` are a small
    decision tree on diameter and roundness, ``measures`` a forest on all seven measures,
    ``ground_alone`` answers from the colours round the cell: on other slides, and on the same
    slides, where they give the shape away. Each is balanced accuracy (mean recall of the shapes)
    without abstention, ``network`` likewise; ``one_slide`` shapes are left out of all of them.
    """

    classes: list[str]
    folds: int
    cells: int
    left_out: dict[str, int]
    one_slide: list[str]
    accuracy: Measured
    accuracy_where_judged: Measured
    unclear: Measured
    majority_baseline: float
    balanced_accuracy: dict[str, float]
    shapes: dict[str, ShapeRow]
    confusion: list[list[int]]
    same_answer_in_other_light: Measured


class FalseFlags(TypedDict, total=False):
    """Cells of another laboratory that were named a shape which hardly any of them has.

    ``of_all`` are of the cells put before the network, ``of_judged`` of those that were not
    unclear; ``named`` counts every shape.
    """

    fields: int
    of_all: Measured
    of_judged: Measured
    unclear: Measured
    named: dict[str, int]


class RedCellEvaluation(TypedDict, total=False):
    """Every measured part; absent are parts whose data were not there."""

    other_slides: HeldOutSlides
    schistocyte_or_teardrop_elsewhere: dict[str, FalseFlags]
