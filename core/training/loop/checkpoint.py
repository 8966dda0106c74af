"""Checkpoints: one safetensors file with everything that a run needs to resume exactly.

Tensors are stored as such; the rest of the (nested) state as JSON in the file's metadata. Nothing
is pickled. A file is written under a temporary name and renamed, so that it is whole or absent.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from core import files
from core.files import atomic_path

_TENSOR = "__tensor__"
_INT_KEYS = "__int_keys__"

NEXT_BEST: Final = "best.next.safetensors"


def save_checkpoint(path: Path, state: Mapping[str, object]) -> None:
    """Write a nested state of dicts, lists, tensors and JSON values, atomically."""
    tensors: dict[str, Tensor] = {}
    skeleton = _strip(state, "", tensors)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(skeleton)})


def remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files of killed processes; safetensors writes ``.tmp*`` first."""
    files.remove_unfinished(folder)
    for file in folder.glob(".tmp*"):
        file.unlink()


def commit_best(folder: Path, best_epoch: int) -> None:
    """Make a new best checkpoint the best one, if ``last`` names its epoch.

    The loop writes a new best beside the old one, then ``last``, then calls this. If it is killed
    between the two writes, the run repeats the epoch, and must not find a best from an epoch that,
    by ``last``, has not happened yet.
    """
    waiting = folder / NEXT_BEST
    if waiting.exists():
        if load_checkpoint(waiting)["epoch"] == best_epoch:
            waiting.replace(folder / "best.safetensors")
        else:
            waiting.unlink()


# Any: what torch's own state_dict() nests is torch's to define; load_state_dict() checks it.
def load_checkpoint(path: Path) -> dict[str, Any]:
    """The state as it was saved, tensors on the CPU."""
    with safe_open(path, framework="pt") as file:
        skeleton = json.loads(file.metadata()["state"])
        return dict(_fill(skeleton, file))


def _strip(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        # Cloned, since safetensors refuses tensors that share memory.
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: path}
    if isinstance(value, dict):
        stripped = {str(k): _strip(v, f"{path}/{k}", tensors) for k, v in value.items()}
        return (
            {_INT_KEYS: stripped} if value and all(isinstance(k, int) for k in value) else stripped
        )
    if isinstance(value, (list, tuple)):
        return [_strip(v, f"{path}/{i}", tensors) for i, v in enumerate(value)]
    return value


def _fill(value: Any, file: Any) -> Any:
    if isinstance(value, dict):
        if _TENSOR in value:
            return file.get_tensor(value[_TENSOR])
        if _INT_KEYS in value:
            return {int(k): _fill(v, file) for k, v in value[_INT_KEYS].items()}
        return {k: _fill(v, file) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, file) for v in value]
    return value


def generator_state() -> Tensor:
    """State of torch's CPU generator; augmentation needs none."""
    return torch.get_rng_state()
