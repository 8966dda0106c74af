"""Upgrade cards of every earlier format to today's.

Every format that was ever released stays readable: a promoted model somewhere may have it.
"""

from collections.abc import Callable
from typing import Final

from core.files import JsonObject
from core.models.cards.model_card import FORMAT
from core.models.cards.preprocessing import INPUT_OF
from core.models.cards.uncertainty_card import UNCERTAINTY_FORMAT
from core.models.refusal import WeightsRefused


def upgrade(card: JsonObject, file: str = "the card") -> JsonObject:
    """The card of a model, or of its uncertainty, in today's format; the argument stays as it is.

    Every format is brought to the next one until it is today's, so a new format needs one new
    function. A card without a ``format`` is of format 1.

    Args:
        card: as read from JSON. That of a model's uncertainty names ``model_sha256``.
        file: what the card is called in messages.

    Raises:
        WeightsRefused: for a card of a later version, or one whose format is no number.
    """
    steps, newest = _UNCERTAINTY if "model_sha256" in card else _MODEL
    version = card.get("format", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise WeightsRefused(f"{file}: format must be a whole number, got {version!r}")
    if version > newest:
        raise WeightsRefused(f"{file} has format {version}; this version reads up to {newest}")
    for step in range(version, newest):
        card = {**steps[step](dict(card), file), "format": step + 1}
    return card


def _named_architecture(card: JsonObject, file: str) -> JsonObject:
    """Format 1 (first prototypes) named the architecture and kept its parameters beside it.

    Such a classifier was never calibrated. It gets the limits that claim least: every class stays
    possible and every call is left to a person.
    """
    kind = card.get("architecture")
    if not isinstance(kind, str):
        return card
    if kind == "locator":
        card["architecture"] = {"kind": kind, "width": card.pop("width", 64)}
        return card
    if "classes" not in card:
        raise WeightsRefused(f"{file} lacks classes")
    card["architecture"] = {
        "kind": "cell_classifier",
        "backbone": kind,
        "classes": card.pop("classes"),
    }
    return {"temperature": 1.0, "set_limit": 0.0, "abstain_below": 1.0, **card}


def _preprocessing(card: JsonObject, file: str) -> JsonObject:
    """Up to format 2 only a classifier's card could say how its input is made, and few did.

    There has been one way for each kind of network, so it is known.
    """
    architecture = card.get("architecture")
    kind = architecture.get("kind") if isinstance(architecture, dict) else None
    known = INPUT_OF.get(kind) if isinstance(kind, str) else None
    stated = card.get("preprocessing", {})
    if known is not None and isinstance(stated, dict):
        card["preprocessing"] = {**known().as_json(), **stated}
    return card


def _label_shift(card: JsonObject, file: str) -> JsonObject:
    """Format 1 called the label shift ``elsewhere``, and left it out of an adapted model's card."""
    if "elsewhere" in card:
        card["label_shift"] = card.pop("elsewhere")
    return card


_Step = Callable[[JsonObject, str], JsonObject]
_MODEL: Final[tuple[dict[int, _Step], int]] = (
    {1: _named_architecture, 2: _preprocessing},
    FORMAT,
)
_UNCERTAINTY: Final[tuple[dict[int, _Step], int]] = ({1: _label_shift}, UNCERTAINTY_FORMAT)
