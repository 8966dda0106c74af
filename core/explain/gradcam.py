"""Grad-CAM of any network, and of the white-cell classifier's classes.

The maps of a count are in :mod:`core.explain.count_map`.

The shared model is used under :data:`core.models.gradient_lock.gradient_lock`, since grad-cam
registers hooks on it.
Source: Selvaraju 2017, HiResCAM Draelos & Carin 2020; implementation: the grad-cam package.
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from pytorch_grad_cam import GradCAM, HiResCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from core.explain.heat import HeatMap
from core.models.classifier import CellClassifier
from core.models.engine import as_batch
from core.models.gradient_lock import gradient_lock
from core.models.weights import LoadedModel
from core.records import RgbImage


def explain_class(crop: RgbImage, label: str, model: LoadedModel) -> HeatMap:
    """Where the classifier looked for ``label``.

    Args:
        crop: ``(128, 128, 3)``, as :func:`core.inference.locate.cell_crop.crop_cell` cuts it.
        label: a class the model knows.
        model: the white-cell classifier.

    Returns:
        ``(128, 128)`` in [0, 1], 1 where the evidence is strongest.

    Raises:
        ValueError: for a class the model does not know.
    """
    module = model.module
    assert isinstance(module, CellClassifier)
    if label not in module.classes:
        raise ValueError(
            f"{model.name} does not know {label!r}; it knows {', '.join(module.classes)}"
        )
    target = ClassifierOutputTarget(module.classes.index(label))
    return grad_cam(module, module.last_map(), crop, target)


def overlay(pixels: RgbImage, heat: HeatMap, strength: float) -> RgbImage:
    """The picture with its map over it; ``strength`` in [0, 1], 0 is the plain picture.

    Raises:
        ValueError: if sizes differ or the strength is out of range.
    """
    if heat.shape != pixels.shape[:2]:
        raise ValueError(f"map {heat.shape} does not fit picture {pixels.shape[:2]}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, got {strength}")
    coloured = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[:, :, ::-1]
    # Opacity follows the map, so that places without evidence stay as the microscope showed them.
    share = (strength * np.clip(heat * 1.2, 0, 1))[..., None]
    return np.asarray(pixels * (1 - share) + coloured * share + 0.5, dtype=np.uint8)


def grad_cam(
    module: nn.Module,
    layer: nn.Module,
    pixels: RgbImage,
    target: Callable[[Tensor], Tensor],
    *,
    by_place: bool = False,
) -> HeatMap:
    """Where ``layer`` of any module had its evidence for ``target``, ``(H, W)`` in [0, 1].

    ``target`` takes the output of one picture, without the batch dimension, to a scalar.
    ``by_place`` weighs each place by its own gradient (HiResCAM) instead of their mean.
    """
    how = HiResCAM if by_place else GradCAM
    images = torch.from_numpy(as_batch([pixels]))
    with gradient_lock, how(model=module, target_layers=[layer]) as cam:
        heat = cam(input_tensor=images, targets=[target])[0]
    return np.clip(np.nan_to_num(heat), 0, 1).astype(np.float32)
