"""The numbers of a training, each with the range it must lie in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

RANGES: Final[dict[str, tuple[float, float]]] = {
    "epochs": (1, 10_000),
    "batch_size": (1, 1024),
    "learning_rate": (1e-8, 1.0),
    "weight_decay": (0.0, 1.0),
    "warmup_steps": (0, 100_000),
    "patience": (1, 10_000),
    "averaging": (0.0, 0.99999),
    "seed": (0, 2**31 - 1),
    "workers": (0, 64),
    "accumulation": (1, 256),
}
"""Name of a number -> lowest and highest value taken."""

SCHEDULES: Final = ("cosine", "constant")
OPTIMIZERS: Final = ("adamw", "adam")


@dataclass(frozen=True)
class LoopSettings:
    """Length, rate and schedule of a training. Ranges are checked on construction (ValueError).

    ``averaging`` is the share of the averaged weights that each step keeps, ``bfloat16`` mixed
    precision, ``accumulation`` the batches whose gradients make one step.
    """

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 100
    patience: int = 20
    averaging: float = 0.998
    seed: int = 0
    workers: int = 1
    bfloat16: bool = True
    schedule: str = "cosine"
    optimizer: str = "adamw"
    accumulation: int = 1

    def __post_init__(self) -> None:
        for name in RANGES:
            check_number(name, getattr(self, name))
        if not isinstance(self.bfloat16, bool):
            raise ValueError(f"bfloat16 must be true or false, got {self.bfloat16!r}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be {' or '.join(SCHEDULES)}, got {self.schedule!r}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be {' or '.join(OPTIMIZERS)}, got {self.optimizer!r}")


def check_number(name: str, value: Any) -> None:
    """Raises ValueError, in a sentence that begins with ``name``, for a value out of its range."""
    low, high = RANGES[name]
    whole = isinstance(getattr(LoopSettings, name), int)
    between = f"from {low:.10g} to {high:.10g}"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} must be {kind} {between}, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {between}, got {value:.10g}")


def loop_settings(values: Mapping[str, Any]) -> LoopSettings:
    """Settings from stored or entered values; what is left out has its default.

    Raises:
        ValueError: for an unknown name, or a value outside its range.
    """
    known = {field.name for field in fields(LoopSettings)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ValueError(
            f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    return LoopSettings(**values)


def with_defaults(values: Mapping[str, object]) -> dict[str, object]:
    """Settings stored by an earlier version, with what has been added since."""
    return {**asdict(LoopSettings()), **values}
