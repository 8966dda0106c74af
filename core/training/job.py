"""A training ready to start, and the model it begins with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from torch import nn

from core.files import copy_atomically
from core.models import registry
from core.models.weights import LoadedModel, load_model
from core.store.run_records import TrainingFacts
from core.training.loop.recipe import Recipe


@dataclass(frozen=True)
class PreparedTraining:
    """A training ready to start.

    ``facts`` are what a screen shows beside the curves. ``export`` makes the model of a trained
    network at a path.
    """

    recipe: Recipe
    data_sha256: str
    facts: TrainingFacts
    export: Callable[[nn.Module, Path], LoadedModel]


def in_words(error: BaseException) -> str:
    """Why a training could not go on, as a sentence for whoever started it."""
    if isinstance(error, URLError):
        return (
            f"ImageNet's weights are not on this computer and could not be fetched "
            f"({error.reason}); begin with the live model, or connect to the internet once"
        )
    return str(error) or type(error).__name__


def start_model(task: registry.Task, choice: str, folder: Path) -> LoadedModel | None:
    """The model to go on from, copied into the folder: another may be live when it resumes."""
    if choice != "live":
        return None
    copy = folder / "start" / f"{task}.safetensors"
    if not copy.with_suffix(".json").is_file():
        live = registry.live(task)
        copy.parent.mkdir(parents=True, exist_ok=True)
        # What was fitted on its features goes along: a training may rehearse the cells in it.
        fitted = (".extras.safetensors", ".extras.json")
        # Copy the JSON last: its presence marks the files as complete.
        for suffix in (".safetensors", ".onnx", *fitted, ".json"):
            if suffix not in fitted or live.path.with_suffix(suffix).is_file():
                copy_atomically(live.path.with_suffix(suffix), copy.with_suffix(suffix))
    return load_model(copy)
