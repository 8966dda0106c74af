"""The bar that a site sets for its white-cell models, and whether a challenger clears it.

With few own test cells hardly any challenger is shown to be better. So a site may ask for less, and
say why: that it is not worse by more than a margin, and gains something that is worth having.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from core.settings import settings
from core.taxonomy import title

if TYPE_CHECKING:
    from core.statistics.paired import PairedDifference  # loads SciPy

LEVEL: Final = 0.05
FOUND: Final = 0.5
"""A class is gained where more than this share of its cells is surely found."""


class OnOwnCells(Protocol):
    """What the bar reads of :class:`core.training.promote.evidence.OnOneSet`."""

    @property
    def title(self) -> str:
        """Of the set."""

    @property
    def accuracy(self) -> "PairedDifference":
        """Both models on the same cells."""

    @property
    def recalls(self) -> Mapping[str, tuple[float, float, int]]:
        """Class -> recall of live model and challenger, and cells."""

    @property
    def asked(self) -> tuple[float, float]:
        """Share of cells left to a person."""

    @property
    def told_by_one(self) -> Mapping[str, str]:
        """Class that only one tells -> ``champion`` or ``challenger``."""


@dataclass(frozen=True)
class Bar:
    """``superior``: better beyond chance. ``not inferior``: surely not worse by ``margin``, a share
    of the cells, and something is gained; ``reason`` says why the site asks for no more.
    """

    kind: Literal["superior", "not inferior"] = "superior"
    margin: float = 0.05
    reason: str = ""

    @property
    def words(self) -> str:
        """The bar as a sentence, for a record and a screen."""
        if self.kind == "superior":
            return "Bar of this site: better beyond chance on the own test cells."
        return (
            f"Bar of this site: at most {100 * self.margin:.0f} points worse on the own test cells "
            f"(95 % certain), and something gained. Reason: {self.reason or 'none is given'}."
        )


def site_bar() -> Bar:
    """The bar of the settings."""
    site = settings()
    return Bar(site.promotion_bar, site.promotion_margin, site.promotion_bar_reason.strip())


def against_bar(own: OnOwnCells, bar: Bar) -> list[str]:
    """Why a challenger does not clear the bar on its own test cells; empty where it does."""
    better = own.accuracy
    if bar.kind == "superior":
        if better.difference > 0 and better.p < LEVEL:
            return []
        return [
            f"it has not shown to be better on {own.title}: of {better.items} cells it alone got "
            f"{better.only_challenger} right, the live model alone {better.only_champion} "
            f"(p = {better.p:.2g}, needed is less than {LEVEL:g})"
        ]
    found = []
    if len(bar.reason) < 5:
        found.append(
            'the bar "not inferior" needs its reason in HEMADESK_PROMOTION_BAR_REASON: it is kept '
            "with the model"
        )
    worst = worst_loss(own)
    if worst > bar.margin:
        found.append(
            f"on the {better.items} cells of {own.title} it may be worse by up to "
            f"{100 * worst:.1f} points, and the margin is {100 * bar.margin:.0f}"
        )
    if not gains(own):
        found.append(
            "it gains nothing: it is not right more often, leaves no fewer cells to a person, and "
            f"surely finds more than {100 * FOUND:.0f} % of no class that is new"
        )
    return found


def worst_loss(own: OnOwnCells) -> float:
    """How much worse the challenger may be, a share of the cells in [-1, 1].

    The upper 97.5 % limit of the share that the live model alone got right, less the lower one of
    the share that the challenger alone did: each exact, so a set of a few cells in which both agree
    proves nothing. Together they are surer than 95 % (Bonferroni).
    """
    from core.statistics.intervals import clopper_pearson  # loads SciPy

    paired = own.accuracy
    lost = clopper_pearson(paired.only_champion, paired.items)
    won = clopper_pearson(paired.only_challenger, paired.items)
    return lost.high - won.low


def gains(own: OnOwnCells) -> list[str]:
    """What a challenger gains on its own test cells, in words."""
    from core.statistics.intervals import clopper_pearson  # loads SciPy

    found = []
    for label, who in own.told_by_one.items():
        _, recall, cells = own.recalls[label]
        if who == "challenger" and clopper_pearson(round(recall * cells), cells).low > FOUND:
            found.append(f"{title(label)}: {round(recall * cells)} of {cells} found")
    if own.accuracy.difference > 0:
        found.append(f"right in {100 * own.accuracy.difference:.1f} points more of the cells")
    if own.asked[1] < own.asked[0]:
        fewer = 100 * (own.asked[0] - own.asked[1])
        found.append(f"{fewer:.1f} points fewer cells left to a person")
    return found
