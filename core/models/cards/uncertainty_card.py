"""The card of what was fitted on a white-cell network's frozen features, ``NAME.extras.json``."""

from typing import Annotated, Final

from pydantic import Field

from core.files import JsonObject
from core.models.cards.part import (
    CardPart,
    ClassNames,
    Count,
    Finite,
    NotNegative,
    Positive,
    Share,
    Texts,
)

UNCERTAINTY_FORMAT: Final = 2


class GroupLimits(CardPart):
    """Limits for one group of cells; see :class:`core.inference.white_cell.novelty.Calibration`."""

    temperature: Positive
    set_limit: Share
    wide_limit: Share
    abstain_below: Share
    abstain_by_parent: bool = False


class GroupCalibration(CardPart):
    """Limits for cells like those of the training laboratory, and for others."""

    familiar: GroupLimits
    unfamiliar: GroupLimits


class CriticalRule(CardPart):
    """A cell is flagged whose critical classes together reach ``limit``.

    The other fields are measured on validation cells: which sensitivity was aimed at and reached,
    and the share of other cells that are flagged too (NaN without such cells).
    """

    limit: Share
    aimed_sensitivity: Share | None = None
    sensitivity: float | None = None
    critical_cells: Count | None = None
    false_flag_rate: float | None = None
    other_cells: Count | None = None
    calibration_error: float | None = None


class LabelShift(CardPart):
    """Class frequencies of another laboratory: ``shift`` is added to the logits of each class.

    It holds for cells farther than ``beyond`` (Mahalanobis distance) from those learnt from.
    """

    beyond: NotNegative
    shift: Annotated[tuple[Finite, ...], Field(strict=False)]


class NoveltyLimits(CardPart):
    """Limits of novelty: is it a cell (probability), is it familiar (Mahalanobis distance)."""

    bias: Finite
    not_a_cell_limit: Share
    familiar_limit: NotNegative


class CellIndex(CardPart):
    """Files of stored training cells, relative to the data folder, and the classes they name.

    ``foundation`` names the foundation model whose features of them are stored too; empty for none.
    """

    classes: ClassNames
    files: Texts
    foundation: str = ""


class AttributeHeads(CardPart):
    """``values`` of each attribute, in the order of the rows of its linear head."""

    values: dict[str, Texts] = Field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all heads together."""
        return sum(map(len, self.values.values()))


class StageHeadCard(CardPart):
    """A linear head that names the stage of an immature granulocyte.

    ``stages`` are in the order of its rows. A stage is named where its probability reaches
    ``limit``: on validation cells ``aimed_accuracy`` of the named ones are right. ``validation``
    holds what the choice of C and limit gave there.
    """

    stages: ClassNames
    limit: Share
    aimed_accuracy: Share
    strength: Positive
    validation: JsonObject = Field(default_factory=dict)


class LocalHeadGain(CardPart):
    """Balanced accuracy before and after adapting, cross-validated within the laboratory's cells.

    ``value`` is the difference, with its 95 % interval; ``how`` says in words how it was measured.
    """

    before: Share
    after: Share
    value: Finite
    low: Finite
    high: Finite
    n: Count
    how: str = ""


class LocalHeadCard(CardPart):
    """A laboratory's own head; see :mod:`core.inference.white_cell.local_head`.

    ``labels`` are classes or parents, in the order of its rows. ``prior`` is the share of the
    network's own log-odds that is added, ``absent`` is added to the log-probability of classes
    without a local cell, ``strength`` is scikit-learn's C. ``foundation`` names the foundation
    model whose features it reads too; empty for none.
    """

    labels: ClassNames
    prior: NotNegative
    strength: Positive
    absent: Annotated[float, Field(le=0, allow_inf_nan=False)]
    gain: LocalHeadGain
    foundation: str = ""


class UncertaintyCard(CardPart):
    """Limits, novelty, attributes, stages and the index of training cells of one set of weights.

    ``model_sha256`` is the hash of the weights file, ``sha256`` that of the arrays beside the card;
    both are empty in a card that was not saved yet. ``limits_from`` is the identity of the model
    that the limits were fitted for, where an adapted one has inherited them.
    """

    format: int = UNCERTAINTY_FORMAT
    model: str = ""
    model_sha256: str = ""
    sha256: str = ""
    calibration: GroupCalibration
    critical: CriticalRule
    label_shift: LabelShift | None = None
    novelty: NoveltyLimits
    index: CellIndex | None = None
    attributes: AttributeHeads = AttributeHeads()
    stages: StageHeadCard | None = None
    seed: int | None = None
    amount: dict[str, Count] = Field(default_factory=dict)
    calibration_cells: JsonObject = Field(default_factory=dict)
    limits_from: str | None = None
    local_head: LocalHeadCard | None = None
