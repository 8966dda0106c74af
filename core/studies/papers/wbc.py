"""Repeat the published white-cell system by its page: ResNet-18, Adam, flips and rotation.

The eight classes are PBC's eight folders. Near-duplicates stay on one side of the split here; the
page does not say so of its split. Without CUDA a reduced setting is trained, and the result names
it. Where ImageNet's ResNet-18 cannot be downloaded the weights start at random.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.models import resnet18
from typing_extensions import TypedDict

from core.datasets.fields import read_rgb
from core.datasets.public import pbc
from core.datasets.public.pbc import LabelledCell
from core.datasets.skipped import Skipped
from core.records import RgbImage
from core.statistics.classes import accuracy_row, confusion, majority_accuracy, report
from core.statistics.figures import ClassRow, Measured
from core.studies.papers.progress import Reporter
from core.studies.papers.start_weights import RANDOM, Start, start_of
from core.studies.papers.step_time import seconds_of
from core.studies.papers.wbc_setting import setting_for
from core.training.loop.recipe import Batch
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train

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


class PaperWbcResult(TypedDict):
    """``wbc.json``: the trained system on PBC's test part.

    ``confusion`` has the truth in rows; ``skipped`` are ``file`` and ``reason`` of unreadable ones.
    """

    setting: str
    start: str
    training_cells: int
    seed: int
    accuracy: Measured
    majority_baseline: float
    report: dict[str, ClassRow]
    classes: list[str]
    confusion: list[list[int]]
    skipped: list[dict[str, str]]


class PaperCells(Dataset[Batch]):
    """Pictures with random flips and rotations up to 15 degrees; unreadable files are skipped."""

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
    """Recipe of the published system; the epoch is chosen by validation accuracy."""

    name = "wbc-published"

    def __init__(
        self,
        train_cells: Sequence[LabelledCell],
        validation: Sequence[LabelledCell],
        side_px: int,
        seed: int,
        start: Start = RANDOM,
    ) -> None:
        self._start = start
        self._training = PaperCells(train_cells, side_px, seed)
        self._validation = PaperCells(validation, side_px, seed)
        self.skipped = [*self._training.skipped, *self._validation.skipped]

    def build(self) -> nn.Module:
        net = resnet18(weights=None)
        if self._start.state is not None:
            net.load_state_dict(dict(self._start.state), strict=False)
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


@torch.no_grad()
def answers(model: nn.Module, pixels: Sequence[RgbImage]) -> npt.NDArray[np.float32]:
    """Logits of pictures at the network's size, ``(N, 8)``."""
    model.eval()
    device = next(model.parameters()).device
    rows = [
        model(torch.stack([_as_input(one) for one in pixels[i : i + 64]]).to(device)).cpu().numpy()
        for i in range(0, len(pixels), 64)
    ]
    return np.concatenate(rows)


def forecast(data: Path, seed: int = 0, *, full: bool = False, epochs: int | None = None) -> str:
    """Describe what would be trained on this machine, the longest time, and the memory needed.

    The time is measured on three steps of the real network; validation adds about a tenth.

    Raises:
        FileNotFoundError: if PBC is missing.
    """
    setting = setting_for(full=full, epochs=epochs)
    parts, _ = _split_of_readable(pbc.load(data / "pbc"))
    learn = len(_of_each_class(parts[0], setting.per_class, seed))
    judged = len(_of_each_class(parts[1], setting.per_class and setting.per_class // 4, seed))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = resnet18(weights=None, num_classes=len(CLASSES)).to(device)
    optimizer = torch.optim.Adam(net.parameters())
    side, batch = setting.side_px, setting.loop.batch_size
    pictures = torch.rand(batch, 3, side, side, device=device)
    labels = torch.zeros(batch, dtype=torch.long, device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=setting.loop.bfloat16):
            loss = F.cross_entropy(net(pictures).float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    per_epoch_s = 1.1 * seconds_of(step) * learn / batch
    pixels_mb = (learn + judged) * 3 * side * side / 1e6
    return (
        f"ResNet-18, {setting.name}: {learn} training cells, {judged} validation cells, "
        f"on {torch.cuda.get_device_name(0) if device.type == 'cuda' else 'the processor'}.\n"
        f"About {per_epoch_s / 60:.1f} minutes an epoch, at most "
        f"{per_epoch_s * setting.loop.epochs / 3600:.1f} hours for {setting.loop.epochs} epochs.\n"
        f"About {pixels_mb + 1500:,.0f} MB of memory, {pixels_mb:,.0f} of them pictures."
    )


def reproduce_wbc(
    data: Path,
    folder: Path,
    seed: int = 0,
    reporter: Reporter | None = None,
    *,
    full: bool = False,
    epochs: int | None = None,
    weights: Path | None = None,
) -> PaperWbcResult:
    """Train as published and measure on the test part; resumes from a checkpoint in ``folder``.

    Args:
        data: folder of the public sets.
        folder: for checkpoints; a run that was stopped resumes from them.
        seed: of the order of examples and of the random weights.
        reporter: of progress; None for none.
        full: train on all cells also where there is no CUDA.
        epochs: largest number of epochs; None for the setting's.
        weights: file of ResNet-18 weights to start from (see :func:`start_weights`); None for
            torchvision's ImageNet weights if they can be loaded, else random ones.

    Raises:
        FileNotFoundError: if PBC is missing.
        ValueError: if ``weights`` are not of a ResNet-18, or the folder's run began otherwise.
        Interrupted: if the reporter was asked to stop; the same call resumes.
    """
    reporter = reporter or Reporter()
    setting = setting_for(full=full, epochs=epochs)
    parts, broken = _split_of_readable(pbc.load(data / "pbc"))
    learnt = _of_each_class(parts[0], setting.per_class, seed)
    judged = _of_each_class(parts[1], setting.per_class and setting.per_class // 4, seed)
    start = start_of("resnet18", weights, folder)
    recipe = PaperWbc(learnt, judged, setting.side_px, seed, start)
    loop = LoopSettings(**{**asdict(setting.loop), "seed": seed})
    reporter.line(
        f"{setting.name}: {len(learnt)} training cells, {len(judged)} validation cells; start: "
        f"{start.words}"
    )
    model = train(
        recipe,
        loop,
        folder,
        partial(reporter.epoch, "ResNet-18", metrics=("accuracy", "loss")),
        reporter.control("ResNet-18", loop.batch_size),
    )
    test = PaperCells(parts[2], setting.side_px, seed)
    predicted = [CLASSES[i] for i in answers(model, test.pixels).argmax(axis=1)]
    truth = [CLASSES[i] for i in test.labels]
    return {
        "setting": setting.name,
        "start": start.words,
        "training_cells": len(learnt),
        "seed": seed,
        "accuracy": accuracy_row([t == s for t, s in zip(truth, predicted, strict=True)]),
        "majority_baseline": majority_accuracy(truth),
        "report": report(truth, predicted, CLASSES),
        "classes": list(CLASSES),
        "confusion": confusion(truth, predicted, CLASSES).tolist(),
        "skipped": [asdict(one) for one in (*broken, *recipe.skipped, *test.skipped)],
    }


def _split_of_readable(
    cells: Sequence[LabelledCell],
) -> tuple[tuple[list[LabelledCell], ...], list[Skipped]]:
    """PBC's three parts without unreadable files, and those files."""
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
    """Normalised by ImageNet's means and deviations, as in the page's transforms."""
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)
    scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))
