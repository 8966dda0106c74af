"""Foundation models of blood cells: networks of others that are fetched, never shipped.

Where one is present its features stand beside those that adapting reads anyway; where none is,
nothing changes. The authors' file is read once with ``weights_only`` (nothing is unpickled that
could run code) and rewritten as safetensors; that copy is what is loaded from then on.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from typing_extensions import TypedDict

from core.files import atomic_path, read_json_as, sha256_of, write_json
from core.models.engine import as_batch
from core.models.foundation_models import FOUNDATION_MODELS, FoundationModel
from core.models.refusal import WeightsRefused
from core.models.vision_transformer import PATCH_PX, POSITIONS, VisionTransformer
from core.records import RgbImage
from core.settings import settings

Array = npt.NDArray[np.float32]
_MEAN: Final = (0.485, 0.456, 0.406)
_STD: Final = (0.229, 0.224, 0.225)
_SIDE: Final = PATCH_PX * POSITIONS
_BATCH: Final = 16
_HEADS: Final = ("dino_head", "ibot_head")
"""Parts of the authors' training that their files hold beside the network."""


class Origin(TypedDict):
    """Beside the weights: where they came from, and the hashes of both files."""

    name: str
    address: str
    licence: str
    citation: str
    source_sha256: str
    sha256: str


@dataclass(frozen=True)
class InstalledFoundation:
    """A network that is present. ``identity`` names the exact file, as a model's does."""

    model: FoundationModel
    path: Path
    sha256: str

    @property
    def identity(self) -> str:
        return f"{self.model.name}@{self.sha256[:8]}"


def foundation_folder() -> Path:
    """Where fetched networks lie."""
    return settings().var / "foundation"


def installed_foundation() -> InstalledFoundation | None:
    """The network that is present; None where none was fetched.

    Raises:
        WeightsRefused: if it is there, and is not the file that was fetched.
    """
    for name, model in FOUNDATION_MODELS.items():
        path = foundation_folder() / f"{name}.safetensors"
        if path.is_file():
            state = path.stat()
            return _checked(model, path, (state.st_mtime_ns, state.st_size))
    return None


@lru_cache(maxsize=4)
def _checked(model: FoundationModel, path: Path, _state: object) -> InstalledFoundation:
    origin = read_json_as(path.with_suffix(".json"), Origin)
    if origin is None or sha256_of(path) != origin["sha256"]:
        raise WeightsRefused(
            f"{path.name} is not the file that was fetched; run python -m core weights fetch "
            f"{model.name} again"
        )
    return InstalledFoundation(model, path, origin["sha256"])


def foundation_features(crops: Sequence[RgbImage], installed: InstalledFoundation) -> Array:
    """Features of crops, ``(N, width)``.

    Raises:
        WeightsRefused: if its file does not fit.
    """
    network = _network(installed)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    rows = []
    with torch.no_grad():
        for start in range(0, len(crops), _BATCH):
            images = torch.from_numpy(as_batch(list(crops[start : start + _BATCH])))
            images = F.interpolate(images, (_SIDE, _SIDE), mode="bilinear", align_corners=False)
            rows.append(network((images - mean) / std).numpy())
    return np.concatenate(rows) if rows else np.zeros((0, installed.model.width), np.float32)


@lru_cache(maxsize=1)
def _network(installed: InstalledFoundation) -> VisionTransformer:
    return _built(installed.model, _read(installed.path), installed.path.name)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsRefused(f"{path.name} cannot be read: {error}") from error


def _built(model: FoundationModel, tensors: Mapping[str, Tensor], file: str) -> VisionTransformer:
    network = VisionTransformer(model.width, model.depth, model.heads)
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise WeightsRefused(
            f"{file} does not hold the network {model.name}: {' '.join(lines[1:3]).strip()}"
        ) from error
    return network.eval()


def install_foundation(model: FoundationModel, source: Path, address: str) -> InstalledFoundation:
    """Rewrite the authors' file as safetensors, with where it came from beside it.

    Args:
        model: what the file must hold.
        source: the authors' ``.pth`` with the teacher's state.
        address: where it was fetched.

    Raises:
        WeightsRefused: if the file holds something else, or what only code could read.
        OSError: if it cannot be written.
    """
    tensors = _teacher(source)
    _built(model, tensors, source.name)
    path = foundation_folder() / f"{model.name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
        temporary.chmod(0o644)
    origin: Origin = {
        "name": model.name,
        "address": address,
        "licence": model.licence,
        "citation": model.citation,
        "source_sha256": sha256_of(source),
        "sha256": sha256_of(path),
    }
    # Write the JSON last: its presence marks the pair as complete.
    write_json(path.with_suffix(".json"), origin, indent=2)
    return InstalledFoundation(model, path, origin["sha256"])


def _teacher(source: Path) -> dict[str, Tensor]:
    """The network's tensors in a file of the authors."""
    try:
        stored = torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(f"{source.name} is no file of plain weights: {first}") from error
    state = stored.get("teacher") if isinstance(stored, dict) else None
    if not isinstance(state, dict):
        raise WeightsRefused(f"{source.name} holds no weights under the name teacher")
    tensors = {
        str(key).removeprefix("backbone."): value
        for key, value in state.items()
        if not any(head in str(key) for head in _HEADS)
    }
    others = [key for key, value in tensors.items() if not isinstance(value, Tensor)]
    if others:
        raise WeightsRefused(f"{source.name} holds {others[0]}, which is no tensor")
    return {key: value.float() for key, value in tensors.items()}
