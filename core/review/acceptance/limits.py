"""The limits a site chooses, and whether they are met."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

from core.review.acceptance.measured import Figure
from core.review.acceptance.results import LocalResults, kinds_of
from core.taxonomy import title

Direction = Literal["at least", "at most", "within"]


@dataclass(frozen=True)
class Limit:
    """A bound on a figure of :class:`core.review.acceptance.measured.Measured`.

    ``within`` bounds a bias on both sides of zero. Shares are in [0, 1], biases in their own unit.
    """

    figure: str
    direction: Direction
    bound: float


@dataclass(frozen=True)
class Verdict:
    """One limit beside what was measured.

    ``met`` is None where the figure was not determined. ``sure``: the whole interval meets it, so
    that the same would be found on other slides of the same sort.
    """

    limit: Limit
    value: float | None
    low: float | None
    high: float | None
    n: int
    met: bool | None
    sure: bool

    @property
    def words(self) -> str:
        if self.met is None:
            return "not determined"
        if self.met:
            return "met" if self.sure else "met, not beyond chance"
        return "not met"

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "limit": asdict(self.limit), "words": self.words}


_PERCENT: Final = ("accuracy", "abstained", "novel", "set_coverage", "sensitivity_")

_TITLES: Final = {
    "accuracy": "White cells called right",
    "kappa": "Cohen's kappa",
    "calibration_error": "Calibration error",
    "set_coverage": "True class in the stated set",
    "abstained": "White cells without a sure class",
    "novel": "White cells unlike the training cells",
}
_BEGINNINGS: Final = {
    "sensitivity_": "Sensitivity, ",
    "error_": "Mean absolute error, ",
    "bias_": "Bias, ",
    "lower_limit_": "Lower limit of agreement, ",
    "upper_limit_": "Upper limit of agreement, ",
    "slope_": "Passing-Bablok slope, ",
    "intercept_": "Passing-Bablok intercept, ",
}

SUGGESTED: Final[dict[str, Limit]] = {
    limit.figure: limit
    for limit in (
        Limit("accuracy", "at least", 0.90),
        Limit("kappa", "at least", 0.80),
        Limit("sensitivity_blast", "at least", 0.90),
        Limit("sensitivity_immature_granulocyte", "at least", 0.80),
        Limit("set_coverage", "at least", 0.85),
        Limit("calibration_error", "at most", 0.10),
        Limit("abstained", "at most", 0.20),
        Limit("novel", "at most", 0.10),
        Limit("bias_rbc", "within", 2.0),
        Limit("bias_wbc", "within", 0.3),
        Limit("bias_platelet", "within", 1.0),
        *(
            Limit(f"bias_share_{name}", "within", bound)
            for name, bound in (
                ("neutrophil", 5.0),
                ("lymphocyte", 5.0),
                ("monocyte", 3.0),
                ("eosinophil", 2.0),
                ("basophil", 1.0),
                ("blast", 1.0),
            )
        ),
    )
}
"""What the page starts with: this program's suggestions, not a standard. The site decides."""


def suggested_for(results: LocalResults) -> list[Limit]:
    """The suggestions about figures that these results can determine."""
    named = {result.label for cells in results.cells.values() for result in cells}
    shares = {label for slide in results.shares.values() for label in slide}
    known = {"abstained", "novel"}
    known |= {f"bias_{kind}" for kind in kinds_of(results)}
    known |= {f"bias_share_{label}" for label in shares}
    if results.cells:
        known |= {"accuracy", "kappa", "set_coverage", "calibration_error"}
        known |= {f"sensitivity_{label}" for label in named}
    return [limit for name, limit in SUGGESTED.items() if name in known]


def figure_title(name: str) -> str:
    """Words for a figure: ``bias_share_neutrophil`` -> ``Bias, neutrophil share``."""
    if name in _TITLES:
        return _TITLES[name]
    for beginning, words in _BEGINNINGS.items():
        if name.startswith(beginning):
            return words + measurement_title(name.removeprefix(beginning)).lower()
    return title(name)


def measurement_title(name: str) -> str:
    """``share_neutrophil`` -> ``Neutrophil share``, ``rbc`` -> ``Red cells``."""
    if name.startswith("share_"):
        return f"{title(name.removeprefix('share_'))} share"
    return title(name)


def is_percent(name: str) -> bool:
    """Is the figure a share that is read in percent."""
    return name.startswith(_PERCENT)


def unit_of(name: str) -> str:
    """Unit behind the figure's numbers, empty for a plain one."""
    if is_percent(name):
        return "%"
    if "share_" in name and not name.startswith("slope_"):
        return "points"
    bare = name.startswith(("kappa", "calibration_error", "slope_"))
    return "" if bare else "cells per field"


_UNDETERMINED: Final[Figure] = {"value": None, "low": None, "high": None, "n": 0}


def judged(figures: Mapping[str, Figure], limits: Iterable[Limit]) -> list[Verdict]:
    """Each limit compared with its figure.

    Raises:
        ValueError: for a bound that is negative or not a number.
    """
    found = []
    for limit in limits:
        if not limit.bound >= 0:
            raise ValueError(f"a limit is a number from 0, got {limit.bound}")
        figure = figures.get(limit.figure, _UNDETERMINED)
        value, low, high = figure["value"], figure["low"], figure["high"]
        met = None if value is None else _within(limit, value)
        ends = [end for end in (low, high) if end is not None]
        sure = bool(met) and len(ends) == 2 and all(_within(limit, end) for end in ends)
        found.append(Verdict(limit, value, low, high, figure["n"], met, sure))
    return found


def _within(limit: Limit, value: float) -> bool:
    if limit.direction == "at least":
        return value >= limit.bound
    return (abs(value) if limit.direction == "within" else value) <= limit.bound


def accepted(verdicts: Iterable[Verdict]) -> bool:
    """Every chosen limit is met; one that could not be determined is not."""
    chosen = list(verdicts)
    return bool(chosen) and all(verdict.met for verdict in chosen)
