"""Models on disk: ``NAME.safetensors`` and ``NAME.json`` beside it. Nothing is unpickled.

``NAME.onnx`` is the same model for ONNX Runtime, made from the stored weights when they are saved.
What the JSON file says is typed in :mod:`core.models.cards`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from core.files import atomic_path, sha256_of, write_json
from core.models.cards import (
    Architecture,
    CellClassifierArchitecture,
    CountRegressorArchitecture,
    DensityCounterArchitecture,
    LocatorArchitecture,
    ModelCard,
    PalmClassifierArchitecture,
    PalmCnnArchitecture,
    RedCellArchitecture,
    read_model_card,
)
from core.models.cards.model_card import FORMAT
from core.models.classifier import CellClassifier
from core.models.density import DensityCounter
from core.models.locator import Locator
from core.models.onnx_files.export import export_onnx, metadata_of
from core.models.palm_classifier import PalmClassifier
from core.models.paper_palm_cnn import PaperPalmCnn
from core.models.red_cell import RedCellClassifier
from core.models.refusal import WeightsRefused as WeightsRefused
from core.models.regressor import CountRegressor

C = TypeVar("C", bound=ModelCard)


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run, and its card. ``sha256`` is the hash of the weights file."""

    name: str
    module: nn.Module
    card: ModelCard
    sha256: str
    path: Path

    @property
    def identity(self) -> str:
        """Name and hash, exact enough to find the file again: ``locator-1@3f2a9c01``."""
        return f"{self.name}@{self.sha256[:8]}"

    def card_as(self, kind: type[C]) -> C:
        """The card, where it is of this kind.

        Raises:
            WeightsRefused: for a model of another kind.
        """
        if not isinstance(self.card, kind):
            wanted = kind.model_fields["task"].default
            raise WeightsRefused(
                f"{self.path.stem}.json describes a model for the task {self.card.task}; "
                f"a model for the task {wanted} is needed here"
            )
        return self.card


def _cell_classifier(architecture: CellClassifierArchitecture) -> nn.Module:
    return CellClassifier(
        architecture.classes, architecture.backbone, network_px=architecture.network_px
    )


def _count_regressor(architecture: CountRegressorArchitecture) -> nn.Module:
    return CountRegressor(architecture.backbone, architecture.hidden)


# Each builder takes the class it stands beside, which the type of a dictionary cannot express.
_BUILDERS: Final[dict[type[Architecture], Callable[[Any], nn.Module]]] = {
    LocatorArchitecture: lambda architecture: Locator(width=architecture.width),
    CellClassifierArchitecture: _cell_classifier,
    DensityCounterArchitecture: lambda architecture: DensityCounter(width=architecture.width),
    CountRegressorArchitecture: _count_regressor,
    PalmClassifierArchitecture: lambda architecture: PalmClassifier(
        architecture.heads, architecture.novelty_rank
    ),
    PalmCnnArchitecture: lambda architecture: PaperPalmCnn(
        (architecture.width, architecture.height)
    ),
    RedCellArchitecture: lambda architecture: RedCellClassifier(architecture.classes),
}


def build(architecture: Architecture) -> nn.Module:
    """An untrained model from a card's ``architecture``."""
    return _BUILDERS[type(architecture)](architecture)


def save_model(path: Path, module: nn.Module, card: ModelCard, half: bool = True) -> LoadedModel:
    """Write weights and card; ``path`` ends in ``.safetensors``, its stem is the name.

    With ``half`` floating-point tensors are stored in half precision, which halves the file. Name
    and hashes of ``card`` are those of the new files, whatever they were before.
    """
    tensors = {
        key: (value.half() if half and value.dtype == torch.float32 else value).contiguous()
        for key, value in module.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary)
        temporary.chmod(0o644)
    # Exported from what was stored, so that rounding to half precision is in both.
    stored = build(card.architecture)
    stored.load_state_dict(_read_tensors(path))
    onnx_file = path.with_suffix(".onnx")
    export_onnx(stored, onnx_file, metadata_of(card))
    hashes = {"sha256": sha256_of(path), "onnx_sha256": sha256_of(onnx_file)}
    write_card(path, card.model_copy(update=hashes))
    return load_model(path)


def write_card(path: Path, card: ModelCard) -> None:
    """Write the card of the model at ``path``, which ends in ``.safetensors``."""
    # Set here, so that they stand in the file even where nobody gave them.
    named = card.model_copy(
        update={
            "format": FORMAT,
            "name": path.stem,
            "task": card.task,
            "preprocessing": card.preprocessing,
        }
    )
    write_json(path.with_suffix(".json"), named.as_json(), indent=2)


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    return {
        key: value.float() if value.is_floating_point() else value
        for key, value in load_file(path).items()
    }


def load_model(path: Path) -> LoadedModel:
    """A model in single precision and evaluation mode.

    Raises:
        WeightsRefused: for a missing or wrong card, a hash that does not match, or tensors that do
            not fit.
    """
    sidecar = path.with_suffix(".json")
    if not path.is_file() or not sidecar.is_file():
        raise WeightsRefused(
            f"{path.name} needs both {path.name} and {sidecar.name} in {path.parent}"
        )
    card = read_model_card(sidecar)
    for file, expected in (
        (path, card.sha256),
        (path.with_suffix(".onnx"), card.onnx_sha256),
    ):
        actual = sha256_of(file) if file.is_file() else "no such file"
        if actual != expected:
            raise WeightsRefused(
                f"{file.name} is not the file its sidecar describes "
                f"({actual[:12]}, expected {expected[:12]}); restore all three from the release"
            )
    try:
        module = build(card.architecture)
        tensors = _read_tensors(path)
        module.load_state_dict(tensors)
    except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise WeightsRefused(f"{path.name} does not fit its architecture: {error}") from error
    wrong = [name for name, value in tensors.items() if not bool(torch.isfinite(value).all())]
    if wrong:
        # The ONNX graph beside it may be sound: the two would answer differently.
        raise WeightsRefused(
            f"{path.name} holds numbers that are none (NaN or infinite), the first in {wrong[0]}; "
            "restore all three from the release"
        )
    return LoadedModel(card.name, module.eval(), card, card.sha256, path)
