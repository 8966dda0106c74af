"""What was fitted on the frozen features of one white-cell network, and lies beside its weights.

``NAME.extras.safetensors`` and ``NAME.extras.json`` hold limits, novelty, attributes and the index
of training cells. They belong to one set of weights: beside any other they are as good as absent,
and the product goes on without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.files import atomic_path, copy_atomically, sha256_of, write_json
from core.models.cards import UncertaintyCard, read_uncertainty_card
from core.models.cards.uncertainty_card import UNCERTAINTY_FORMAT
from core.models.weights import LoadedModel, WeightsRefused

Arrays = Mapping[str, npt.NDArray[Any]]
"""Arrays by name; their types differ (features are stored in half precision)."""

_ALWAYS: Final = ("axes.mean", "axes.basis", "novelty.means", "novelty.whiten", "novelty.weight")
"""Arrays that every card needs."""


@dataclass(frozen=True)
class Uncertainty:
    """``card`` is the sidecar, ``tensors`` the arrays by name; both are read only."""

    card: UncertaintyCard
    tensors: Arrays


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


def save_uncertainty(model: LoadedModel, card: UncertaintyCard, tensors: Arrays) -> Path:
    """Write arrays and card beside the model; returns the arrays' file.

    Format, model and hashes of ``card`` are those of the new files, whatever they were before.
    """
    path = uncertainty_path(model.path)
    with atomic_path(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary)
        temporary.chmod(0o644)
    owned = {
        "format": UNCERTAINTY_FORMAT,
        "model": model.name,
        "model_sha256": model.sha256,
        "sha256": sha256_of(path),
    }
    # Write the JSON last: its presence marks the pair as complete.
    write_json(path.with_suffix(".json"), card.model_copy(update=owned).as_json(), indent=2)
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
    card = read_uncertainty_card(sidecar, model_sha256)
    if card is None:
        return None
    if sha256_of(path) != card.sha256:
        raise WeightsRefused(
            f"{path.name} is not the file its sidecar describes; restore both from the release, "
            "or run python -m core fit-uncertainty"
        )
    try:
        tensors = load_file(path)
        _check_arrays(card, tensors)
    except (SafetensorError, KeyError, ValueError) as error:
        raise WeightsRefused(
            f"{path.name} does not fit {sidecar.name} ({error}); run python -m core fit-uncertainty"
        ) from error
    return Uncertainty(card, tensors)


def _check_arrays(card: UncertaintyCard, tensors: Arrays) -> None:
    """Every array that the card speaks of is there, with as many rows as the card says.

    Raises:
        KeyError: where an array is missing.
        ValueError: where one has another number of rows.
    """
    missing = [name for name in _ALWAYS if name not in tensors]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    rows: dict[str, int] = {}
    if card.attributes.values:
        rows |= dict.fromkeys(("attributes.weight", "attributes.bias"), card.attributes.rows)
    if card.stages is not None:
        rows |= dict.fromkeys(("stages.weight", "stages.bias"), len(card.stages.stages))
    if card.local_head is not None:
        rows |= dict.fromkeys(("local.weight", "local.bias"), len(card.local_head.labels))
    if card.index is not None:
        names = ["index.label", "index.feature"]
        names += ["index.foundation"] if card.index.foundation else []
        rows |= dict.fromkeys(names, len(card.index.files))
    for name, count in rows.items():
        if len(tensors[name]) != count:
            raise ValueError(f"{name} has {len(tensors[name])} rows, the card names {count}")
