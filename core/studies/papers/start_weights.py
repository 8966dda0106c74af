"""What a repeated system starts from: weights of a file, torchvision's of ImageNet, or random."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import get_model, get_model_weights

from core.files import read_json, write_json


@dataclass(frozen=True)
class Start:
    """``state`` has every layer but the last, None for random weights; ``words`` say which."""

    state: Mapping[str, Tensor] | None
    words: str


RANDOM: Final = Start(None, "random weights")

_FILE: Final = "start.json"


def start_of(backbone: str, file: Path | None, folder: Path) -> Start:
    """The weights of ``file``; without one ImageNet's if they can be had, else random ones.

    Call it once for a study: without a network every attempt waits for its time-out. ``folder`` is
    that of the study, and keeps which start it was, so that a stopped study resumes from the same.

    Raises:
        ValueError: see :func:`start_weights`; or if the study in ``folder`` began otherwise.
    """
    start = _start(backbone, file)
    stored = read_json(folder / _FILE)
    if stored is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / _FILE, {"start": start.words})
    elif stored.get("start") != start.words:
        raise ValueError(
            f"the study in {folder} began from {stored.get('start')}, and now the start would be "
            f"{start.words}; name another folder with --to"
        )
    return start


def _start(backbone: str, file: Path | None) -> Start:
    if file is not None:
        return Start(start_weights(file, backbone), f"weights of {file.name}")
    try:
        state = get_model_weights(backbone).IMAGENET1K_V1.get_state_dict(progress=False)
    except OSError:  # no network, and no file where torchvision looks
        return Start(None, "random weights, ImageNet's could not be downloaded")
    return Start(_without_last_layer(state, backbone), "ImageNet")


def start_weights(file: Path, backbone: str = "resnet18") -> dict[str, Tensor]:
    """Weights of a file, without the last layer.

    Args:
        file: ``.safetensors`` or ``.pth`` (read without running code), with torchvision's names;
            timm's are the same for ResNets.
        backbone: torchvision's name of the network.

    Raises:
        ValueError: if the file cannot be read or holds another network.
    """
    try:
        if file.suffix == ".safetensors":
            state = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{file.name} holds no weights that can be read ({error})") from error
    network = get_model(backbone, weights=None).state_dict()
    expected, body = (_without_last_layer(one, backbone) for one in (network, state))
    wrong = [
        name
        for name, value in expected.items()
        if name not in body or body[name].shape != value.shape
    ]
    if wrong or body.keys() - expected.keys():
        title = backbone.replace("resnet", "ResNet-")
        raise ValueError(f"{file.name} does not hold the weights of a {title} ({wrong[:3]})")
    return body


def _without_last_layer(state: Mapping[str, Tensor], backbone: str) -> dict[str, Tensor]:
    last = "fc." if backbone.startswith("resnet") else "classifier."
    return {name: value for name, value in state.items() if not name.startswith(last)}
