"""Class of white cells, with the set of classes that cannot be excluded, and abstention."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import as_probabilities
from core.imaging.quality import assess
from core.inference.cell_crop import crop_cell
from core.inference.locate import locate
from core.models import registry
from core.models.engine import as_batch, engine_for
from core.models.weights import LoadedModel
from core.records import Field, Flag, RgbImage, WbcCall
from core.taxonomy import CRITICAL_CLASSES, KINDS, title

_BATCH = 64


def call_crops(crops: Sequence[RgbImage], model: LoadedModel) -> list[WbcCall]:
    """One call per crop, each ``(128, 128, 3)`` with the cell in the middle."""
    if not crops:
        return []
    engine = engine_for(model)
    logits = np.concatenate(
        [engine(as_batch(list(crops[i : i + _BATCH])))[0] for i in range(0, len(crops), _BATCH)]
    )
    return [_call(row, model) for row in as_probabilities(logits, float(model.card["temperature"]))]


def prediction_set(row: npt.NDArray[np.floating], limit: float) -> npt.NDArray[np.int64]:
    """Indices of the classes with a probability of at least ``limit``, best first; never empty.

    ``limit`` is one minus the conformal quantile. Source: Sadinle 2019, least ambiguous sets.
    """
    order = np.argsort(-row, kind="stable")
    return order[: max(1, int((row >= limit).sum()))]


def _call(row: npt.NDArray[np.float64], model: LoadedModel) -> WbcCall:
    classes: list[str] = model.card["architecture"]["classes"]
    chosen = prediction_set(row, float(model.card["set_limit"]))
    best = int(chosen[0])
    label = classes[best]
    flags = []
    if label in CRITICAL_CLASSES:
        flags.append(
            Flag("critical_cell", f"{title(label)}: critical, a person must look at this cell.")
        )
    return WbcCall(
        label=label,
        probability=float(row[best]),
        probabilities={name: float(p) for name, p in zip(classes, row, strict=True)},
        prediction_set=tuple(classes[i] for i in chosen),
        abstained=bool(row[best] < float(model.card["abstain_below"])),
        model=model.identity,
        flags=tuple(flags),
    )


def classify(field: Field) -> WbcCall:
    """Class of the one cell of a single-cell picture.

    The cell is located first, so that any framing is brought to what the classifier learnt; where
    none is found the middle of the picture is taken and the flag ``cell_not_found`` says so.
    """
    crop, found = single_cell_crop(field)
    call = call_crops([crop], registry.live("wbc"))[0]
    flags = [*assess(field), *call.flags]
    if not found:
        flags.append(
            Flag(
                "cell_not_found",
                "No cell was found in the middle of the picture; the whole picture was read.",
            )
        )
    return WbcCall(
        call.label,
        call.probability,
        call.probabilities,
        call.prediction_set,
        call.abstained or not found,
        call.model,
        tuple(flags),
    )


def single_cell_crop(field: Field) -> tuple[RgbImage, bool]:
    """The classifier's view of a single-cell picture, and whether a cell was found in it."""
    model = registry.live("locator")
    located = locate(field.pixels, model)
    thresholds = np.array([model.card["thresholds"][kind] for kind in KINDS], np.float32)
    # A single-cell picture is known to hold one, so half the evidence is enough.
    peaks = located.peaks.above(thresholds * 0.5)
    not_rbc = peaks.take(peaks.kinds != KINDS.index("rbc"))
    middle = np.array([field.width, field.height]) / 2
    offsets = np.linalg.norm(
        (not_rbc.boxes_xyxy[:, :2] + not_rbc.boxes_xyxy[:, 2:]) / 2 - middle, axis=1
    )
    if len(offsets) and offsets.min() < 0.2 * min(field.width, field.height):
        x0, y0, x1, y1 = (float(v) for v in not_rbc.boxes_xyxy[int(offsets.argmin())])
        return crop_cell(field.pixels, (x0, y0, x1, y1), located.rbc_diameter_px), True
    side = min(field.width, field.height)
    left, top = (field.width - side) / 2, (field.height - side) / 2
    return crop_cell(field.pixels, (left, top, left + side, top + side), side / 3.6), False
