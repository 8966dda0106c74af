"""Export a model for other programs and check that its output equals torch's."""

from pathlib import Path
from typing import Any, Final, cast, get_args

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from core.models import registry
from core.models.gradient_lock import gradient_lock
from core.models.onnx_files.export import export_onnx, metadata_of
from core.models.weights import LoadedModel, load_model

TOLERANCE: Final = 1e-4
"""Largest difference of any output, ONNX Runtime against torch."""

_FREE_PX: Final = 256
"""Side of the example where a file takes any; a multiple of every network's stride."""


class ExportDiffers(ValueError):
    """An exported file whose answers are not the model's; the message says by how much."""


def export_checked(which: str, target: Path) -> str:
    """Export a live model (by task) or a ``.safetensors`` file; returns a sentence on it.

    Raises:
        ExportDiffers: if ONNX Runtime and torch differ by more than ``TOLERANCE``.
        ValueError: for neither a task nor a file.
        WeightsRefused: if the model is missing or damaged.
    """
    tasks = get_args(registry.Task)
    if which in tasks:
        model = registry.live(cast(registry.Task, which))
    elif which.endswith(".safetensors"):
        model = load_model(Path(which))
    else:
        raise ValueError(f"{which} is neither one of {', '.join(tasks)} nor a .safetensors file")
    target.parent.mkdir(parents=True, exist_ok=True)
    export_onnx(model.module, target, metadata_of(model.card))
    gap = largest_gap(model, target, _examples(target))
    if gap > TOLERANCE:
        target.unlink()
        raise ExportDiffers(
            f"{target.name} was not kept: it differs from the model by {gap:.2g}, "
            f"allowed is {TOLERANCE:g}"
        )
    size = target.stat().st_size / 1e6
    return (
        f"{target.name}: {model.identity}, {size:.1f} MB, dynamic batch; "
        f"ONNX Runtime and torch differ by {gap:.1g} at most"
    )


def largest_gap(model: LoadedModel, onnx_file: Path, images: npt.NDArray[np.float32]) -> float:
    """Largest difference over all of the module's outputs for ``(B, 3, H, W)`` in [0, 1]."""
    session = onnxruntime.InferenceSession(str(onnx_file), providers=["CPUExecutionProvider"])
    answers = session.run(None, {session.get_inputs()[0].name: images})
    # Other threads may have hooks on the shared module.
    with torch.no_grad(), gradient_lock:
        out: Any = model.module(torch.from_numpy(images))
    outputs = out if isinstance(out, tuple) else (out,)
    return max(
        float(np.abs(answer - output.numpy()).max())
        for answer, output in zip(answers, outputs, strict=False)
    )


def _examples(onnx_file: Path) -> npt.NDArray[np.float32]:
    """A drawn field, straight and mirrored, at the size that the file asks for."""
    from core.imaging.synthetic import draw

    session = onnxruntime.InferenceSession(str(onnx_file), providers=["CPUExecutionProvider"])
    sides = session.get_inputs()[0].shape[2:]
    # A side that may vary stands in the file as a name instead of a number.
    height, width = (int(n) if isinstance(n, int) else _FREE_PX for n in sides)
    field = draw(3, wbc=["segmented_neutrophil", "lymphocyte"]).field.pixels
    small = cv2.resize(field, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    pair = np.stack([small, small[:, ::-1]]).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(pair, np.float32) / np.float32(255)
