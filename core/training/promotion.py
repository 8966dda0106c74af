"""A challenger goes live only when it has shown to be better than the champion.

Both answer the same locked test set. The rule is written in :func:`objections`; people decide
within it, with a reason, and can roll back.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.pbc import LabelledCell
from core.evaluation.calibration import as_probabilities, expected_calibration_error
from core.evaluation.paired import PairedDifference, paired_accuracy
from core.models import registry
from core.models.engine import as_batch, engine_for
from core.models.weights import LoadedModel, load_model
from core.settings import settings
from core.store.database import database
from core.store.promotions import Promotion, PromotionBook
from core.store.runs import Run
from core.taxonomy import CRITICAL_CLASSES, title
from core.training import locked_sets
from core.training.runs import folder_of
from core.training.wbc import centre_crop

LEVEL: Final = 0.05
MARGIN: Final = 0.02
"""Recall of a critical class, and accuracy on the original data, that may be lost at most."""


class PromotionRefused(ValueError):
    """A model that does not go live; the message says why."""


@dataclass(frozen=True)
class OnOneSet:
    """Both models on one test set; recalls are (champion, challenger), of classes in the set."""

    title: str
    sha256: str
    accuracy: PairedDifference
    champion: float
    challenger: float
    recalls: dict[str, tuple[float, float, int]]
    calibration: tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """The evidence: on the run's own test part, and on the original data if it is there."""

    task: str
    champion: str
    challenger: str
    challenger_file: Path
    own: OnOneSet
    original: OnOneSet | None

    @property
    def objections(self) -> tuple[str, ...]:
        """Why the challenger may not go live; empty if it may."""
        return tuple(objections(self.own, self.original))


def objections(own: OnOneSet, original: OnOneSet | None) -> list[str]:
    """The rule: better beyond chance, nothing critical lost, the original data not forgotten."""
    found = []
    better = own.accuracy
    if better.difference <= 0 or better.p >= LEVEL:
        found.append(
            f"it has not shown to be better on {own.title}: of {better.items} cells it alone got "
            f"{better.only_challenger} right, the live model alone {better.only_champion} "
            f"(p = {better.p:.2g}, needed is less than {LEVEL:g})"
        )
    for one in (own, original):
        for name in sorted(CRITICAL_CLASSES & (one.recalls.keys() if one else set())):
            before, after, cells = one.recalls[name] if one else (0.0, 0.0, 0)
            if before - after > MARGIN:
                where = one.title if one else ""
                found.append(
                    f"of the {cells} critical cells {title(name).lower()} in {where} it finds "
                    f"{after:.0%}, the live model {before:.0%}"
                )
    if original is not None and original.champion - original.challenger > MARGIN:
        found.append(
            f"it forgot what was known: on {original.title} it is right in "
            f"{original.challenger:.1%}, the live model in {original.champion:.1%}"
        )
    return found


def compare(run: Run) -> Comparison:
    """Champion and challenger on the locked sets; takes a while.

    Raises:
        PromotionRefused: for a run without a white-cell model or without a test set.
        TestSetBroken: if pictures of a locked set were changed.
        WeightsRefused: if a model cannot be loaded.
    """
    if run.recipe != "wbc" or not run.model_path:
        raise PromotionRefused(f"run {run.label} made no model of white cells to compare")
    file = folder_of(run) / locked_sets.FILE
    if not file.is_file():
        raise PromotionRefused(f"run {run.label} kept no test cells aside; train it anew")
    champion, challenger = registry.live("wbc"), load_model(Path(run.model_path))
    own = _on_one_set(file, champion, challenger)
    known = locked_sets.original()
    original = _on_one_set(known, champion, challenger) if known else None
    if original is not None and original.sha256 == own.sha256:
        original = None
    return Comparison("wbc", champion.identity, challenger.identity, challenger.path, own, original)


def _on_one_set(file: Path, champion: LoadedModel, challenger: LoadedModel) -> OnOneSet:
    name, cells, sha256 = locked_sets.read(file)
    if not cells:
        raise PromotionRefused(f"the test set {name} is empty")
    truth = np.array([str(cell.label) for cell in cells])
    said = [_answers(model, cells) for model in (champion, challenger)]
    right = [answers == truth for answers, _ in said]
    recalls = {
        str(label): (
            float(right[0][truth == label].mean()),
            float(right[1][truth == label].mean()),
            int((truth == label).sum()),
        )
        for label in np.unique(truth)
    }
    gaps = [_calibration(top, hits) for (_, top), hits in zip(said, right, strict=True)]
    return OnOneSet(
        title=name,
        sha256=sha256,
        accuracy=paired_accuracy(right[0], right[1]),
        champion=float(right[0].mean()),
        challenger=float(right[1].mean()),
        recalls=recalls,
        calibration=(gaps[0], gaps[1]),
    )


def _answers(
    model: LoadedModel, cells: Sequence[LabelledCell]
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    """Class and its probability for the middle of each picture, as the training cuts it."""
    engine, classes = engine_for(model), np.array(model.card["architecture"]["classes"])
    rows = []
    for start in range(0, len(cells), 64):
        crops = [centre_crop(read_rgb(cell.path)) for cell in cells[start : start + 64]]
        logits = engine(as_batch(crops))[0]
        rows.append(as_probabilities(logits, float(model.card["temperature"])))
    said = np.concatenate(rows)
    return classes[said.argmax(axis=1)], said.max(axis=1)


def _calibration(top: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error of top answers, by a two-class table: right or not."""
    table = np.stack([top, -np.ones_like(top)], axis=1)
    return expected_calibration_error(table, np.where(hits, 0, 1))


def promote(comparison: Comparison, *, who: str, reason: str) -> None:
    """Make the challenger the live model; the app serves it from its next answer on.

    Raises:
        PromotionRefused: if the evidence speaks against it, or no reason is given.
        StalePromotion: if another model went live since the comparison.
    """
    if comparison.objections:
        raise PromotionRefused("; ".join(comparison.objections))
    if registry.live("wbc").identity != comparison.champion:
        raise PromotionRefused("another model is live since the comparison; compare again")
    reason = _reason(reason)
    target = settings().var / registry.MODELS / comparison.challenger_file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    # The sidecar last: it stands for all three.
    for suffix in (".safetensors", ".onnx", ".json"):
        temporary = target.with_suffix(".writing")
        shutil.copyfile(comparison.challenger_file.with_suffix(suffix), temporary)
        temporary.replace(target.with_suffix(suffix))
    if load_model(target).identity != comparison.challenger:
        raise PromotionRefused("the model's file was changed since the comparison; compare again")
    evidence = {"own": asdict(comparison.own)}
    if comparison.original is not None:
        evidence["original"] = asdict(comparison.original)
    _record(
        "promote", comparison.champion, comparison.challenger, target.name, who, reason, evidence
    )


def roll_back(*, who: str, reason: str) -> str:
    """Make the model live that was before the present one; returns its identity.

    Raises:
        PromotionRefused: if there was none, or no reason is given.
    """
    reason = _reason(reason)
    back = before()
    if back is None:
        raise PromotionRefused("the shipped model is live; there is none before it")
    file, identity = back
    _record("roll_back", registry.live("wbc").identity, identity, file, who, reason, None)
    return identity


def before() -> tuple[str | None, str] | None:
    """File (None for the shipped one) and identity of the model a roll-back leads to."""
    stack: list[tuple[str | None, str]] = []
    for change in reversed(history()):
        if change.action == "promote":
            if not stack:
                stack.append((None, change.was))
            stack.append((change.file, change.became))
        elif len(stack) > 1:
            stack.pop()
    return stack[-2] if len(stack) > 1 else None


def history() -> list[Promotion]:
    """Every promotion and roll-back of the white-cell model, newest first."""
    return PromotionBook(database()).history("wbc")


def _record(
    action: str, was: str, became: str, file: str | None, who: str, reason: str, evidence: Any
) -> None:
    plain = json.loads(json.dumps(evidence))
    book = PromotionBook(database())
    book.add(
        task="wbc", action=action, was=was, became=became, file=file, who=who, reason=reason,
        evidence=plain,
    )  # fmt: skip
    registry.set_live("wbc", file)


def settle() -> None:
    """Bring the file that says what is live in step with the database, which is what counts."""
    changes = history()
    if changes and registry.promoted("wbc") != changes[0].file:
        registry.set_live("wbc", changes[0].file)


def _reason(reason: str) -> str:
    if len(reason.strip()) < 5:
        raise PromotionRefused("a reason is needed, in a few words: it is kept for good")
    return reason.strip()
