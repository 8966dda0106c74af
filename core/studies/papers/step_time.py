"""How long one step of a training takes here, for the forecast of a study."""

import time
from collections.abc import Callable
from typing import Final

_STEPS: Final = 3


def seconds_of(step: Callable[[], None]) -> float:
    """Mean seconds of three steps, after a first one that allocates and is not counted."""
    step()
    began = time.monotonic()
    for _ in range(_STEPS):
        step()
    return (time.monotonic() - began) / _STEPS
