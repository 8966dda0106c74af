"""The faithfulness check for the maps that are shown: of a white cell's class and of a count."""

import cv2
import numpy as np
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from core.explain.count_map import locator_map
from core.explain.faithfulness import Faithfulness, check_map
from core.explain.gradcam import grad_cam
from core.explain.heat import HeatMap, network_copy
from core.models.classifier import CellClassifier
from core.models.locator import Locator
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.taxonomy import KINDS, CellKind


def class_verdict(crop: RgbImage, label: str, heat: HeatMap, model: LoadedModel) -> Faithfulness:
    """Check the map of ``label``; ``heat`` is what ``explain_class`` gave for ``crop``.

    The score is the class's log-probability, which falls when the others rise.

    Raises:
        ValueError: for a class the model does not know.
    """
    module = model.module
    assert isinstance(module, CellClassifier)
    if label not in module.classes:
        raise ValueError(f"the model does not know {label!r}")
    index = module.classes.index(label)

    def score(logits: Tensor) -> Tensor:
        return torch.log_softmax(logits, dim=1)[:, index]

    def map_of(other: nn.Module) -> HeatMap:
        assert isinstance(other, CellClassifier)
        return grad_cam(other, other.last_map(), crop, ClassifierOutputTarget(index))

    return check_map(heat, crop, module, score=score, last=module.last_layer(), map_of=map_of)


def count_verdict(
    pixels: RgbImage,
    kind: CellKind,
    rbc_diameter_px: float | None,
    heat: HeatMap,
    model: LoadedModel,
) -> Faithfulness:
    """The same for the Grad-CAM of a count, as ``explain_count`` gave it for ``pixels``.

    The score is the sum of the locator's squared heat for the kind.
    """
    module = model.module
    assert isinstance(module, Locator)
    small, channel = network_copy(pixels, rbc_diameter_px), KINDS.index(kind)
    size = (small.shape[1], small.shape[0])
    fitting = cv2.resize(heat, size, interpolation=cv2.INTER_AREA)

    def score(outputs: tuple[Tensor, Tensor]) -> Tensor:
        return outputs[0][:, channel].sigmoid().square().sum(dim=(1, 2))

    def map_of(other: nn.Module) -> HeatMap:
        assert isinstance(other, Locator)
        return locator_map(other, small, kind)

    return check_map(
        np.asarray(fitting, np.float32), small, module,
        score=score, last=module.heat_head[-1], map_of=map_of,
    )  # fmt: skip
