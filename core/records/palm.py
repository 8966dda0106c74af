"""What the program found in one photo of a palm."""

from dataclasses import dataclass
from typing import Literal, get_args

from core.records.picture import Flag

PalmDecision = Literal["anemia_suspected", "not_suspected", "refer"]


@dataclass(frozen=True)
class PalmCall:
    """The result of one palm photo.

    ``anemia_probability`` is calibrated for ``prevalence``, the share of people like this one with
    anemia, with ``low`` and ``high`` as its 95 % interval; ``refer`` is the answer where the
    program does not know. ``research_result``: the model's locked evidence does not exclude chance.
    """

    file: str
    anemia_probability: float
    low: float
    high: float
    decision: PalmDecision
    flags: tuple[Flag, ...]
    model: str
    prevalence: float = 0.5
    research_result: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.prevalence < 1.0:
            raise ValueError(f"a prevalence must lie between 0 and 1, got {self.prevalence}")
        if not 0.0 <= self.low <= self.anemia_probability <= self.high <= 1.0:
            raise ValueError(f"not a probability with its interval: {self}")
        if self.decision not in get_args(PalmDecision):
            raise ValueError(f"unknown decision {self.decision!r}")

    def as_json(self) -> dict[str, object]:
        return {
            "file": self.file,
            "anemia_probability": round(self.anemia_probability, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "decision": self.decision,
            "prevalence": self.prevalence,
            "research_result": self.research_result,
            "flags": [flag.as_json() for flag in self.flags],
            "model": self.model,
        }
