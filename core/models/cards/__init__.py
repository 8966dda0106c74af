"""Cards: the JSON files that describe a model and what was fitted on its features.

They load no network library, so that a list of models can be drawn without one.
"""

from core.files import JsonObject
from core.models.cards.architecture import (
    Architecture,
    CellClassifierArchitecture,
    CountRegressorArchitecture,
    DensityCounterArchitecture,
    LocatorArchitecture,
    PalmClassifierArchitecture,
    PalmCnnArchitecture,
    RedCellArchitecture,
)
from core.models.cards.model_card import (
    Card,
    CellData,
    CellValidation,
    CountCard,
    CountValidation,
    FieldData,
    LocatorCard,
    ModelCard,
    OwnClass,
    PalmCalibration,
    PalmCard,
    PalmCnnCard,
    PalmCnnValidation,
    PalmData,
    RedCellCard,
    WhiteCellCard,
)
from core.models.cards.part import CardPart
from core.models.cards.read import parse_model_card, read_model_card, read_uncertainty_card
from core.models.cards.uncertainty_card import LabelShift, UncertaintyCard
from core.models.cards.upgrade import upgrade

__all__ = [
    "Architecture",
    "Card",
    "CardPart",
    "CellClassifierArchitecture",
    "CellData",
    "CellValidation",
    "CountCard",
    "CountRegressorArchitecture",
    "CountValidation",
    "DensityCounterArchitecture",
    "FieldData",
    "JsonObject",
    "LabelShift",
    "LocatorArchitecture",
    "LocatorCard",
    "ModelCard",
    "OwnClass",
    "PalmCalibration",
    "PalmCard",
    "PalmClassifierArchitecture",
    "PalmCnnArchitecture",
    "PalmCnnCard",
    "PalmCnnValidation",
    "PalmData",
    "RedCellArchitecture",
    "RedCellCard",
    "UncertaintyCard",
    "WhiteCellCard",
    "parse_model_card",
    "read_model_card",
    "read_uncertainty_card",
    "upgrade",
]
