"""A challenger goes live only when it has shown to be better than the champion.

Both answer the same locked test sets, through the product's own path. The rule is written in
``evidence.py``; people decide within it, with a reason, and can roll back.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

from core.models import registry
from core.models.registry import Task
from core.models.weights import load_model
from core.review.people import Person
from core.review.rights import require
from core.settings import settings
from core.store.database import database
from core.store.promotions import Promotion, PromotionBook
from core.store.runs import Run
from core.training import locked_sets
from core.training.compare_cells import on_cells
from core.training.compare_counts import on_fields
from core.training.evidence import (
    Comparison,
    OnFields,
    OnOneSet,
    PromotionRefused,
    objections,
)
from core.training.runs import folder_of

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
    "settle",
]

TASK_OF: Final[dict[str, Task]] = {"wbc": "wbc", "locator": "locator", "regression": "counts"}
"""Recipe -> task of the model it makes."""

TASKS: Final[tuple[Task, ...]] = ("wbc", "locator", "counts")
"""Those whose models can be compared and promoted."""


def compare(run: Run, report: Callable[[str], None] = lambda _: None) -> Comparison:
    """Champion and challenger on the locked sets; takes a while. ``report`` hears each set.

    Raises:
        PromotionRefused: for a run without a model that can be compared, or without a test set.
        TestSetBroken: if pictures of a locked set were changed.
        WeightsRefused: if a model cannot be loaded.
    """
    task = TASK_OF.get(run.recipe)
    if task is None or not run.model_path:
        raise PromotionRefused(f"run {run.label} made no model that can be compared")
    kept = folder_of(run) / locked_sets.FILE
    champion, challenger = registry.live(task), load_model(Path(run.model_path))
    names = champion.identity, challenger.identity, challenger.path
    if task != "wbc":
        known = locked_sets.original_fields()
        file = kept if kept.is_file() else known
        if file is None:
            raise PromotionRefused(f"run {run.label} kept no test fields aside; train it anew")
        counted = on_fields(file, task, champion, challenger)
        before = on_fields(known, task, champion, challenger) if known and file != known else None
        return Comparison(task, *names, counted, before)
    if not kept.is_file():
        raise PromotionRefused(f"run {run.label} kept no test cells aside; train it anew")
    own = on_cells(kept, champion, challenger, report)
    known, other = locked_sets.original(), locked_sets.laboratory_left_out()
    original = on_cells(known, champion, challenger, report) if known else None
    if original is not None and original.sha256 == own.sha256:
        original = None
    elsewhere = on_cells(other, champion, challenger, report) if other else None
    return Comparison("wbc", *names, own, original, elsewhere)


def promote(comparison: Comparison, *, who: Person, reason: str) -> None:
    """Make the challenger the live model; the app serves it from its next answer on.

    Raises:
        PromotionRefused: if the evidence speaks against it, or no reason is given.
        StalePromotion: if another model went live since the comparison.
        NotAllowed: if ``who`` may not make a model live.
    """
    require(who, "promote")
    if comparison.objections:
        raise PromotionRefused("; ".join(comparison.objections))
    if registry.live(comparison.task).identity != comparison.champion:
        raise PromotionRefused("another model is live since the comparison; compare again")
    reason = _reason(reason)
    source = comparison.challenger_file
    target = settings().var / registry.MODELS / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    # What was fitted on the network's features goes with it, the model's sidecar comes last: it
    # stands for all of them.
    for suffix in (".extras.safetensors", ".extras.json", ".safetensors", ".onnx", ".json"):
        if source.with_suffix(suffix).is_file():
            temporary = target.with_suffix(".writing")
            shutil.copyfile(source.with_suffix(suffix), temporary)
            temporary.replace(target.with_suffix(suffix))
    if load_model(target).identity != comparison.challenger:
        raise PromotionRefused("the model's file was changed since the comparison; compare again")
    sets = {"own": comparison.own, "original": comparison.original}
    sets["elsewhere"] = comparison.elsewhere
    _record(
        comparison.task,
        action="promote",
        was=comparison.champion,
        became=comparison.challenger,
        file=target.name,
        who=who.name,
        reason=reason,
        evidence={name: asdict(one) for name, one in sets.items() if one is not None},
    )


def roll_back(task: Task = "wbc", *, who: Person, reason: str) -> str:
    """Make the model live that was before the present one; returns its identity.

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


def settle() -> None:
    """Bring the file that says what is live in step with the database, which is what counts."""
    for task in TASKS:
        changes = history(task)
        if changes and registry.promoted(task) != changes[0].file:
            registry.set_live(task, changes[0].file)


def _reason(reason: str) -> str:
    if len(reason.strip()) < 5:
        raise PromotionRefused("a reason is needed, in a few words: it is kept for good")
    return reason.strip()
