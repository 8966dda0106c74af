"""The measured figures in a white-cell model's ``evaluation``; see the module ``figures``."""

from typing import NotRequired

from typing_extensions import TypedDict

from core.statistics.figures import ClassRow, Measured


class Behaviour(TypedDict, total=False):
    """What abstention, back-off, sets and the critical rule do to the cells of one test part."""

    abstained: float
    abstained_interval: Measured
    accuracy_where_not_abstained: Measured
    called_novel: Measured
    unfamiliar: Measured
    backed_off_to_parent: Measured
    set_empty: Measured
    wide_set_mean_size: float
    critical_sensitivity: Measured
    critical_false_flag_rate: Measured


class _TestPart(Behaviour, total=False):
    majority_baseline: float
    expected_calibration_error: float
    expected_calibration_error_n: int
    set_coverage: Measured
    wide_set_coverage: Measured
    report: dict[str, ClassRow]
    classes: list[str]
    confusion: list[list[int]]


class PaperRow(TypedDict):
    """Precision, recall and F1 of a class as a paper reports them."""

    precision: float
    recall: float
    f1: float


class SideBySide(TypedDict):
    """One class in a paper and here."""

    published: PaperRow
    ours: ClassRow


class InLaboratory(_TestPart, total=False):
    """PBC's test part: single cells of the laboratory learnt from."""

    eight_class_accuracy: Measured
    eight_class_accuracy_usual_background: Measured
    eight_class_accuracy_odd_background: Measured
    eight_class_macro_f1: float
    strict_accuracy: Measured
    strict_macro_f1: float
    band_or_segmented_strict: Measured
    band_or_segmented_together: Measured
    strict_report: dict[str, ClassRow]
    published_side_by_side: dict[str, SideBySide]
    published_accuracy: float


class InFields(_TestPart, total=False):
    """White cells located in other laboratories' fields, judged by parent class."""

    accuracy: Measured
    balanced_accuracy: float
    macro_f1_of_classes_present: float
    white_cell_not_found: int


class Blasts(TypedDict, total=False):
    """A few blasts of one laboratory: low evidence."""

    evidence: str
    known_to_the_model: bool
    called_blast: Measured
    flagged_critical: Measured
    note: str


class StageFigures(TypedDict, total=False):
    """Stages of PBC's immature granulocytes, of its test part.

    ``strict`` is the likeliest stage of every one, ``parent`` whether it is called immature
    granulocyte, ``both`` whether both are right. ``named`` are those of which a stage is named,
    ``strict_where_named`` is how many of these are right; ``of_stage`` is ``strict`` by stage.
    """

    strict: Measured
    parent: Measured
    both: Measured
    named: Measured
    strict_where_named: Measured
    of_stage: dict[str, Measured]
    majority_baseline: float


class TwoGroupAuroc(TypedDict):
    """AUROC of one group of cells against another; ``n`` are the sizes of both."""

    value: float
    low: float
    high: float
    n: list[int]


class NotACellRow(TypedDict):
    """How well one kind of non-cell is distinguished from cells."""

    n: int
    caught: Measured
    auroc_against_cells_inside: TwoGroupAuroc
    auroc_against_cells_outside: TwoGroupAuroc


class OtherStains(TypedDict):
    """How well another laboratory's stain is noticed."""

    auroc: TwoGroupAuroc
    called_unfamiliar_inside: Measured
    called_unfamiliar_outside: Measured


class UnknownClasses(TypedDict, total=False):
    """Cells of classes that the model does not have."""

    folders: list[str]
    n: list[int]
    auroc_distance: TwoGroupAuroc
    auroc_not_a_cell: TwoGroupAuroc
    note: str


class NoveltyFigures(TypedDict, total=False):
    """How well the classifier recognises what it has not learnt."""

    cells_called_novel: dict[str, Measured]
    not_a_cell: dict[str, NotACellRow]
    other_stains: OtherStains
    unknown_classes: UnknownClasses


class AttributeRow(TypedDict):
    """Accuracy of one attribute on the test part."""

    accuracy: Measured
    accuracy_of_pictures_not_trained_on: Measured
    majority_baseline: float


class AttributeFigures(TypedDict, total=False):
    """The eleven attributes, and the mean of their accuracies."""

    mean_accuracy: float
    attributes: dict[str, AttributeRow]


class AdaptationDraw(TypedDict):
    """One adaptation to a random draw of cells; ``kept`` compares the old laboratory's accuracy.

    ``refused`` says why the adaptation was refused, so that the model stayed as it was.
    """

    seed: int
    learnt_from: int
    before: Measured
    after: Measured
    original_after: Measured
    kept: float
    seconds: float
    refused: NotRequired[str]


class AdaptationFigures(TypedDict, total=False):
    """What adapting to another laboratory gains there, and what it costs at home."""

    set: str
    deep: bool
    per_class: int
    located: int
    before: Measured
    original_before: Measured
    mean_after: float
    least_after: float
    mean_kept: float
    draws: list[AdaptationDraw]


class WhiteCellEvaluation(TypedDict, total=False):
    """Every measured part; absent are parts whose data were not there."""

    adaptation: AdaptationFigures
    adaptation_deep: AdaptationFigures
    pbc_test: InLaboratory
    other_laboratory: InFields
    cbc_test_fields: InFields
    blasts: Blasts
    novelty: NoveltyFigures
    attributes: AttributeFigures
    stages: StageFigures
