"""What led to a count: Grad-CAM of the locator's count, and the map of the second count.

The second count has an exact map where a density counter made it: the sum over any part of the
picture is that part's share of the count. The paper's regressor has no such map. Its Grad-CAM takes
the one output that is explained (``ClassifierOutputTarget``: without it the map mixes three
counts) and can point at nothing, so it must be checked.
"""

import cv2
import numpy as np
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from core.explain.faithfulness import Faithfulness, check_map
from core.explain.gradcam import grad_cam
from core.explain.heat import HeatMap, network_copy
from core.inference.locate.regression import density_map
from core.models.density import DensityCounter
from core.models.locator import Locator
from core.models.regressor import INPUT_PX, CountRegressor
from core.models.weights import LoadedModel
from core.records import Cell, RgbImage
from core.taxonomy import KINDS, CellKind

_COLOURS: dict[CellKind, tuple[int, int, int]] = {
    "rbc": (213, 94, 0),
    "wbc": (0, 114, 178),
    "platelet": (0, 158, 115),
}


def explain_count(
    pixels: RgbImage, kind: CellKind, rbc_diameter_px: float | None, model: LoadedModel
) -> HeatMap:
    """Where the locator's heat for one kind comes from.

    Args:
        pixels: the field, ``(H, W, 3)``.
        kind: which count.
        rbc_diameter_px: the finding's scale; None scales the field to the area of 320x240 pixels.
        model: the locator.

    Returns:
        ``(H, W)`` in [0, 1].
    """
    module = model.module
    assert isinstance(module, Locator)
    height, width = pixels.shape[:2]
    heat = locator_map(module, network_copy(pixels, rbc_diameter_px), kind)
    return cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def locator_map(module: Locator, small: RgbImage, kind: CellKind) -> HeatMap:
    """Grad-CAM of a locator's count for a field at the network's scale, at that size."""
    channel = KINDS.index(kind)

    def total(heat: Tensor) -> Tensor:
        return heat[channel].sigmoid().square().sum()

    # A count is a sum over places, and cells of the other kinds pull against it: averaged over the
    # field the gradients cancel, and the map of the red cells was empty on 3 of 4 real fields.
    return grad_cam(_HeatOnly(module), module.smooth[0], small, total, by_place=True)


class _HeatOnly(nn.Module):
    """The locator's heat alone: grad-cam expects one output."""

    def __init__(self, locator: Locator) -> None:
        super().__init__()
        self.locator = locator

    def forward(self, images: Tensor) -> Tensor:
        heat: Tensor = self.locator(images)[0]
        return heat


def is_exact(model: LoadedModel) -> bool:
    """Whether the count model's map adds up to its count."""
    return isinstance(model.module, DensityCounter)


def explain_regression(
    pixels: RgbImage, kind: CellKind, rbc_diameter_px: float | None, model: LoadedModel
) -> HeatMap:
    """Where the regression's count of one kind comes from.

    Args:
        pixels: the field, ``(H, W, 3)``.
        kind: which count.
        rbc_diameter_px: the finding's scale.
        model: the count model.

    Returns:
        ``(H, W)`` in [0, 1], 1 at the strongest place; an exact map keeps its proportions.
    """
    height, width = pixels.shape[:2]
    if is_exact(model):
        plane = density_map(pixels, rbc_diameter_px, model)[KINDS.index(kind)]
        heat = plane / max(float(plane.max()), 1e-9)
    else:
        module = model.module
        assert isinstance(module, CountRegressor)
        heat = regressor_map(module, whole_square(pixels), kind)
    larger = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(larger.clip(0, 1), np.float32)


def regression_verdict(
    pixels: RgbImage, kind: CellKind, heat: HeatMap, model: LoadedModel
) -> Faithfulness:
    """Check whether the map is faithful.

    Raises:
        ValueError: if the map is exact, so that there is nothing to check.
    """
    module = model.module
    if not isinstance(module, CountRegressor):
        raise ValueError("an exact map needs no check")
    return regressor_verdict(module, whole_square(pixels), kind, heat)


def regressor_map(module: CountRegressor, square: RgbImage, kind: CellKind) -> HeatMap:
    """Grad-CAM of one output for a field squeezed to 224x224, at that size."""
    return grad_cam(module, module.last_map(), square, ClassifierOutputTarget(KINDS.index(kind)))


def regressor_verdict(
    module: CountRegressor, square: RgbImage, kind: CellKind, heat: HeatMap
) -> Faithfulness:
    """The check of such a map; the score is the count itself."""
    index = KINDS.index(kind)
    fitting = cv2.resize(heat, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)

    def score(counts: Tensor) -> Tensor:
        return counts[:, index]

    def map_of(other: nn.Module) -> HeatMap:
        assert isinstance(other, CountRegressor)
        return regressor_map(other, square, kind)

    last = module.head[-1]
    return check_map(
        np.asarray(fitting, np.float32), square, module, score=score, last=last, map_of=map_of
    )


def whole_square(pixels: RgbImage) -> RgbImage:
    """The whole field squeezed to the published regressor's input."""
    square = cv2.resize(pixels, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(square, dtype=np.uint8)


def outlined(pixels: RgbImage, cells: tuple[Cell, ...], kind: CellKind, scale: float) -> RgbImage:
    """The picture with the located cells of one kind; ``scale`` from the finding's pixels to it."""
    drawn = np.ascontiguousarray(pixels).copy()
    for cell in cells:
        if cell.kind == kind:
            x0, y0, x1, y1 = (round(v * scale) for v in cell.box_xyxy_px)
            cv2.rectangle(drawn, (x0, y0), (x1, y1), _COLOURS[kind], 2, cv2.LINE_AA)
    return np.asarray(drawn, dtype=np.uint8)
