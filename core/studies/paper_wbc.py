"""The published white-cell system as its page describes it: ResNet-18, Adam, flips and rotation.

Eight classes are PBC's eight folders. Near-duplicates stay on one side here, which the page does
not say of its split. Without CUDA a reduced setting is trained, and named as such, unless the full
one is asked for. The weights start at random where ImageNet's ResNet-18 cannot be had.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.models import ResNet18_Weights, resnet18

from core.datasets.fields import read_rgb
from core.datasets.public import pbc
from core.datasets.public.pbc import LabelledCell
from core.datasets.skipped import Skipped
from core.records import RgbImage
from core.statistics.classes import accuracy_row, confusion, majority_accuracy, report
from core.training.loop.recipe import Batch, Order, Progress
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.presets import PAPER_CLASSIFIER

CLASSES: Final = (
    "neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "immature_granulocyte",
    "erythroblast",
    "platelet",
)
_FOLDERS: Final = {"ig": "immature_granulocyte"}


@dataclass(frozen=True)
class Setting:
    """How much is trained. ``per_class`` cells of each class, None for all of them."""

    name: str
    side_px: int
    per_class: int | None
    loop: LoopSettings


FULL: Final = Setting(
    "as published: 224 px, all cells, 20 epochs",
    224,
    None,
    replace(PAPER_CLASSIFIER, epochs=20),
)
REDUCED: Final = Setting(
    "reduced for a processor without CUDA: 96 px, 300 cells a class, 5 epochs",
    96,
    300,
    replace(PAPER_CLASSIFIER, epochs=5, learning_rate=3e-4, workers=0, bfloat16=False),
)


FULL_ON_CPU: Final = Setting(
    "full size on a processor: 128 px, all cells, until validation stops",
    128,
    None,
    replace(PAPER_CLASSIFIER, epochs=60, learning_rate=3e-4, patience=8, workers=0),
)
"""A higher rate than the backbone paper's, since the weights are mostly random here. The white-cell
paper names no rate."""

_EACH_SECONDS: Final = 30.0
_TRIAL_BATCHES: Final = 3
_FIXED_MB: Final = 900
"""Python, torch, the weights four times (model, average, two moments)."""

_BYTES_A_PIXEL: Final = 4e-4
"""Activations in MB for each pixel of a batch."""


@dataclass(frozen=True)
class Plan:
    """What a run would train, and what it costs on this machine."""

    setting: str
    training_cells: int
    validation_cells: int
    most_epochs: int
    seconds_an_epoch: float
    memory_mb: int

    def as_text(self) -> str:
        hours = self.seconds_an_epoch * self.most_epochs / 3600
        return (
            f"{self.setting}: ResNet-18 on {self.training_cells} training and "
            f"{self.validation_cells} validation cells, at most {self.most_epochs} epochs. "
            f"About {self.seconds_an_epoch / 60:.1f} minutes an epoch on this machine as busy as "
            f"it is now, {hours:.1f} hours at most; about {self.memory_mb} MB of memory."
        )


def start_weights(file: Path) -> dict[str, Tensor]:
    """ResNet-18 weights without the last layer, named as torchvision and timm name them.

    A ``.pth`` file is read with ``weights_only``, so nothing in it is executed.

    Raises:
        ValueError: if the file cannot be read, or its tensors do not fit ResNet-18.
    """
    try:
        if file.suffix == ".safetensors":
            state = load_file(file)
        elif file.suffix in (".pth", ".pt"):
            state = torch.load(file, map_location="cpu", weights_only=True)
        else:
            raise ValueError("accepted are .safetensors and .pth")
    except (OSError, ValueError, RuntimeError, SafetensorError, UnpicklingError) as error:
        raise ValueError(f"{file.name} cannot be read as weights: {error}") from error
    wanted = {k: v for k, v in resnet18().state_dict().items() if not k.startswith("fc.")}
    if not isinstance(state, dict):
        raise ValueError(f"{file.name} holds no table of tensors")
    unfit = [k for k, v in wanted.items() if k not in state or state[k].shape != v.shape]
    unfit = [key for key in unfit if not key.endswith("num_batches_tracked")]
    if unfit:
        raise ValueError(
            f"{file.name} does not fit ResNet-18: {unfit[0]} is missing or has another shape "
            f"({len(unfit)} such tensors)"
        )
    return {key: state[key].float() for key in wanted if key in state}


class PaperCells(Dataset[Batch]):
    """Whole pictures, flipped and turned up to 15 degrees; a corrupt file was left out before."""

    def __init__(self, cells: Sequence[LabelledCell], side_px: int, seed: int) -> None:
        self._seed, self.skipped = seed, list[Skipped]()
        self.pixels: list[RgbImage] = []
        self.labels: list[int] = []
        for cell in cells:
            try:
                pixels = read_rgb(cell.path)
            except OSError as error:
                self.skipped.append(Skipped(cell.path.name, str(error)))
                continue
            small = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA)
            self.pixels.append(small.astype(np.uint8))
            self.labels.append(CLASSES.index(_eight(cell)))

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        rng, pixels = np.random.default_rng((self._seed, epoch, index)), self.pixels[index]
        if rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        side = pixels.shape[0]
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(-15, 15)), 1.0)
        turned = cv2.warpAffine(
            np.ascontiguousarray(pixels), turn, (side, side), borderMode=cv2.BORDER_REFLECT
        )
        label = torch.tensor(self.labels[index])
        return {"image": _as_input(turned.astype(np.uint8)), "label": label}


class PaperWbc:
    """Recipe of the published system; chosen by validation accuracy."""

    name = "wbc-published"

    def __init__(
        self,
        train_cells: Sequence[LabelledCell],
        validation: Sequence[LabelledCell],
        side_px: int,
        seed: int,
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._weights = weights
        self._training = PaperCells(train_cells, side_px, seed)
        self._validation = PaperCells(validation, side_px, seed)
        self.pretrained = False
        self.skipped = [*self._training.skipped, *self._validation.skipped]

    def build(self) -> nn.Module:
        if self._weights is None:
            self._weights, self.pretrained = _imagenet_or_none()
        net = resnet18(weights=None)
        net.load_state_dict(self._weights, strict=False)
        net.fc = nn.Linear(net.fc.in_features, len(CLASSES))
        return net

    def training_set(self) -> Dataset[Batch]:
        return self._training

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(model(batch["image"]).float(), batch["label"])

    def validate(self, model: nn.Module) -> dict[str, float]:
        scores = answers(model, self._validation.pixels)
        truth = np.array(self._validation.labels)
        accuracy = float((scores.argmax(axis=1) == truth).mean())
        loss = float(F.cross_entropy(torch.from_numpy(scores), torch.from_numpy(truth)))
        return {"score": accuracy, "accuracy": accuracy, "loss": loss}


def _imagenet_or_none() -> tuple[Mapping[str, Tensor], bool]:
    """ImageNet's weights without the last layer; nothing where they cannot be had.

    Asked for once a run: a failed download is not tried again for every copy of the network.
    """
    try:
        state = resnet18(weights=ResNet18_Weights.IMAGENET1K_V1).state_dict()
    except OSError:  # no network, and no file where torchvision looks
        return {}, False
    return {key: value for key, value in state.items() if not key.startswith("fc.")}, True


@torch.no_grad()
def answers(model: nn.Module, pixels: Sequence[RgbImage]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Logits of pictures at the network's size, ``(N, 8)``."""
    model.eval()
    device = next(model.parameters()).device
    rows = [
        model(torch.stack([_as_input(one) for one in pixels[i : i + 64]]).to(device)).cpu().numpy()
        for i in range(0, len(pixels), 64)
    ]
    return np.concatenate(rows)


def reproduce_wbc(
    data: Path,
    folder: Path,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
    *,
    full: bool = False,
    epochs: int | None = None,
    weights: Path | None = None,
) -> dict[str, Any]:
    """Train as published, measure on the test part; goes on where ``folder`` has a checkpoint.

    Raises:
        FileNotFoundError: if PBC is missing.
        ValueError: if ``weights`` do not fit, or the checkpoint was made with other settings.
    """
    setting, loop = setting_for(full, epochs, seed)
    loaded = None if weights is None else start_weights(weights)
    parts, broken = _split_of_readable(pbc.load(data / "pbc"))
    learnt = _of_each_class(parts[0], setting.per_class, seed)
    judged = _of_each_class(parts[1], setting.per_class and setting.per_class // 4, seed)
    recipe = PaperWbc(learnt, judged, setting.side_px, seed, loaded)
    tell(f"{setting.name}: {len(learnt)} training cells, {len(judged)} validation cells")
    model = train(
        recipe,
        loop,
        folder,
        lambda epoch: tell(
            f"epoch {epoch.number + 1} of at most {loop.epochs}: validation accuracy "
            f"{epoch.metrics['accuracy']:.4f}, "
            f"{(loop.epochs - epoch.number - 1) * epoch.seconds / 60:.0f} min left at most"
        ),
        _with_time_left(loop, tell),
    )
    test = PaperCells(parts[2], setting.side_px, seed)
    said = [CLASSES[i] for i in answers(model, test.pixels).argmax(axis=1)]
    truth = [CLASSES[i] for i in test.labels]
    return {
        "setting": setting.name,
        "start": _start_title(recipe, weights),
        "training_cells": len(learnt),
        "seed": seed,
        "accuracy": accuracy_row([t == s for t, s in zip(truth, said, strict=True)]),
        "majority_baseline": majority_accuracy(truth),
        "report": report(truth, said, CLASSES),
        "classes": list(CLASSES),
        "confusion": confusion(truth, said, CLASSES).tolist(),
        "skipped": [asdict(one) for one in (*broken, *recipe.skipped, *test.skipped)],
    }


def setting_for(full: bool, epochs: int | None, seed: int) -> tuple[Setting, LoopSettings]:
    """What is trained on this machine. Raises ValueError for a number of epochs out of range."""
    setting = FULL if torch.cuda.is_available() else FULL_ON_CPU if full else REDUCED
    changed = {"seed": seed} | ({"epochs": epochs} if epochs is not None else {})
    return setting, LoopSettings(**{**asdict(setting.loop), **changed})


def plan(data: Path, *, full: bool, epochs: int | None, seed: int = 0) -> Plan:
    """What would be trained and for how long, from a few batches on this machine.

    Raises:
        FileNotFoundError: if PBC is missing.
    """
    setting, loop = setting_for(full, epochs, seed)
    parts, _ = _split_of_readable(pbc.load(data / "pbc"))
    learnt = _of_each_class(parts[0], setting.per_class, seed)
    judged = _of_each_class(parts[1], setting.per_class and setting.per_class // 4, seed)
    trial = PaperWbc(learnt[: loop.batch_size], [], setting.side_px, seed, {})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = trial.build().to(device).to(memory_format=torch.channels_last)
    images = torch.rand(loop.batch_size, 3, setting.side_px, setting.side_px, device=device)
    labels = torch.zeros(loop.batch_size, dtype=torch.long, device=device)
    seconds = []
    for _ in range(_TRIAL_BATCHES):
        began = time.monotonic()
        with torch.autocast(device.type, torch.bfloat16, enabled=loop.bfloat16):
            loss = trial.loss(net, {"image": images, "label": labels})
        loss.backward()
        seconds.append(time.monotonic() - began)
    steps = len(learnt) / loop.batch_size
    # Validation only goes forwards, about a third of the work of a training step.
    an_epoch = min(seconds) * (steps + len(judged) / loop.batch_size / 3)
    pictures = (len(learnt) + len(judged)) * setting.side_px**2 * 3 / 2**20
    memory = round(pictures + _FIXED_MB + loop.batch_size * setting.side_px**2 * _BYTES_A_PIXEL)
    return Plan(setting.name, len(learnt), len(judged), loop.epochs, an_epoch, memory)


def _start_title(recipe: PaperWbc, weights: Path | None) -> str:
    if weights is not None:
        return f"weights of {weights.name}"
    return "ImageNet" if recipe.pretrained else "random weights, ImageNet's not to be had"


def _with_time_left(loop: LoopSettings, tell: Callable[[str], None]) -> Callable[[Progress], Order]:
    """A line every half minute, each with the time left if no epoch is saved by stopping early."""
    last = time.monotonic()

    def control(progress: Progress) -> Order:
        nonlocal last
        if time.monotonic() - last >= _EACH_SECONDS and progress.examples_per_second > 0:
            last = time.monotonic()
            batches = (loop.epochs - progress.epoch) * progress.batches - progress.batch
            minutes = batches * loop.batch_size / progress.examples_per_second / 60
            tell(
                f"epoch {progress.epoch + 1}, batch {progress.batch} of {progress.batches}, "
                f"loss {progress.loss:.3f}, {progress.examples_per_second:.0f} cells/s, "
                f"{minutes:.0f} min left at most"
            )
        return "go"

    return control


def _split_of_readable(
    cells: Sequence[LabelledCell],
) -> tuple[tuple[list[LabelledCell], ...], list[Skipped]]:
    """PBC's parts; where a file cannot be read it is left out, and the others are split."""
    try:
        return pbc.split(cells), []
    except OSError:
        broken = [cell for cell in cells if cv2.imread(str(cell.path)) is None]
        left = [cell for cell in cells if cell not in broken]
        words = "not a readable picture"
        return pbc.split(left), [Skipped(cell.path.name, words) for cell in broken]


def _of_each_class(
    cells: Sequence[LabelledCell], most: int | None, seed: int
) -> list[LabelledCell]:
    if most is None:
        return list(cells)
    rng = np.random.default_rng(seed)
    found = []
    for name in CLASSES:
        of_class = [cell for cell in cells if _eight(cell) == name]
        found += [of_class[i] for i in sorted(rng.permutation(len(of_class))[:most])]
    return found


def _eight(cell: LabelledCell) -> str:
    folder = cell.path.parent.name
    return _FOLDERS.get(folder, folder)


def _as_input(pixels: RgbImage) -> Tensor:
    """ImageNet's means and spreads, as the page's transforms have them."""
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)
    scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))
