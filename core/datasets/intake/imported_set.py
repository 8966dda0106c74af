"""What was understood of a folder that somebody brings, whatever kind of set it is."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from core.datasets.skipped import Skipped


class LocatedItem(Protocol):
    """Whatever can be learnt from: it lies in a file."""

    @property
    def path(self) -> Path: ...


Item = TypeVar("Item", bound=LocatedItem)
Report = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Intake(Generic[Item]):
    """What a folder holds.

    ``items`` can be learnt from, each under its label; ``groups`` says which must stay together;
    ``parts`` are their indices for training, validation and test. ``unknown`` are names of the
    folder's own that need a meaning, ``problems`` the reasons why nothing can be trained, empty if
    it can. ``beside``: the public set whose pictures make up validation and test; the first two
    notes then say why. ``group_names`` are what the groups are called, one for each item.
    ``vanished`` are classes of the files of which nothing can be learnt, with the reason.
    ``box_names`` are the classes of a file's boxes as the set calls them.
    """

    root: Path
    items: tuple[Item, ...]
    labels: tuple[str, ...]
    groups: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...]
    grouped_by: str
    skipped: tuple[Skipped, ...]
    duplicates: tuple[tuple[str, ...], ...]
    near_duplicates: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    beside: str = ""
    group_names: tuple[str, ...] = ()
    vanished: tuple[tuple[str, str], ...] = ()
    box_names: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)

    def part(self, number: int) -> list[Item]:
        """Items of training (0), validation (1) or test (2)."""
        return [self.items[i] for i in self.parts[number]]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Label -> items in training, validation and test, in the order labels appear."""
        each = [Counter(self.labels[i] for i in part) for part in self.parts]
        return {name: tuple(count[name] for count in each) for name in dict.fromkeys(self.labels)}

    def sample(self, label: str) -> Item:
        """The first item of a label."""
        return self.items[self.labels.index(label)]
