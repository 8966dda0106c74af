"""Reading a card: upgraded, checked, and refused with a sentence that names file and field."""

import json
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from core.files import JsonObject
from core.models.cards.model_card import CARDS, ModelCard
from core.models.cards.preprocessing import INPUT_OF
from core.models.cards.uncertainty_card import UncertaintyCard
from core.models.cards.upgrade import upgrade
from core.models.refusal import WeightsRefused

C = TypeVar("C", ModelCard, UncertaintyCard)

_SHOWN_CHARACTERS: Final = 40
_WORDS: Final = {
    "bool_type": "must be true or false",
    "dict_type": "must be a JSON object",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must be a JSON object",
    "string_type": "must be text",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}
"""Pydantic's kind of error -> plain words; its own name Python's types."""

_NOT_FIELDS: Final = {*CARDS, *(one.__name__ for one in INPUT_OF.values())}
"""Steps on pydantic's way to a field that stand for a choice between types, not for a key."""


def read_model_card(file: Path) -> ModelCard:
    """The card in a model's JSON file.

    Raises:
        WeightsRefused: if the file cannot be read, is no card, or has a field that is missing or
            wrong; the message names file and field.
    """
    return parse_model_card(_json_of(file), file.name)


def parse_model_card(raw: JsonObject, file: str) -> ModelCard:
    """The card of a saved model from its JSON, of any format; ``file`` is named in messages.

    Raises:
        WeightsRefused: if a field is missing or wrong.
    """
    raw = upgrade(raw, file)
    missing = [key for key in ("name", "sha256", "onnx_sha256", "architecture") if not raw.get(key)]
    if missing:
        raise WeightsRefused(f"{file} lacks {', '.join(missing)}")
    architecture = raw["architecture"]
    kind = architecture.get("kind") if isinstance(architecture, dict) else None
    card = CARDS.get(kind) if isinstance(kind, str) else None
    if card is None:
        raise WeightsRefused(
            f"{file}: unknown architecture {_shown(kind)}; this version knows {', '.join(CARDS)}"
        )
    return checked(card, raw, file)


def read_uncertainty_card(file: Path, model_sha256: str) -> UncertaintyCard | None:
    """The card in ``NAME.extras.json``; None where it belongs to other weights.

    Raises:
        WeightsRefused: as :func:`read_model_card` does.
    """
    raw = _json_of(file)
    if not raw.get("model_sha256") or not raw.get("sha256"):
        raise WeightsRefused(
            f"{file.name} does not describe any extras: it lacks model_sha256 or sha256"
        )
    # A card of other weights is not used, so the rest of it is not checked.
    if raw["model_sha256"] != model_sha256:
        return None
    return checked(UncertaintyCard, upgrade(raw, file.name), file.name)


def _json_of(file: Path) -> JsonObject:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsRefused(f"{file.name} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # neither JSON nor, perhaps, text
        raise WeightsRefused(f"{file.name} is not valid JSON ({error})") from error
    if not isinstance(raw, dict):
        raise WeightsRefused(f"{file.name} does not describe anything: it is no JSON object")
    return raw


def checked(card: type[C], raw: JsonObject, file: str) -> C:
    """A card from today's JSON.

    Raises:
        WeightsRefused: if a field is missing or wrong.
    """
    try:
        return card.model_validate(raw)
    except ValidationError as refusal:
        others = refusal.error_count() - 1
        more = f" (and {others} more)" if others else ""
        raise WeightsRefused(f"{file}: {_sentence(refusal)}{more}") from refusal


def _sentence(refusal: ValidationError) -> str:
    """A sentence about the first wrong field."""
    error = refusal.errors()[0]
    field = ".".join(str(step) for step in error["loc"] if step not in _NOT_FIELDS)
    if error["type"] == "missing":
        return f"{field} is missing"
    if error["type"] == "value_error":
        message = str(error["ctx"]["error"])
        return f"{field}: {message}" if field else message
    message = error["msg"].removeprefix("Input ").replace("should", "must", 1)
    message = _WORDS.get(error["type"], message)
    return f"{field} {message}, got {_shown(error['input'])}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
