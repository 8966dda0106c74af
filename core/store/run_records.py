"""A training run as stored in the database, and what its state allows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

State = Literal["queued", "running", "paused", "stopped", "failed", "done", "lost", "discarded"]
Request = Literal["pause", "stop", "discard"]

RESUMABLE: Final[frozenset[State]] = frozenset({"paused", "lost", "failed"})
ENDED: Final[frozenset[State]] = frozenset({"done", "stopped", "discarded"})
"""States in which no process works on a run any more, and none will."""

ACTIONS: Final[dict[str, frozenset[State]]] = {
    "pause": frozenset({"queued", "running"}),
    "resume": RESUMABLE,
    "stop": frozenset({"running", *RESUMABLE}),
    "discard": frozenset({"queued", "running", "done", "stopped", *RESUMABLE}),
}
"""Actions of a person, and the states in which each is allowed."""


class TrainingFacts(TypedDict, total=False):
    """What is known of a training before its first epoch.

    ``training``, ``validation`` and ``test`` are the sizes of the parts, ``cells`` and ``kinds``
    how many of each class or kind there are to learn from. A naive answer reaches ``baseline`` of
    the recipe's metric, and ``baseline_title`` says what it is. ``started_from`` says where the
    weights come from, and ``start`` has that model's metrics on the validation part. ``threads``,
    ``torch`` and ``processes`` are those of the first process. ``rehearsal`` says what keeps the
    classes that the starting model knows.
    """

    training: int
    validation: int
    test: int
    cells: Mapping[str, int]
    kinds: Mapping[str, int]
    baseline: float
    baseline_title: str
    started_from: str
    start: Mapping[str, float]
    threads: int
    torch: str
    processes: int
    rehearsal: str


class RunRefused(ValueError):
    """An action that the run's state does not allow; the message names the run and the reason."""


@dataclass(frozen=True)
class Run:
    """One row of ``runs``; ``folder`` holds its checkpoints, log and model."""

    id: int
    name: str
    recipe: str
    title: str
    folder: str
    data: str
    data_sha256: str | None
    settings: Mapping[str, Any]
    options: Mapping[str, Any]
    seed: int
    code_version: str
    device: str | None
    state: State
    request: Request | None
    attempt: int
    process: int | None
    host: str | None
    heartbeat_at: datetime | None
    created_by: str
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: Mapping[str, Any] | None
    facts: TrainingFacts | None
    message: str | None
    model_path: str | None
    model_identity: str | None
    note: str | None = None
    tags: Sequence[str] | None = None

    @property
    def label(self) -> str:
        """Title and number: two runs may have one title."""
        return f"{self.title} #{self.id}"

    def allows(self, action: str) -> bool:
        """Whether ``pause``, ``resume``, ``stop`` or ``discard`` is allowed now."""
        return self.state in ACTIONS[action]


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch. ``examples`` is the number learnt from, 0 if not recorded."""

    number: int
    train_loss: float
    metrics: Mapping[str, float]
    learning_rate: float
    seconds: float
    examples: int = 0

    @property
    def rank(self) -> tuple[float, float]:
        """The best epoch has the greatest: by score, and of equal scores by the lower loss."""
        return self.metrics["score"], -self.metrics.get("loss", math.inf)


@dataclass(frozen=True)
class RunEvent:
    """One change of a run's state."""

    at: datetime
    was: State | None
    became: State
    who: str
    detail: str
