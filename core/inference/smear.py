"""A blood-smear field becomes a finding: counts with intervals, cells, calls and flags."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.imaging.blood import NOT_A_SMEAR_BELOW, smear_likeness
from core.imaging.quality import assess
from core.inference.locate.cell_crop import crop_cell
from core.inference.locate.edge import EDGE_SHARE, touches_edge
from core.inference.locate.locator import Located, locate, thresholds_of
from core.inference.locate.regression import count_by_regression, disagreement
from core.inference.platelet_clumps import FEWEST, largest_clump
from core.inference.red_cell.shapes import shapes
from core.inference.white_cell.classify import call_crops
from core.models.cards import LocatorCard
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel
from core.records import (
    Box,
    Cell,
    CellCounts,
    CountingRule,
    Estimate,
    Field,
    Flag,
    LocatorReference,
    Method,
    SmearFinding,
)
from core.taxonomy import KINDS, CellKind, is_critical, title

_FEW_CELLS = 5
_USUAL_VIEW = (6.5, 5.0)
"""Width and height, in red-cell diameters, of the fields that the smear rule was made from."""


def analyse(
    field: Field,
    models: SmearModels,
    *,
    counting_rule: CountingRule = "all_visible",
    method: Method = "locator",
) -> SmearFinding:
    """Locate, count and classify the cells of one field.

    Args:
        field: any size from 200 to 4,000 px a side; the scale is taken from its red cells.
        models: what answers; without a model for them the shapes of red cells are not judged.
        counting_rule: every visible cell, or the counting chamber's (touching the top and left
            edges in, bottom and right out).
        method: which count stands in ``counts``. Both are made, since where they disagree a
            person must look (flag ``methods_disagree``).

    Returns:
        The finding. A picture that is no smear is analysed all the same and flagged
        ``not_a_smear``.
    """
    located = locate(field.pixels, models.locator)
    cells = _cells(field, located, models.locator)
    white = [i for i, cell in enumerate(cells) if cell.kind == "wbc"]
    crops = [crop_cell(field.pixels, cells[i].box_xyxy_px, located.rbc_diameter_px) for i in white]
    for i, call in zip(white, call_crops(crops, models.white_cells), strict=True):
        cells[i] = replace(cells[i], wbc=call)
    if models.red_cells is not None:
        cells = shapes(field, cells, models.red_cells, located.rbc_diameter_px)
    reference = _reference(models.locator)
    counts = _counts(cells, reference)
    regressed = count_by_regression(field.pixels, located.rbc_diameter_px, models.counts)
    flags = _flags(field, cells, located.rbc_diameter_px)
    diameter = located.rbc_diameter_px
    view = field.width * field.height / diameter**2 if diameter else None
    disagrees = disagreement(counts, regressed, view)
    finding = SmearFinding(
        file=field.name,
        width=field.width,
        height=field.height,
        method="locator",
        model=reference.model,
        counting_rule="all_visible",
        counts=counts,
        cells=tuple(cells),
        flags=tuple(flags if disagrees is None else [*flags, disagrees]),
        rbc_diameter_px=located.rbc_diameter_px,
        regressed=regressed,
        regression_model=models.counts.identity,
        locator=reference,
    )
    return recount(finding, counting_rule, method)


def recount(
    finding: SmearFinding, counting_rule: CountingRule, method: Method = "locator"
) -> SmearFinding:
    """The same finding counted by another rule or by the other method; no picture is read again.

    The count is that of the models that made the finding, whichever are live now: the finding holds
    all that it takes. Regression sees no single cells, so it counts all that is visible whatever
    the rule.

    Raises:
        ValueError: if the finding was kept without what the asked count needs.
    """
    if method == "regression":
        if finding.regressed is None:
            raise ValueError(f"{finding.file} was counted by the locator only")
        return replace(
            finding,
            method=method,
            model=finding.regression_model,
            counting_rule="all_visible",
            counts=finding.regressed,
        )
    if finding.locator is None:
        if (finding.method, finding.counting_rule) == (method, counting_rule):
            return finding
        raise ValueError(
            f"{finding.file} was kept without the interval scale of the locator that counted it, "
            "so it cannot be counted in another way; analyse the picture again"
        )
    counted = finding.cells
    if counting_rule == "chamber":
        counted = tuple(cell for cell in counted if not _at_lower_right(cell.box_xyxy_px, finding))
    return replace(
        finding,
        method=method,
        model=finding.locator.model,
        counting_rule=counting_rule,
        counts=_counts(counted, finding.locator),
    )


def _at_lower_right(box: Box, finding: SmearFinding) -> bool:
    reach = EDGE_SHARE * min(finding.width, finding.height)
    return box[2] >= finding.width - reach or box[3] >= finding.height - reach


def _cells(field: Field, located: Located, locator: LoadedModel) -> list[Cell]:
    peaks = located.peaks.above(thresholds_of(locator))
    limit = np.array([field.width, field.height] * 2, np.float32)
    cells = []
    for box, score, kind in zip(
        np.clip(peaks.boxes_xyxy, 0, limit), peaks.scores, peaks.kinds, strict=True
    ):
        if box[2] - box[0] >= 1 and box[3] - box[1] >= 1:
            x0, y0, x1, y1 = (float(v) for v in box)
            cells.append(Cell(KINDS[kind], (x0, y0, x1, y1), float(score)))
    return cells


def _reference(locator: LoadedModel) -> LocatorReference:
    return LocatorReference(locator.identity, locator.card_as(LocatorCard).interval_scale)


def _counts(cells: Sequence[Cell], locator: LocatorReference) -> CellCounts:
    return CellCounts(**{kind: _estimate(kind, cells, locator) for kind in KINDS})


def _estimate(kind: CellKind, cells: Sequence[Cell], locator: LocatorReference) -> Estimate:
    """The count with its 90 % interval.

    Half its width is the validation fields' 90th percentile of |count - truth| / sqrt(count + 1),
    times sqrt(count + 1): split conformal, scaled as counting noise grows (Lei 2018).
    """
    count = sum(cell.kind == kind for cell in cells)
    reach = math.floor(locator.interval_scale[kind] * math.sqrt(count + 1) + 1e-9)
    return Estimate(count, max(0, count - reach), count + reach)


def _is_smear_up_close(field: Field, cells: list[Cell], rbc_diameter_px: float) -> bool:
    """A wide view of many small cells, judged by a part as wide as the rule knows."""
    width, height = (round(side * rbc_diameter_px) for side in _USUAL_VIEW)
    if field.width < 2 * width or field.height < 2 * height:
        return False
    middle = next(
        (c.box_xyxy_px for c in cells if c.kind == "wbc"), (0, 0, field.width, field.height)
    )
    left = round(min(max((middle[0] + middle[2] - width) / 2, 0), field.width - width))
    top = round(min(max((middle[1] + middle[3] - height) / 2, 0), field.height - height))
    part = np.ascontiguousarray(field.pixels[top : top + height, left : left + width])
    return smear_likeness(part) >= NOT_A_SMEAR_BELOW


def _flags(field: Field, cells: list[Cell], rbc_diameter_px: float | None) -> list[Flag]:
    flags = list(assess(field))
    if rbc_diameter_px and _is_smear_up_close(field, cells, rbc_diameter_px):
        flags = [flag for flag in flags if flag.code != "not_a_smear"]
    red = [cell for cell in cells if cell.kind == "rbc"]
    if len(red) < _FEW_CELLS:
        flags.append(
            Flag(
                "too_few_cells",
                f"Only {len(red)} red cells were found: too few to judge this field.",
            )
        )
    cut = sum(touches_edge(cell.box_xyxy_px, field.width, field.height) for cell in red)
    if red and cut > 0.75 * len(red):
        flags.append(
            Flag(
                "cells_at_edge",
                f"{cut} of {len(red)} red cells are cut by the edge: "
                "the count depends on the counting rule.",
            )
        )
    clumped = largest_clump([cell.box_xyxy_px for cell in cells if cell.kind == "platelet"])
    if clumped >= FEWEST:
        flags.append(
            Flag(
                "platelet_clump",
                f"{clumped} platelets lie in a clump: there may be more than were counted.",
            )
        )
    for cell in cells:
        if cell.wbc is None:
            continue
        if touches_edge(cell.box_xyxy_px, field.width, field.height):
            flags.append(
                Flag("wbc_at_edge", "A white cell is cut by the edge: its class is less certain.")
            )
        for flag in cell.wbc.flags:
            if flag.code == "critical_cell":
                words = f"{title(cell.wbc.label)} found: critical, a person must look at it."
                if not is_critical(cell.wbc.label):
                    words = "A white cell may be immature or a blast, look: critical."
                flags.append(Flag("critical_cell", words))
    return list(dict.fromkeys(flags))
