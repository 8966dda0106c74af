"""The card of each kind of model: what its JSON file beside the weights says, typed.

A card holds everything needed to rebuild and to judge the model: architecture, classes, input,
thresholds, calibration, training data and its hash, metrics with intervals, commit, intended use.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from core.files import JsonObject
from core.models.cards.architecture import (
    Architecture,
    CellClassifierArchitecture,
    CountArchitecture,
    LocatorArchitecture,
    PalmClassifierArchitecture,
    PalmCnnArchitecture,
    RedCellArchitecture,
)
from core.models.cards.figures import CountEvaluation, LocatorEvaluation, PalmEvaluation
from core.models.cards.part import (
    CardPart,
    Count,
    Finite,
    NotNegative,
    NumberPerKind,
    Positive,
    Share,
    SharePerKind,
    Texts,
)
from core.models.cards.preprocessing import (
    INPUT_OF,
    CellInput,
    DensityInput,
    LocatorInput,
    PalmInput,
    PalmPhotoInput,
    Preprocessing,
    RedCellInput,
    WholeFieldInput,
)
from core.models.cards.red_cell_figures import RedCellEvaluation
from core.models.cards.uncertainty_card import LocalHeadCard
from core.models.cards.white_cell_figures import WhiteCellEvaluation
from core.site_classes import LOINC
from core.taxonomy import is_critical

FORMAT: Final = 3


class TrainingData(CardPart):
    """What a model learnt from; ``sha256`` is the hash of the training part's files.

    Cards also count the cells, fields or photos of each part; see the subclasses.
    """

    set: str = ""
    sha256: str = ""


class FieldData(TrainingData):
    """Fields that a locator or a counter learnt from."""

    training_fields: Count | None = None
    validation_fields: Count | None = None
    left_out_as_copies_of_test_fields: Count | None = None
    backbone: str = ""


class CellData(TrainingData):
    """Cells that a classifier learnt from; ``foreign_cells`` are other laboratories', by class.

    ``laboratories`` are their short names; None in cards of earlier versions.
    """

    training_cells: Count | None = None
    validation_cells: Count | None = None
    test_cells: Count | None = None
    foreign_cells: dict[str, Count] = Field(default_factory=dict)
    foreign_sets: str = ""
    laboratories: Texts | None = None
    foreign_sha256: str = ""


class PalmData(TrainingData):
    """Photos that a palm model learnt from, and the session blocks locked away from it."""

    photos: Count | None = None
    training_photos: Count | None = None
    locked_photos: Count | None = None
    locked_blocks: Texts = ()
    lock_seed: int | None = None


class ModelCard(CardPart):
    """What every model's card holds.

    ``sha256`` and ``onnx_sha256`` are of the two files beside the card; they and ``name`` are empty
    in a card whose model was not saved yet. ``training`` are the settings as the recipe that made
    the model wrote them: their keys belong to that recipe and are only shown. ``made`` is a day,
    ``made_with`` are the versions of the tools.
    """

    format: int = FORMAT
    name: str = ""
    sha256: str = ""
    onnx_sha256: str = ""
    task: str = ""
    architecture: Architecture
    preprocessing: Preprocessing
    intended_use: str = ""
    limits: str = ""
    licence: str = ""
    data: TrainingData = TrainingData()
    seed: int | None = None
    training: JsonObject = Field(default_factory=dict)
    commit: str = ""
    made: str = ""
    made_with: dict[str, str] = Field(default_factory=dict)
    evaluation: Mapping[str, object] = Field(default_factory=dict)

    def with_evaluation(self, evaluation: Mapping[str, object]) -> Self:
        """The card with other measured figures, checked like any card."""
        return type(self).model_validate({**self.as_json(), "evaluation": evaluation})


class CountValidation(CardPart):
    """Count errors in cells on ``fields`` validation fields."""

    fields: Count
    mean_absolute_error: NumberPerKind


class LocatorCard(ModelCard):
    """A locator: a cell counts from ``thresholds`` of its kind on.

    ``max_iou`` is the overlap above which the weaker of two boxes is dropped.
    ``interval_scale`` times ``sqrt(count + 1)`` is half the width of the count's 90 % interval, in
    cells.
    """

    task: Literal["locator"] = "locator"
    architecture: LocatorArchitecture
    preprocessing: LocatorInput = LocatorInput()
    thresholds: SharePerKind
    max_iou: Share = 0.6
    interval_scale: NumberPerKind
    data: FieldData = FieldData()
    validation: CountValidation | None = None
    evaluation: LocatorEvaluation = Field(default_factory=LocatorEvaluation)


class CountCard(ModelCard):
    """A counter of whole fields; ``interval_scale`` as in :class:`LocatorCard`."""

    task: Literal["counts"] = "counts"
    architecture: CountArchitecture
    preprocessing: DensityInput | WholeFieldInput = DensityInput()
    interval_scale: NumberPerKind
    data: FieldData = FieldData()
    validation: CountValidation | None = None
    evaluation: CountEvaluation = Field(default_factory=CountEvaluation)

    @model_validator(mode="after")
    def _input_of_its_network(self) -> Self:
        if not isinstance(self.preprocessing, INPUT_OF[self.architecture.kind]):
            raise ValueError(f"preprocessing is not that of a {self.architecture.kind}")
        return self


_Counts = Annotated[tuple[Count, ...], Field(strict=False)]
_Bin = Annotated[tuple[Share, Share, Count], Field(strict=False)]


class CellValidation(CardPart):
    """A classifier on validation cells of its own laboratory.

    ``confusion`` has the truth in rows and the answer in columns, in the order of the
    architecture's classes. ``reliability`` are tenths of the probability of the likeliest class:
    mean probability, share right, cells. Both are absent in cards from before they were kept.
    """

    cells: Count
    accuracy: Share
    expected_calibration_error: Share
    confusion: Annotated[tuple[_Counts, ...], Field(strict=False)] | None = None
    reliability: Annotated[tuple[_Bin, ...], Field(strict=False)] | None = None


class OwnClass(CardPart):
    """A class of a laboratory's own that a model tells; see :mod:`core.site_classes`.

    ``parent`` is the shipped class that such a cell belongs to, empty where it belongs to none.
    """

    label: str
    title: str
    parent: str = ""
    critical: bool = False
    leukocyte: bool = True
    code: str = ""
    code_system: str = LOINC


class WhiteCellCard(ModelCard):
    """A white-cell classifier with its calibration.

    Probabilities are taken at ``temperature``. ``set_limit`` is the least probability of a class in
    the 90 % set; below ``abstain_below`` no call is made. ``adapted_from`` is the identity of the
    model that was adapted to a laboratory, ``local_head`` what that laboratory's own head is.
    ``own_classes`` say what its classes beside the shipped ones mean.
    """

    task: Literal["wbc"] = "wbc"
    architecture: CellClassifierArchitecture
    preprocessing: CellInput = CellInput()
    temperature: Positive
    set_limit: Share
    abstain_below: Share
    data: CellData = CellData()
    validation: CellValidation | None = None
    adapted_from: str | None = None
    local_head: LocalHeadCard | None = None
    own_classes: Annotated[tuple[OwnClass, ...], Field(strict=False)] = ()
    evaluation: WhiteCellEvaluation = Field(default_factory=WhiteCellEvaluation)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self.architecture.classes

    @property
    def critical_classes(self) -> frozenset[str]:
        """Its classes that are critical, by this installation or by the card itself."""
        said = {one.label for one in self.own_classes if one.critical}
        return frozenset(name for name in self.classes if name in said or is_critical(name))


class PalmCalibration(CardPart):
    """Probability = expit(slope * logit + offset), where a share ``prevalence`` has anemia."""

    slope: Finite
    offset: Finite
    prevalence: Share = 0.5


class PalmCard(ModelCard):
    """The palm model with its limits.

    Below ``clear_below`` anemia is not suspected, from ``suspect_from`` on it is, between them
    nothing is decided. A palm farther than ``unusual_above`` from those learnt from is unusual.
    """

    task: Literal["palm"] = "palm"
    architecture: PalmClassifierArchitecture
    preprocessing: PalmInput = PalmInput()
    calibration: PalmCalibration
    clear_below: Share
    suspect_from: Share
    unusual_above: NotNegative
    data: PalmData = PalmData()
    evaluation: PalmEvaluation = Field(default_factory=PalmEvaluation)

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.clear_below > self.suspect_from:
            raise ValueError("clear_below must not lie above suspect_from")
        return self


class PalmCnnValidation(CardPart):
    """Photos of the fold held out, and how many of them are anemic."""

    photos: Count
    anemic: Count


class PalmCnnCard(ModelCard):
    """The published network on palm photos, for comparison only."""

    task: Literal["palm_cnn"] = "palm_cnn"
    architecture: PalmCnnArchitecture
    preprocessing: PalmPhotoInput = PalmPhotoInput()
    target: Literal["anemic", "haemoglobin"] = "anemic"
    data: PalmData = PalmData()
    validation: PalmCnnValidation | None = None


class RedCellCard(ModelCard):
    """A classifier of red-cell shapes.

    Probabilities are taken at ``temperature``. A cell whose likeliest shape is less probable than
    this shape's limit in ``least_probability`` is "unclear"; a shape that is not named there has
    the limit ``abstain_below``. A cell is "overlapped" where another box covers more than
    ``overlap_above`` of its own.
    """

    task: Literal["red_cells"] = "red_cells"
    architecture: RedCellArchitecture
    preprocessing: RedCellInput = RedCellInput()
    temperature: Positive = 1.0
    abstain_below: Share = 0.0
    least_probability: dict[str, Share] = Field(default_factory=dict)
    overlap_above: Share = 0.15
    data: CellData = CellData()
    evaluation: RedCellEvaluation = Field(default_factory=RedCellEvaluation)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self.architecture.classes

    @model_validator(mode="after")
    def _classes_are_shapes(self) -> Self:
        # Records load NumPy, which a screen that lists runs shall not wait for.
        from core.records.red_cell import SHAPES

        unknown = [name for name in (*self.classes, *self.least_probability) if name not in SHAPES]
        if unknown:
            raise ValueError(f"unknown shapes of red cells: {', '.join(unknown)}")
        return self


Card = LocatorCard | CountCard | WhiteCellCard | PalmCard | PalmCnnCard | RedCellCard
CARDS: dict[str, type[Card]] = {
    "locator": LocatorCard,
    "cell_classifier": WhiteCellCard,
    "density_counter": CountCard,
    "count_regressor": CountCard,
    "palm_classifier": PalmCard,
    "palm_cnn": PalmCnnCard,
    "red_cell_classifier": RedCellCard,
}
"""``architecture.kind`` -> the card that describes such a model."""
