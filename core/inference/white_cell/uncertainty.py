"""What was fitted on the frozen features of one white-cell network, and lies beside its weights.

``NAME.extras.safetensors`` and ``NAME.extras.json`` hold limits, novelty, attributes and the index
of training cells. They belong to one set of weights: beside any other they are as good as absent,
and the product goes on without them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from core.files import atomic_path, copy_atomically, sha256_of, write_json
from core.models.weights import LoadedModel, WeightsRefused

FORMAT: Final = 1


@dataclass(frozen=True)
class Uncertainty:
    """``card`` is the sidecar, ``tensors`` the arrays by name; both are read only."""

    card: Mapping[str, Any]
    tensors: Mapping[str, npt.NDArray[Any]]


def uncertainty_path(weights: Path) -> Path:
    """File of the extras of the model at ``weights``, which ends in ``.safetensors``."""
    return weights.with_suffix(".extras.safetensors")


def uncertainty_of(model: LoadedModel) -> Uncertainty | None:
    """The extras of a model; None where there are none, or they were fitted to other weights.

    Raises:
        WeightsRefused: if the files are there, and are damaged.
    """
    path = uncertainty_path(model.path)
    try:
        state = path.stat(), path.with_suffix(".json").stat()
    except FileNotFoundError:
        return None
    return _read(path, model.sha256, tuple((one.st_mtime_ns, one.st_size) for one in state))


def save_uncertainty(
    model: LoadedModel, card: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]
) -> Path:
    """Write the extras beside the model; the JSON last: its presence marks both as complete."""
    path = uncertainty_path(model.path)
    with atomic_path(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary)
        temporary.chmod(0o644)
    payload = {
        "format": FORMAT,
        "model": model.name,
        "model_sha256": model.sha256,
        "sha256": sha256_of(path),
        **card,
    }
    write_json(path.with_suffix(".json"), payload, indent=2)
    return path


def copy_uncertainty(source: Path, target: Path) -> None:
    """Take the extras of the weights at ``source`` along to ``target``, if there are any."""
    for suffix in (".safetensors", ".json"):
        file = uncertainty_path(source).with_suffix(suffix)
        if file.is_file():
            copy_atomically(file, uncertainty_path(target).with_suffix(suffix))


@lru_cache(maxsize=8)
def _read(path: Path, model_sha256: str, _state: object) -> Uncertainty | None:
    sidecar = path.with_suffix(".json")
    try:
        card = json.loads(sidecar.read_text(encoding="utf-8"))
        if card["model_sha256"] != model_sha256:
            return None
        version, expected = int(card["format"]), str(card["sha256"])
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsRefused(f"{sidecar.name} does not describe any extras ({error})") from error
    if version > FORMAT:
        raise WeightsRefused(f"{sidecar.name} has format {version}; this version reads {FORMAT}")
    if sha256_of(path) != expected:
        raise WeightsRefused(
            f"{path.name} is not the file its sidecar describes; restore both from the release, "
            "or run python -m core fit-uncertainty"
        )
    return Uncertainty(card, load_file(path))
