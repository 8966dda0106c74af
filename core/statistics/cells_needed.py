"""Whether a share of the differential is above or below a limit, and how many cells decide it."""

from typing import Final, Literal

from core.statistics.intervals import clopper_pearson

Decision = Literal["above", "below", "undecided"]
MOST_CELLS: Final = 10_000
"""More white cells are never counted in practice."""


def decide(cells: int, counted: int, limit: float, confidence: float = 0.95) -> Decision:
    """Whether the exact interval of a share lies above or below ``limit``, or around it.

    Args:
        cells: of the class.
        counted: white cells in all.
        limit: share in (0, 1).
        confidence: of the Clopper-Pearson interval.

    Raises:
        ValueError: if the limit is not in (0, 1) or the counts do not fit each other.
    """
    if not 0 < limit < 1:
        raise ValueError(f"the limit must be between 0 and 100 percent, got {100 * limit:g}")
    interval = clopper_pearson(cells, counted, confidence)
    if interval.low > limit:
        return "above"
    return "below" if interval.high < limit else "undecided"


def cells_still_needed(
    cells: int, counted: int, limit: float, confidence: float = 0.95
) -> int | None:
    """Number of further white cells that would decide if the share stayed the same.

    Returns:
        0 if it is decided already; None if ``MOST_CELLS`` would not decide, or none were counted.
    """
    if decide(cells, counted, limit, confidence) != "undecided":
        return 0
    if not counted or decide(*_scaled(cells, counted, MOST_CELLS), limit, confidence) == (
        "undecided"
    ):
        return None
    # Rounding the cells to whole numbers makes the interval jump, so bisection alone can miss the
    # first number that decides. Bisect to its neighbourhood, then test each number there.
    low, high = counted, MOST_CELLS
    while high - low > 1:
        middle = (low + high) // 2
        undecided = decide(*_scaled(cells, counted, middle), limit, confidence) == "undecided"
        low, high = (middle, high) if undecided else (low, middle)
    for total in range(max(counted + 1, high - 60), high + 1):
        if decide(*_scaled(cells, counted, total), limit, confidence) != "undecided":
            return total - counted
    return high - counted


def _scaled(cells: int, counted: int, total: int) -> tuple[int, int]:
    return round(cells * total / counted), total
