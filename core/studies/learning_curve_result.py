"""``learning_curve.json``: what the learning curve stores, prints and draws."""

from typing_extensions import TypedDict

from core.files import JsonObject
from core.models.cards.figures import ErrorRows


class Cell(TypedDict):
    """One training: ``counter`` on ``labelled`` camera fields and ``drawn`` synthetic ones.

    ``step`` was best on validation, with an error of ``validation_error`` cells a field.
    ``field_errors`` are the mean errors of the test fields, in their order.
    """

    counter: str
    labelled: int
    drawn: int
    step: int
    validation_error: float
    errors: ErrorRows
    field_errors: list[float]


class FieldNumbers(TypedDict):
    """Fields of each part, and those left out as copies of test or validation fields."""

    training: int
    validation: int
    test: int
    left_out_as_copies: int


class Setting(TypedDict):
    """What must be equal for stored trainings to be used again; ``heads`` by counter."""

    seed: int
    steps: int
    check_every: int
    backbone: str
    heads: dict[str, JsonObject]
    fields_sha256: str


class StoredCurve(TypedDict):
    """The file, rewritten after every training; ``locator`` is the live one at that time."""

    setting: Setting
    fields: FieldNumbers
    cells: list[Cell]
    constant: ErrorRows
    locator: ErrorRows


class LearningCurve(StoredCurve):
    """The finished curve: ``cells`` in the order of the plan, ``sizes`` those used."""

    sizes: list[int]
    drawn: int
