"""Models on disk: ``NAME.safetensors`` and ``NAME.json`` beside it. Nothing is unpickled.

``NAME.onnx`` is the same model for ONNX Runtime, made from the stored weights when they are saved.

The sidecar holds everything needed to rebuild and to judge the model: architecture, classes, input
scale, thresholds, training data and its hash, seed, metrics with intervals, commit, intended use.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.files import atomic_path, sha256_of, write_json
from core.models.classifier import INPUT_PX, CellClassifier
from core.models.density import DensityCounter
from core.models.locator import Locator
from core.models.onnx_export import export_onnx, metadata_of
from core.models.palm_classifier import PalmClassifier
from core.models.paper_palm_cnn import PaperPalmCnn
from core.models.regressor import CountRegressor

FORMAT: Final = 2


class WeightsRefused(ValueError):
    """A model file that cannot be trusted or understood; the message says which and why."""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run, and its card. ``sha256`` is the hash of the weights file."""

    name: str
    module: nn.Module
    card: dict[str, Any]
    sha256: str
    path: Path

    @property
    def identity(self) -> str:
        """Name and hash, exact enough to find the file again: ``locator-1@3f2a9c01``."""
        return f"{self.name}@{self.sha256[:8]}"


def build(architecture: dict[str, Any]) -> nn.Module:
    """An untrained model from a card's ``architecture``.

    Raises:
        WeightsRefused: for an architecture this version does not know.
    """
    kind = architecture.get("kind")
    if kind == "locator":
        return Locator(width=int(architecture["width"]))
    if kind == "cell_classifier":
        return CellClassifier(
            tuple(architecture["classes"]),
            str(architecture["backbone"]),
            network_px=int(architecture.get("network_px", INPUT_PX)),
        )
    if kind == "density_counter":
        return DensityCounter(width=int(architecture["width"]))
    if kind == "count_regressor":
        return CountRegressor(str(architecture["backbone"]), int(architecture["hidden"]))
    if kind == "palm_classifier":
        return PalmClassifier(int(architecture["heads"]), int(architecture["novelty_rank"]))
    if kind == "palm_cnn":
        return PaperPalmCnn((int(architecture["width"]), int(architecture["height"])))
    raise WeightsRefused(
        f"unknown architecture {kind!r}; this version knows locator, cell_classifier, "
        "density_counter, count_regressor, palm_classifier and palm_cnn"
    )


def save_model(
    path: Path, module: nn.Module, card: dict[str, Any], half: bool = True
) -> LoadedModel:
    """Write weights and sidecar; ``path`` ends in ``.safetensors``, its stem is the name.

    With ``half`` floating-point tensors are stored in half precision, which halves the file.
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
    stored = build(card["architecture"])
    stored.load_state_dict(_read_tensors(path))
    onnx_file = path.with_suffix(".onnx")
    export_onnx(stored, onnx_file, metadata_of(card))
    write_card(path, {"sha256": sha256_of(path), "onnx_sha256": sha256_of(onnx_file), **card})
    return load_model(path)


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write the sidecar of ``path``, which ends in ``.safetensors``."""
    write_json(path.with_suffix(".json"), {"format": FORMAT, "name": path.stem, **card}, indent=2)


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    return {
        key: value.float() if value.is_floating_point() else value
        for key, value in load_file(path).items()
    }


def load_model(path: Path) -> LoadedModel:
    """A model in single precision and evaluation mode.

    Raises:
        WeightsRefused: no sidecar, a hash that does not match, or tensors that do not fit.
    """
    sidecar = path.with_suffix(".json")
    if not path.is_file() or not sidecar.is_file():
        raise WeightsRefused(
            f"{path.name} needs both {path.name} and {sidecar.name} in {path.parent}"
        )
    try:
        read = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:  # neither JSON nor, perhaps, text
        raise WeightsRefused(f"{sidecar.name} is not valid JSON ({error})") from error
    if not isinstance(read, dict) or not isinstance(read.get("architecture", {}), dict | str):
        raise WeightsRefused(f"{sidecar.name} does not describe a model")
    card = upgrade(read)
    for file, expected in (
        (path, card["sha256"]),
        (path.with_suffix(".onnx"), card["onnx_sha256"]),
    ):
        found = sha256_of(file) if file.is_file() else "no such file"
        if found != expected:
            raise WeightsRefused(
                f"{file.name} is not the file its sidecar describes "
                f"({found[:12]}, expected {str(expected)[:12]}); restore all three from the release"
            )
    try:
        module = build(card["architecture"])
        module.load_state_dict(_read_tensors(path))
    except WeightsRefused:
        raise
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise WeightsRefused(f"{path.name} does not fit its architecture: {error}") from error
    return LoadedModel(str(card["name"]), module.eval(), card, str(card["sha256"]), path)


def upgrade(card: dict[str, Any]) -> dict[str, Any]:
    """A sidecar of any earlier form in today's.

    Format 1 (first prototypes) named the architecture by a string and kept ``classes`` beside it.

    Raises:
        WeightsRefused: for a sidecar of a later version.
    """
    version = card.get("format", 1)
    if version > FORMAT:
        raise WeightsRefused(f"the sidecar has format {version}; this version reads up to {FORMAT}")
    if version == 1:
        card = dict(card)
        if isinstance(card.get("architecture"), str):
            kind = card["architecture"]
            card["architecture"] = (
                {"kind": "locator", "width": card.pop("width", 64)}
                if kind == "locator"
                else {"kind": "cell_classifier", "backbone": kind, "classes": card.pop("classes")}
            )
        card["format"] = FORMAT
    missing = {"name", "sha256", "onnx_sha256", "architecture"} - card.keys()
    if missing:
        raise WeightsRefused(f"the sidecar lacks {', '.join(sorted(missing))}")
    return card
