"""A challenger and the live model on the same locked test sets: what the evidence is made from."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.files import sha256_of
from core.models import registry
from core.models.registry import Task
from core.models.weights import LoadedModel, load_model
from core.settings import ROOT
from core.store.runs import Run
from core.training.promote import locked_sets
from core.training.promote.compare_cells import on_cells
from core.training.promote.compare_counts import on_fields
from core.training.promote.comparisons import task_of
from core.training.promote.evidence import Compared, Comparison, PromotionRefused
from core.training.promote.locked_sets import LockedSet
from core.training.runs.lifecycle import code_version, folder_of

MODEL_FILES: Final = (".extras.safetensors", ".extras.json", ".safetensors", ".onnx", ".json")
"""Files of one model, by suffix. The JSON comes last: its presence marks the set as complete."""

IN_THE_PATH: Final[dict[Task, tuple[Task, ...]]] = {"wbc": ("locator",), "counts": ("locator",)}
"""Task -> the other models that its answers pass through."""

Tell = Callable[[str, str, float], None]
"""Told the title of a set, what is done with it, and the share of all work that is behind."""


def compare(run: Run, tell: Tell = lambda title, words, share: None) -> Comparison:
    """Champion and challenger on the locked sets; takes minutes.

    Raises:
        PromotionRefused: for a run without a model that can be compared, or without a test set.
        TestSetBroken: if pictures of a locked set were changed.
        WeightsRefused: if a model cannot be loaded.
    """
    task = task_of(run)
    kept = folder_of(run) / locked_sets.FILE
    # Asked once: a promotion in the meantime must not change who answers. No field is counted
    # where cells are compared, so a missing count model is no hindrance there.
    locator = registry.live("locator")
    smear = None if task == "wbc" else registry.smear_models()
    champion = registry.live(task)
    challenger = load_model(Path(str(run.model_path)))
    tell("", "reading the locked test sets", 0.0)
    sets: dict[str, LockedSet[Any]] = {}
    for name, file in _files(task, kept).items():
        found = locked_sets.read(file) if task == "wbc" else locked_sets.read_fields(file)
        # A training on the public set keeps the same cells aside that the original set consists of.
        if found.sha256 not in {one.sha256 for one in sets.values()}:
            sets[name] = found
    compared = Compared(_hashes(task, champion, challenger), code_version(), sources_sha256())
    total, behind = sum(len(one.items) for one in sets.values()), 0
    answers: dict[str, Any] = {}
    for name, one in sets.items():
        heard = partial(_pass_on, tell, one, behind, total)
        if smear is None:
            answers[name] = on_cells(one, locator, champion, challenger, heard)
        else:
            answers[name] = on_fields(one, task, smear, challenger, heard)
        behind += len(one.items)
    names = champion.identity, challenger.identity, challenger.path
    rest = answers.get("original"), answers.get("external_lab")
    return Comparison(task, *names, compared, answers["own"], *rest)


def _pass_on(
    tell: Tell,
    one: LockedSet[Any],
    behind: int,
    total: int,
    words: str,
    done: int,
    of: int,
) -> None:
    tell(one.title, words, (behind + len(one.items) * done / max(1, of)) / max(1, total))


def _files(task: Task, kept: Path) -> dict[str, Path]:
    """Name -> list of a locked set; the run's own first."""
    what = "cells" if task == "wbc" else "fields"
    known = locked_sets.original() if task == "wbc" else locked_sets.original_fields()
    if not kept.is_file():
        # The public fields have a test part of their own, which is the same for every run.
        if task == "wbc" or known is None:
            raise PromotionRefused(f"it kept no test {what} aside; train it anew")
        return {"own": known}
    external = locked_sets.laboratory_left_out() if task == "wbc" else None
    each = {"own": kept, "original": known, "external_lab": external}
    return {name: file for name, file in each.items() if file is not None}


def _hashes(
    task: Task, champion: LoadedModel, challenger: LoadedModel
) -> dict[str, dict[str, str]]:
    others = {
        str(other): file_hashes(registry.live(other).path) for other in IN_THE_PATH.get(task, ())
    }
    both = {"champion": champion, "challenger": challenger}
    return {**{name: file_hashes(model.path) for name, model in both.items()}, **others}


def file_hashes(weights: Path) -> dict[str, str]:
    """Suffix -> SHA-256 of the files of the model at ``weights``."""
    files = {suffix: weights.with_suffix(suffix) for suffix in MODEL_FILES}
    return {suffix: sha256_of(file) for suffix, file in files.items() if file.is_file()}


def sources_sha256() -> str:
    """Hash of the files of ``core``: a commit does not tell what was changed since."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "core").rglob("*.py")):
        digest.update(file.relative_to(ROOT).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
