"""The evidence on a challenger, and the rule by which it may go live."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.taxonomy import critical_labels, title
from core.training.promote.bar import LEVEL, against_bar, site_bar

if TYPE_CHECKING:  # they load torch and SciPy, which a screen must not wait for
    from core.models.registry import Task
    from core.statistics.paired import PairedDifference, PairedErrors

MARGIN: Final = 0.02
"""Largest loss of recall of a critical class, and of accuracy on the original data."""

ERROR_MARGIN: Final = 0.05
"""Largest relative growth of the count error on the original data."""

WBC_MARGIN: Final = 0.05
"""Largest growth of the white cells' count error on any set, in cells a field: they are few, and
they are what people review."""


Report = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""


class PromotionRefused(ValueError):
    """A model must not go live, or cannot be compared; the message says why."""


@dataclass(frozen=True)
class OnOneSet:
    """Both models on one set of cells, each through the product's own locating and cropping.

    Pairs are (champion, challenger). ``recalls`` also holds the number of cells; ``calibration``
    is the expected calibration error, ``asked`` the share of cells from which a model abstains,
    ``novel`` the share that it calls unlike anything it learnt from. ``told_by_one`` are classes of
    the set that only one of them tells, by whom (``champion`` or ``challenger``); ``left_out`` are
    cells of a class that has no counterpart in the live model, which only ``recalls`` count.
    ``folds`` are the shares right of each fold where the set is a cross-validation's.
    """

    title: str
    sha256: str
    accuracy: "PairedDifference"
    champion: float
    challenger: float
    recalls: dict[str, tuple[float, float, int]]
    calibration: tuple[float, float]
    asked: tuple[float, float] = (0.0, 0.0)
    novel: tuple[float, float] = (0.0, 0.0)
    told_by_one: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    folds: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class OnFields:
    """Both models on one set of fields: absolute count errors, all kinds together and each.

    ``constant`` is the error of always answering the set's own medians, which no model sees.
    ``covered`` is the share of the true counts inside the models' intervals.
    """

    title: str
    sha256: str
    errors: "PairedErrors"
    kinds: "dict[str, PairedErrors]"
    constant: float
    covered: tuple[float, float]


@dataclass(frozen=True)
class Compared:
    """What exactly was compared; the sets name their own hashes.

    ``models`` maps ``champion``, ``challenger`` and every other model in the product's path to the
    hashes of their files, by suffix: the card and the fitted uncertainty change answers too.
    ``code`` is the commit, ``sources`` the hash of the program's own files.
    """

    models: Mapping[str, Mapping[str, str]]
    code: str
    sources: str


@dataclass(frozen=True)
class Comparison:
    """The evidence: on the run's own test part, on the original data, and elsewhere.

    ``external_lab`` are cells of another laboratory; ``learnt_external`` names the models
    (``champion``, ``challenger``) whose cards, or those of the models they were adapted from, say
    that they learnt from it, ``origin_unknown`` those adapted from a model that is no longer here.
    A significant fall there blocks a promotion unless a person overrides it with a reason.
    """

    task: "Task"
    champion: str
    challenger: str
    challenger_file: Path
    compared: Compared
    own: OnOneSet | OnFields
    original: OnOneSet | OnFields | None
    external_lab: OnOneSet | None = None
    learnt_external: tuple[str, ...] = ()
    origin_unknown: tuple[str, ...] = ()

    @property
    def sets(self) -> dict[str, OnOneSet | OnFields]:
        """The sets that both were tested on, the most important one first."""
        each = {"own": self.own, "original": self.original, "external_lab": self.external_lab}
        return {name: one for name, one in each.items() if one is not None}

    def as_json(self) -> dict[str, object]:
        """All fields as JSON; :func:`from_json` reads it."""
        return {**asdict(self), "challenger_file": str(self.challenger_file)}

    @property
    def objections(self) -> tuple[str, ...]:
        """Why the challenger may not go live; empty if it may."""
        return tuple(objections(self.own, self.original))

    @property
    def external_fall(self) -> str:
        """How the challenger falls in the other laboratory, beyond chance; empty if it does not."""
        one = self.external_lab
        if one is None or one.accuracy.difference >= 0 or one.accuracy.p >= LEVEL:
            return ""
        return (
            f"of {one.accuracy.items} cells of {one.title} it gets {100 * one.challenger:.0f} % "
            f"right, the live model {100 * one.champion:.0f} % (p = {one.accuracy.p:.1g})"
        )

    @property
    def classes_told_by_one(self) -> str:
        """Sentences on classes that only one of the models tells; empty where there are none."""
        if not isinstance(self.own, OnOneSet) or not self.own.told_by_one:
            return ""
        names = {"champion": "the live model", "challenger": "the challenger"}
        found = []
        for label, who in self.own.told_by_one.items():
            before, after, cells = self.own.recalls[label]
            hits = round((before if who == "champion" else after) * cells)
            found.append(
                f"{title(label)} is told by {names[who]} only: {hits} of {cells} test cells"
            )
        sentences = ". ".join(found)
        return (
            f"{sentences}. The difference above is on what both know: such a cell counts as the "
            "class it belongs to"
            + (
                f"; {self.own.left_out} cells of a class without one are left out."
                if self.own.left_out
                else "."
            )
        )

    @property
    def external_words(self) -> str:
        """What the cards say of the other laboratory: who learnt from it."""
        names = {"champion": "the live model", "challenger": "the challenger"}
        learnt = [words for name, words in names.items() if name in self.learnt_external]
        unknown = [words for name, words in names.items() if name in self.origin_unknown]
        sentences = []
        if learnt:
            have = "has" if len(learnt) == 1 else "have"
            sentences.append(
                f"By their cards, {' and '.join(learnt)} {have} learnt from the other laboratory: "
                "it says nothing about laboratories that are new to them."
            )
        if unknown:
            sentences.append(
                f"What {' and '.join(unknown)} learnt from is not known: the model before the "
                "adaptation is no longer here."
            )
        if not sentences:
            return "No model's card says that it learnt from the other laboratory."
        return " ".join(sentences)


# Any: a stored comparison may be damaged, or of an earlier version.
def from_json(stored: Mapping[str, Any]) -> Comparison:
    """A comparison as :meth:`Comparison.as_json` wrote it, also in earlier versions.

    Raises:
        ValueError: if it is something else.
    """
    try:
        # Earlier versions called the external laboratory's set "elsewhere".
        external = stored["external_lab"] if "external_lab" in stored else stored["elsewhere"]
        own, original, external_set = (
            None if row is None else _set(row)
            for row in (stored["own"], stored["original"], external)
        )
        if own is None or isinstance(external_set, OnFields):
            raise TypeError("its own set, or that of an external laboratory, is of another kind")
        return Comparison(
            task=stored["task"],
            champion=stored["champion"],
            challenger=stored["challenger"],
            challenger_file=Path(stored["challenger_file"]),
            compared=Compared(**stored["compared"]),
            own=own,
            original=original,
            external_lab=external_set,
            learnt_external=tuple(stored.get("learnt_external", ())),
            origin_unknown=tuple(stored.get("origin_unknown", ())),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no stored comparison: {error}") from error


def _set(row: Mapping[str, Any]) -> OnOneSet | OnFields:
    from core.statistics.paired import PairedDifference, PairedErrors

    if "errors" in row:
        kinds = {kind: PairedErrors(**errors) for kind, errors in row["kinds"].items()}
        errors, covered = PairedErrors(**row["errors"]), _pair(row["covered"])
        return OnFields(**{**row, "errors": errors, "kinds": kinds, "covered": covered})
    pairs = {name: _pair(row[name]) for name in ("calibration", "asked", "novel")}
    recalls = {label: (float(a), float(b), int(n)) for label, (a, b, n) in row["recalls"].items()}
    accuracy = PairedDifference(**row["accuracy"])
    folds = tuple(_pair(one) for one in row.get("folds", ()))
    return OnOneSet(**{**row, "accuracy": accuracy, "recalls": recalls, **pairs, "folds": folds})


def _pair(row: Any) -> tuple[float, float]:
    first, second = row
    return float(first), float(second)


def objections(own: OnOneSet | OnFields, original: OnOneSet | OnFields | None) -> list[str]:
    """The rule: the site's bar cleared, nothing critical lost, the original data not forgotten."""
    if isinstance(own, OnFields):
        return _against_counts(own, original if isinstance(original, OnFields) else None)
    return _against_classes(own, original if isinstance(original, OnOneSet) else None)


def _against_classes(own: OnOneSet, original: OnOneSet | None) -> list[str]:
    reasons = against_bar(own, site_bar())
    for one in (own, original):
        for name in sorted(critical_labels() & (one.recalls.keys() if one else set())):
            before, after, cells = one.recalls[name] if one else (0.0, 0.0, 0)
            if before - after > MARGIN:
                where = one.title if one else ""
                reasons.append(
                    f"of the {cells} critical cells {title(name).lower()} in {where} it finds "
                    f"{after:.0%}, the live model {before:.0%}"
                )
    if original is not None and original.champion - original.challenger > MARGIN:
        reasons.append(
            f"it forgot what was known: on {original.title} it is right in "
            f"{original.challenger:.1%}, the live model in {original.champion:.1%}"
        )
    return reasons


def _against_counts(own: OnFields, original: OnFields | None) -> list[str]:
    reasons = []
    better = own.errors
    if better.high >= 0:
        reasons.append(
            f"it has not shown to count better on {own.title}: over {better.items} fields its "
            f"error changes by {better.difference:+.2f} cells a field ({better.low:+.2f} to "
            f"{better.high:+.2f}); the whole interval must lie below zero"
        )
    for one in (own, original):
        white = one.kinds.get("wbc") if one else None
        if one is not None and white is not None and white.difference > WBC_MARGIN:
            reasons.append(
                f"its error of white cells on {one.title} is {white.challenger:.2f} a field, the "
                f"live model's {white.champion:.2f}"
            )
    if original is not None:
        before, after = original.errors.champion, original.errors.challenger
        if after > before * (1 + ERROR_MARGIN):
            reasons.append(
                f"it forgot what was known: on {original.title} its error is {after:.2f} cells a "
                f"field, the live model's {before:.2f}"
            )
    return reasons
