"""The live model of each task. Every model is loaded once in a process.

``var/models/live.json`` names the promoted model of a task; without one the shipped model answers.
Pages, commands and workers load the models once for each request and pass them on, so a promotion
takes effect at the next request without a restart, and never in the middle of one.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from core.files import read_json, write_json
from core.models.cards import (
    Card,
    CountCard,
    LocatorCard,
    PalmCard,
    RedCellCard,
    WhiteCellCard,
)
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel, WeightsRefused, load_model
from core.settings import settings

Task = Literal["locator", "wbc", "counts", "palm", "red_cells"]
TASKS: tuple[Task, ...] = ("locator", "wbc", "counts")
OTHER_TASKS: tuple[Task, ...] = ("palm", "red_cells")
"""Tasks whose models a smear can be read without."""
MODELS: Final = "models"
_CARDS: Final[dict[Task, type[Card]]] = {
    "locator": LocatorCard,
    "wbc": WhiteCellCard,
    "counts": CountCard,
    "palm": PalmCard,
    "red_cells": RedCellCard,
}


def live(task: Task) -> LoadedModel:
    """The model in use for a task.

    Raises:
        WeightsRefused: if its files are missing, not what their card says, or of another task.
    """
    name = promoted(task)
    if name is not None:
        model = _load(settings().var / MODELS / name)
    else:
        model = _load(settings().weights / f"{task}.safetensors")
    model.card_as(_CARDS[task])
    return model


def smear_models() -> SmearModels:
    """The live models that read a smear.

    Raises:
        WeightsRefused: if one of them is missing or damaged.
    """
    return SmearModels(live("locator"), live("wbc"), live("counts"), red_cells())


def red_cells() -> LoadedModel | None:
    """The live model of red-cell shapes; None where it is turned off, or was never installed.

    Raises:
        WeightsRefused: if it is there and damaged.
    """
    if not settings().red_cell_shapes:
        return None
    shipped = settings().weights / "red_cells.json"
    if promoted("red_cells") is None and not shipped.is_file():
        return None
    return live("red_cells")


def smear_models_named(
    locator: str, white_cells: str, counts: str, red_cells: str = ""
) -> SmearModels:
    """The models of these identities, live or not: those that made an earlier finding.

    ``red_cells`` is empty for a finding without shapes of red cells.

    Raises:
        WeightsRefused: if one of them is no longer here.
    """
    shapes = named(red_cells) if red_cells else None
    return SmearModels(named(locator), named(white_cells), named(counts), shapes)


def named(identity: str) -> LoadedModel:
    """The model of that identity (``name@hash``), live or not.

    Raises:
        WeightsRefused: if no such file is here any more.
    """
    name = identity.rpartition("@")[0]
    for folder in (settings().weights, settings().var / MODELS):
        file = folder / f"{name}.safetensors"
        # Only a plain name: an identity must not lead anywhere else.
        if name and Path(name).name == name and file.is_file():
            model = _load(file)
            if model.identity == identity:
                return model
    raise WeightsRefused(f"the model {identity} is not here any more")


def promoted(task: Task) -> str | None:
    """File in ``var/models`` of the promoted model; None where the shipped one is live.

    Raises:
        WeightsRefused: if the file that says so cannot be read.
    """
    file = settings().var / MODELS / "live.json"
    try:
        now = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WeightsRefused(f"{file} cannot be read ({error.strerror})") from error
    # Two changes within one tick of the clock still differ in the file's number.
    name = _names(file, (now.st_mtime_ns, now.st_ino, now.st_size)).get(task)
    # Only a plain name: the file must not lead anywhere else.
    if name is not None and Path(name).name != name:
        raise WeightsRefused(f"{file} names {name!r}, which is not a file beside it")
    return name


def set_live(task: Task, name: str | None) -> None:
    """Name the promoted model of a task, or None for the shipped one; atomically."""
    file = settings().var / MODELS / "live.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, {**(read_json(file) or {}), task: name})


@lru_cache(maxsize=8)
def _names(file: Path, _state: tuple[int, int, int]) -> dict[str, str | None]:
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise WeightsRefused(f"{file} does not say which models are live ({error})") from error


def load(path: Path) -> LoadedModel:
    """The model of a file, loaded once in a process. Raises WeightsRefused."""
    return _load(path)


@lru_cache(maxsize=8)
def _load(path: Path) -> LoadedModel:
    return load_model(path)
