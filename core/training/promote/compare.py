"""A challenger and the live model on the same locked test sets: what the evidence is made from."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.datasets.public.pbc import LabelledCell
from core.files import sha256_of
from core.models import registry
from core.models.cards import CellData, ModelCard, WhiteCellCard
from core.models.registry import Task
from core.models.weights import LoadedModel, WeightsRefused, load_model
from core.settings import ROOT
from core.store.runs import Run
from core.training.promote import locked_sets
from core.training.promote.compare_cells import on_cells, on_folds
from core.training.promote.compare_counts import on_fields
from core.training.promote.comparisons import task_of
from core.training.promote.evidence import (
    Compared,
    Comparison,
    OnFields,
    OnOneSet,
    PromotionRefused,
)
from core.training.promote.locked_sets import LockedSet
from core.training.runs.folds import siblings
from core.training.runs.lifecycle import code_version, folder_of

MODEL_FILES: Final = (".extras.safetensors", ".extras.json", ".safetensors", ".onnx", ".json")
"""Files of one model, by suffix. The JSON comes last: its presence marks the set as complete."""

IN_THE_PATH: Final[dict[Task, tuple[Task, ...]]] = {"wbc": ("locator",), "counts": ("locator",)}
"""Task -> the other models that its answers pass through."""

Report = Callable[[str, str, float], None]
"""Called with the title of a set, what is done with it, and the share of all work that is done."""


def compare(run: Run, report: Report = lambda title, words, share: None) -> Comparison:
    """Champion and challenger on the locked sets; takes minutes.

    Raises:
        PromotionRefused: for a run without a model that can be compared, or without a test set.
        TestSetBroken: if pictures of a locked set were changed.
        WeightsRefused: if a model cannot be loaded, or the challenger is of another task.
    """
    task = task_of(run)
    own_file = folder_of(run) / locked_sets.FILE
    # Load the live models once: a promotion in the meantime must not change who answers. No field
    # is counted where cells are compared, so a missing count model does not matter there.
    locator = registry.live("locator")
    smear = None if task == "wbc" else registry.smear_models()
    champion = registry.live(task)
    challenger = load_model(Path(str(run.model_path)))
    challenger.card_as(type(champion.card))
    report("", "reading the locked test sets", 0.0)
    sets: dict[str, LockedSet[Any]] = {}
    for name, file in _files(task, own_file).items():
        candidate = locked_sets.read(file) if task == "wbc" else locked_sets.read_fields(file)
        # A training on the public set locks the same cells that the original set consists of.
        if candidate.sha256 not in {other.sha256 for other in sets.values()}:
            sets[name] = candidate
    folds = _folds(run) if task == "wbc" else []
    hashes = _hashes(task, champion, challenger)
    hashes |= {f"fold {n}": file_hashes(model.path) for n, (_, model) in enumerate(folds, 1)}
    compared = Compared(hashes, code_version(), sources_sha256())
    total, done = sum(len(locked.items) for locked in sets.values()), 0
    results: dict[str, OnOneSet | OnFields] = {}
    for name, locked in sets.items():
        report_set = partial(_report_share, report, locked, done, total)
        if smear is None and name == "own" and folds:
            results[name] = on_folds(folds, locator, champion, report_set)
        elif smear is None:
            results[name] = on_cells(locked, locator, champion, challenger, report_set)
        else:
            results[name] = on_fields(locked, task, smear, challenger, report_set)
        done += len(locked.items)
    external = results.get("external_lab")
    learnt = {
        name: learnt_from(model.card, EXTERNAL_LAB) if external is not None else False
        for name, model in (("champion", champion), ("challenger", challenger))
    }
    assert not isinstance(external, OnFields)  # the external laboratory has cells only
    return Comparison(
        task=task,
        champion=champion.identity,
        challenger=challenger.identity,
        challenger_file=challenger.path,
        compared=compared,
        own=results["own"],
        original=results.get("original"),
        external_lab=external,
        learnt_external=tuple(name for name, known in learnt.items() if known),
        origin_unknown=tuple(name for name, known in learnt.items() if known is None),
    )


EXTERNAL_LAB: Final = "deepbionet"
"""The laboratory of :func:`core.training.promote.locked_sets.laboratory_left_out`."""


def learnt_from(card: ModelCard, laboratory: str) -> bool | None:
    """Do a model's card and those of the models it was adapted from name a laboratory.

    An adapted model knows what the model before it knew, and its own card names the cells of the
    adaptation only.

    Returns:
        True or False; None where no card names it and one of the earlier models is no longer here.
    """
    seen: set[str] = set()
    while True:
        if _names(card, laboratory):
            return True
        before = card.adapted_from if isinstance(card, WhiteCellCard) else None
        if before is None or before in seen:
            return False
        seen.add(before)
        try:
            card = registry.named(before).card
        except WeightsRefused:
            return None


def _names(card: ModelCard, laboratory: str) -> bool:
    """Does this card alone say that the model learnt from cells of a laboratory."""
    data = card.data
    texts = [data.set]
    if isinstance(data, CellData):
        texts += [data.foreign_sets, *(data.laboratories or ()), *data.foreign_cells]
    return any(laboratory in text.lower() for text in texts)


def _report_share(
    report: Report,
    locked: LockedSet[Any],
    done_before: int,
    total: int,
    words: str,
    done: int,
    of: int,
) -> None:
    """Turn the steps of one set into a share of the work on all sets."""
    share = (done_before + len(locked.items) * done / max(1, of)) / max(1, total)
    report(locked.title, words, share)


def _files(task: Task, own: Path) -> dict[str, Path]:
    """Name -> list of a locked set; the run's own first."""
    original = locked_sets.original() if task == "wbc" else locked_sets.original_fields()
    if not own.is_file():
        # The public fields have a test part of their own, which is the same for every run.
        if task == "wbc" or original is None:
            items = "cells" if task == "wbc" else "fields"
            raise PromotionRefused(f"it kept no test {items} aside; train it anew")
        return {"own": original}
    external = locked_sets.laboratory_left_out() if task == "wbc" else None
    each = {"own": own, "original": original, "external_lab": external}
    return {name: file for name, file in each.items() if file is not None}


def _folds(run: Run) -> list[tuple[LockedSet[LabelledCell], LoadedModel]]:
    """Test part and model of every fold, this run's first; empty for a run that is no fold.

    Raises:
        PromotionRefused: if a fold has no model: the others alone would be chosen.
    """
    found = []
    for one in sorted(siblings(run), key=lambda other: other.id != run.id):
        if not one.model_path:
            raise PromotionRefused(
                f"{one.label} has no model: the folds are compared together, so train it first"
            )
        locked = locked_sets.read(folder_of(one) / locked_sets.FILE)
        found.append((locked, load_model(Path(one.model_path))))
    return found


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
