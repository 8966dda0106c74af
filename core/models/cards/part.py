"""What every part of a card shares: frozen, strict, and unknown keys are kept."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.files import JsonObject
from core.taxonomy import KINDS, CellKind


class CardPart(BaseModel):
    """A part of a card.

    Strict, so that a number in quotes is an error and not a guess. A key that this version does not
    know stays in the part and is written back: a later version or the laboratory put it there.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    def as_json(self) -> JsonObject:
        """The part as it stands in its file: keys that were never set stay absent."""
        return self.model_dump(mode="json", exclude_unset=True)

    def without(self, *fields: str) -> Self:
        """The part without these fields, which must be optional."""
        rest = {key: value for key, value in self.as_json().items() if key not in fields}
        return type(self).model_validate(rest)


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
"""JSON has no tuples: a list is taken too."""


def _without_repeats(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("must not name anything twice")
    return names


ClassNames = Annotated[Texts, Field(min_length=1), AfterValidator(_without_repeats)]


def _all_kinds(values: Mapping[CellKind, float]) -> Mapping[CellKind, float]:
    missing = [kind for kind in KINDS if kind not in values]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    return values


SharePerKind = Annotated[dict[CellKind, Share], AfterValidator(_all_kinds)]
NumberPerKind = Annotated[dict[CellKind, NotNegative], AfterValidator(_all_kinds)]
