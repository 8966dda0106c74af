"""The shape of each red cell of a field: overlapped cells first, then one batch for the rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.locate.edge import touches_edge
from core.inference.red_cell.outlines import DIAMETER_PX, Outlined, outline
from core.models.cards import RedCellCard
from core.models.engine import engine_for
from core.models.weights import LoadedModel
from core.records import Box, Cell, Field, GreyImage
from core.records.red_cell import NotJudged, RedCellMeasures, RedCellShape
from core.statistics.calibration import as_probabilities

_AT_ONCE: Final = 512
"""Cells in one batch: bounds the memory of a whole slide's mosaic."""


def shapes(
    field: Field, cells: Sequence[Cell], model: LoadedModel, rbc_diameter_px: float | None
) -> list[Cell]:
    """The same cells in the same order, every red one with its ``shape``.

    Args:
        field: where they were located.
        cells: of every kind; the others tell where a red cell is overlapped.
        model: a classifier of red-cell shapes.
        rbc_diameter_px: of the field's red cells; without it no cell has a size, and the cells
            stay as they are.

    Raises:
        WeightsRefused: if the model is for another task.
    """
    card = model.card_as(RedCellCard)
    red = [i for i, cell in enumerate(cells) if cell.kind == "rbc"]
    if rbc_diameter_px is None or not red:
        return list(cells)
    boxes = [cell.box_xyxy_px for cell in cells]
    outlined = outline(field.pixels, boxes, red, rbc_diameter_px)
    measures = measured(outlined, DIAMETER_PX / rbc_diameter_px)
    covered = overlaps(boxes)
    reasons: list[NotJudged] = []
    for i in red:
        cut = touches_edge(boxes[i], field.width, field.height)
        over = bool(covered[i] > card.overlap_above)
        reasons.append("cut_by_border" if cut else "overlapped" if over else "")
    rows = iter(probabilities([o.crop for o, r in zip(outlined, reasons, strict=True) if not r],
                              model))  # fmt: skip
    found = list(cells)
    for i, reason, sizes in zip(red, reasons, measures, strict=True):
        if reason:
            shape = RedCellShape("", 0.0, model.identity, not_judged=reason, measures=sizes)
        else:
            shape = _judged(next(rows), card, model.identity, sizes)
        found[i] = replace(cells[i], shape=shape)
    return found


def probabilities(crops: Sequence[GreyImage], model: LoadedModel) -> npt.NDArray[np.float64]:
    """Of each crop ``(40, 40)`` the probabilities of the card's classes, ``(N, classes)``."""
    card = model.card_as(RedCellCard)
    engine = engine_for(model)
    logits = [
        engine(as_input(crops[start : start + _AT_ONCE]))[0]
        for start in range(0, len(crops), _AT_ONCE)
    ]
    if not logits:
        return np.empty((0, len(card.classes)))
    return as_probabilities(np.concatenate(logits), card.temperature)


def named(row: npt.NDArray[np.float64], card: RedCellCard) -> tuple[str, bool]:
    """The likeliest shape by ``(classes,)`` probabilities, and whether it is sure enough."""
    best = int(row.argmax())
    label = card.classes[best]
    return label, bool(row[best] >= card.least_probability.get(label, card.abstain_below))


def as_input(crops: Sequence[GreyImage]) -> npt.NDArray[np.float32]:
    """The network's input ``(B, 3, 40, 40)`` in [0, 1]; the three channels are the same."""
    grey = np.stack(crops).astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(np.broadcast_to(grey[:, None], (len(grey), 3, *grey.shape[1:])))


def overlaps(boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
    """Largest share of each box that one other box covers, ``(N,)`` in [0, 1]."""
    b = np.array(boxes, np.float32).reshape(-1, 4)
    low = np.maximum(b[:, None, :2], b[None, :, :2])
    high = np.minimum(b[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(common, 0)
    share = common / (b[:, 2:] - b[:, :2]).prod(axis=1)[:, None]
    return np.asarray(share.max(axis=1, initial=0.0), np.float32)


def measured(cells: Sequence[Outlined], zoom: float) -> list[RedCellMeasures | None]:
    """Measures in pixels of the field; ``zoom`` is the copy's pixels per pixel of the field."""
    densities = [cell.density for cell in cells if cell.area]
    usual = float(np.median(densities)) if densities else 1.0
    return [_measures(cell, zoom, usual or 1.0) if cell.area else None for cell in cells]


def _measures(cell: Outlined, zoom: float, usual_density: float) -> RedCellMeasures:
    area = cell.area / zoom**2
    return RedCellMeasures(
        area_px=area,
        diameter_px=float(np.sqrt(4 * area / np.pi)),
        roundness=cell.roundness,
        pallor=cell.pallor,
        chromicity=cell.density / usual_density,
    )


def _judged(
    row: npt.NDArray[np.float64],
    card: RedCellCard,
    identity: str,
    measures: RedCellMeasures | None,
) -> RedCellShape:
    label, sure = named(row, card)
    return RedCellShape(
        label,
        float(row.max()),
        identity,
        probabilities=dict(zip(card.classes, row.tolist(), strict=True)),
        not_judged="" if sure else "unclear",
        measures=measures,
    )
