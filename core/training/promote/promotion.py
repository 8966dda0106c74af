"""Promotion: a challenger goes live only when it has shown to be better than the champion.

Both predict the same locked test sets, through the product's own path. The rule is in
``evidence.py``; within it a person decides, gives a reason, and can roll back.
"""

import json
from typing import Any, Final, cast

from core.access.people import Person
from core.access.rights import require
from core.files import copy_atomically
from core.models import registry
from core.models.cards import ModelCard, WhiteCellCard
from core.models.registry import Task
from core.models.weights import load_model
from core.settings import settings
from core.site_classes import ReaderClass
from core.store.database import database
from core.store.promotions import Promotion, PromotionBook
from core.taxonomy import add_classes, reader_classes
from core.training.promote.bar import gains, site_bar
from core.training.promote.compare import IN_THE_PATH, MODEL_FILES, compare, file_hashes
from core.training.promote.evidence import (
    Comparison,
    OnFields,
    OnOneSet,
    PromotionRefused,
    objections,
)

__all__ = [
    "TASKS",
    "Comparison",
    "OnFields",
    "OnOneSet",
    "PromotionRefused",
    "before",
    "compare",
    "history",
    "objections",
    "promote",
    "roll_back",
    "still_holds",
    "sync_live",
]

TASKS: Final[tuple[Task, ...]] = ("wbc", "locator", "counts")
"""Tasks whose models can be compared and promoted."""


def still_holds(comparison: Comparison) -> None:
    """Check that champion, challenger and the models in their path are still those compared.

    Raises:
        PromotionRefused: if not, with what changed.
        WeightsRefused: if the live model cannot be loaded.
    """
    task, was = comparison.task, comparison.compared.models
    live = registry.live(task)
    if live.identity != comparison.champion:
        raise PromotionRefused("another model is live since the comparison; compare again")
    now = {"champion": live.path, "challenger": comparison.challenger_file}
    now |= {other: registry.live(other).path for other in IN_THE_PATH.get(task, ())}
    titles = {"champion": "the live model", "challenger": "the challenger"}
    for name, path in now.items():
        if was.get(name) != file_hashes(path):
            which = titles.get(name, f"the {name} in their path")
            raise PromotionRefused(f"{which} was changed since the comparison; compare again")


def promote(comparison: Comparison, *, who: Person, reason: str, override: str = "") -> None:
    """Make the challenger the live model; the app uses it from the next request on.

    Args:
        override: why it goes live although it falls in another laboratory; kept with the reason.

    Raises:
        PromotionRefused: if the evidence speaks against it, a model is not the one compared any
            more, or no reason is given.
        StalePromotion: if another model went live since the comparison.
        NotAllowed: if ``who`` may not make a model live.
    """
    require(who, "promote")
    if comparison.objections:
        raise PromotionRefused("; ".join(comparison.objections))
    fall = comparison.external_fall
    if fall and len(override.strip()) < 5:
        raise PromotionRefused(f"{fall}; say why it goes live all the same")
    still_holds(comparison)
    reason = _reason(reason)
    if fall:
        reason = f"{reason}; although {fall}: {override.strip()}"
    source = comparison.challenger_file
    target = settings().var / registry.MODELS / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in MODEL_FILES:
        if source.with_suffix(suffix).is_file():
            copy_atomically(source.with_suffix(suffix), target.with_suffix(suffix))
    if file_hashes(target) != comparison.compared.models["challenger"]:
        raise PromotionRefused("the model's file was changed since the comparison; compare again")
    _take_classes(load_model(target).card)
    evidence = comparison.as_json()
    if isinstance(comparison.own, OnOneSet) and site_bar().kind != "superior":
        gained = "; ".join(gains(comparison.own))
        reason = f"{reason}. {site_bar().words} Gained: {gained}"
    _record(
        comparison.task,
        action="promote",
        was=comparison.champion,
        became=comparison.challenger,
        file=target.name,
        who=who.name,
        reason=reason,
        evidence={name: evidence[name] for name in ("compared", *comparison.sets)},
    )


def _take_classes(card: ModelCard) -> None:
    """The classes of its own that a model tells become this installation's, before it answers.

    Raises:
        PromotionRefused: if one of them is something else here.
    """
    if not isinstance(card, WhiteCellCard):
        return
    known = {one.label for one in reader_classes()}
    new = [
        ReaderClass(
            label=one.label,
            title=one.title,
            key="",
            model_class=one.parent or None,
            critical=one.critical,
            leukocyte=one.leukocyte,
            code=one.code,
            code_system=one.code_system,
            learnt=True,
        )
        for one in card.own_classes
        if one.label not in known
    ]
    try:
        add_classes(new)
    except ValueError as error:
        raise PromotionRefused(f"its own classes do not fit those of this site: {error}") from error


def roll_back(task: Task = "wbc", *, who: Person, reason: str) -> str:
    """Make the previous model live again; returns its identity.

    Raises:
        PromotionRefused: if there was none, or no reason is given.
        NotAllowed: if ``who`` may not make a model live.
    """
    require(who, "promote")
    reason = _reason(reason)
    back = before(task)
    if back is None:
        raise PromotionRefused("the shipped model is live; there is none before it")
    file, identity = back
    _record(
        task,
        action="roll_back",
        was=registry.live(task).identity,
        became=identity,
        file=file,
        who=who.name,
        reason=reason,
        evidence=None,
    )
    return identity


def before(task: Task = "wbc") -> tuple[str | None, str] | None:
    """File (None for the shipped one) and identity of the model a roll-back leads to."""
    stack: list[tuple[str | None, str]] = []
    for change in reversed(history(task)):
        if change.action == "promote":
            if not stack:
                stack.append((None, change.was))
            stack.append((change.file, change.became))
        elif len(stack) > 1:
            stack.pop()
    return stack[-2] if len(stack) > 1 else None


def history(task: Task = "wbc") -> list[Promotion]:
    """Every promotion and roll-back of a task's model, newest first."""
    return PromotionBook(database()).history(task)


def _record(task: Task, **values: Any) -> None:
    plain = json.loads(json.dumps(values.pop("evidence")))
    PromotionBook(database()).add(task=task, evidence=plain, **values)
    registry.set_live(task, cast(str | None, values["file"]))


def sync_live() -> None:
    """Write the live models of the database, which is authoritative, into the file that is read."""
    for task in TASKS:
        changes = history(task)
        if changes and registry.promoted(task) != changes[0].file:
            registry.set_live(task, changes[0].file)


def _reason(reason: str) -> str:
    if len(reason.strip()) < 5:
        raise PromotionRefused("a reason is needed, in a few words: it is kept for good")
    return reason.strip()
