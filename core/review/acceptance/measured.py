"""What a lab acceptance measured, as plain values that can be kept as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from core.datasets.intake.cell_names import UNDIVIDED
from core.records import Box
from core.taxonomy import KINDS, CellKind, answer_labels


class Figure(TypedDict):
    """A number with its 95 % interval; None where it or an end of the interval is undetermined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class Pairs(TypedDict):
    """One measurement by both: ``reference`` is the laboratory's, ``other`` the program's.

    ``samples`` are names of pictures or slides, in the order of the values.
    """

    unit: str
    samples: list[str]
    reference: list[float]
    other: list[float]


@dataclass(frozen=True)
class DiscordantCell:
    """A white cell that the laboratory and the program called differently.

    ``probability`` is the program's of its own class, in [0, 1]. ``picture`` names the cell cut
    from its field, by the SHA-256 of the PNG file.
    """

    file: str
    box_xyxy_px: Box
    laboratory: str
    program: str
    probability: float
    picture: str


@dataclass(frozen=True)
class DiscordantField:
    """A field whose counts differ: kind -> (laboratory, program), cells.

    ``picture`` names the field with the program's boxes, by the SHA-256 of the PNG file.
    """

    file: str
    counts: Mapping[CellKind, tuple[float, float]]
    picture: str


@dataclass(frozen=True)
class Measured:
    """What was found.

    ``figures`` are the numbers that limits can be set on, by name. ``labels`` are (laboratory,
    program) for each cell of known class, ``numbers`` the pairs of each measurement, by name.
    ``discordant_cells`` and ``discordant_fields`` are those shown as pictures, the gravest first:
    not all of them, see ``core.review.acceptance.discordance``. ``pictures`` are their PNG files by
    SHA-256, until they are kept beside the record.
    """

    models: dict[str, str]
    fields: int
    slides: int
    white_cells: int
    not_found: int
    refused: tuple[str, ...]
    unmatched: tuple[str, ...]
    figures: dict[str, Figure]
    labels: tuple[tuple[str, str], ...]
    numbers: dict[str, Pairs]
    baselines: dict[str, float]
    discordant_cells: tuple[DiscordantCell, ...] = ()
    discordant_fields: tuple[DiscordantField, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def discordant(self) -> int:
        """Cells that were called differently, whether or not they are shown."""
        return sum(laboratory != program for laboratory, program in self.labels)

    def as_json(self) -> dict[str, object]:
        """Everything but the pictures; :func:`from_json` reads it."""
        return {name: value for name, value in asdict(self).items() if name != "pictures"}


# Any: what is stored is checked by nobody else; its keys are those of as_json().
def from_json(stored: Mapping[str, Any]) -> Measured:
    """What :meth:`Measured.as_json` gave, also before discordant cells were kept."""
    return Measured(
        **{
            **stored,
            "numbers": {
                name: stored["numbers"][name] for name in sorted(stored["numbers"], key=order_of)
            },
            "refused": tuple(stored["refused"]),
            "unmatched": tuple(stored["unmatched"]),
            "labels": tuple((one, other) for one, other in stored["labels"]),
            "discordant_cells": tuple(
                DiscordantCell(**{**row, "box_xyxy_px": tuple(row["box_xyxy_px"])})
                for row in stored.get("discordant_cells", ())
            ),
            "discordant_fields": tuple(
                DiscordantField(
                    row["file"], {k: (a, b) for k, (a, b) in row["counts"].items()}, row["picture"]
                )
                for row in stored.get("discordant_fields", ())
            ),
        }
    )


def order_of(measurement: str) -> int:
    """Place of a measurement: the order of the taxonomy, counts before shares."""
    order = (*KINDS, f"share_{UNDIVIDED}", *(f"share_{label}" for label in answer_labels()))
    return order.index(measurement) if measurement in order else len(order)
