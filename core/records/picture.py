"""A picture that was read, and what every finding is made of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
RgbImage = npt.NDArray[np.uint8]
GreyImage = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Field:
    """One photographed field, upright, 8-bit RGB.

    ``pixels`` has shape ``(height, width, 3)`` and is read-only; ``sha256`` is the hash of the
    bytes it was read from and identifies the picture everywhere.
    """

    name: str
    pixels: RgbImage
    sha256: str

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (H, W, 3) uint8, got {self.pixels.shape}")
        self.pixels.setflags(write=False)

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True)
class Flag:
    """Something a person should know about a finding: stable code, plain sentence."""

    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, ``low <= value <= high``."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"not an interval around its value: {self}")

    def as_json(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}
