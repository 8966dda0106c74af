"""Draw a synthetic field, or one white cell, from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from core.imaging.synthetic.camera import photograph
from core.imaging.synthetic.layout import PlacedCell, Slide
from core.imaging.synthetic.morphology import MORPHOLOGY
from core.imaging.synthetic.patch import CellPatch
from core.imaging.synthetic.platelets import draw_platelet
from core.imaging.synthetic.red_cells import RedCellLook, choose_look, draw_red_cell
from core.imaging.synthetic.stain import Stain, choose_stain
from core.imaging.synthetic.texture import Plane
from core.imaging.synthetic.white_cells import draw_white_cell
from core.records import Box, Field
from core.taxonomy import KINDS, WBC_CLASSES, CellKind

SIZE_RANGE_PX: Final = (64, 4096)
DIAMETER_RANGE_PX: Final = (8.0, 400.0)

_USUAL_DIFFERENTIAL: Final = {
    "segmented_neutrophil": 0.50,
    "lymphocyte": 0.26,
    "monocyte": 0.09,
    "eosinophil": 0.07,
    "band_neutrophil": 0.05,
    "basophil": 0.03,
}
"""Frequencies of the default class: an adult differential with more of the rare classes."""


@dataclass(frozen=True)
class SyntheticCell:
    """The truth about one drawn cell.

    ``box_xyxy_px`` bounds the part of the cell inside the field (parts overlapped by other cells
    included, as they show through); ``label`` is the class of a white cell, else ``None``.
    """

    kind: CellKind
    box_xyxy_px: Box
    label: str | None = None

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box_xyxy_px
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"box without area: {self.box_xyxy_px}")
        if self.kind not in KINDS or (self.label is not None and self.label not in WBC_CLASSES):
            raise ValueError(f"unknown kind or class: {self.kind!r}, {self.label!r}")


@dataclass(frozen=True)
class SyntheticField:
    """A drawn field with every visible cell in it.

    ``cells`` holds all cells with at least ``MIN_VISIBLE_SHARE`` of themselves inside the field;
    cells with less are not drawn at all, so the count is exact. ``field.sha256`` is the hash of
    ``png_bytes(field)``: the file somebody saves is the same picture when it is read again.
    """

    field: Field
    cells: tuple[SyntheticCell, ...]
    stain: str
    rbc_diameter_px: float

    def count(self, kind: CellKind) -> int:
        """Visible cells of a kind."""
        return sum(cell.kind == kind for cell in self.cells)


def draw(
    seed: int,
    *,
    width: int = 640,
    height: int = 480,
    rbc: int | None = None,
    wbc: Sequence[str] | None = None,
    platelets: int | None = None,
    stain: str | None = None,
    rbc_diameter_px: float | None = None,
) -> SyntheticField:
    """Draw a realistic stained smear field whose cells are exactly known.

    Args:
        seed: 0 or more; equal arguments give equal pixels.
        width: field width in pixels, in ``SIZE_RANGE_PX``.
        height: field height in pixels, in ``SIZE_RANGE_PX``.
        rbc: visible red cells, exactly; by default as dense as a CBC field (about 22 at 640x480).
        wbc: one class of ``WBC_CLASSES`` for each white cell (not ``"platelet"``: see
            ``platelets``); by default one, drawn from an adult differential.
        platelets: visible platelets, exactly; by default 0 to 3 at 640x480.
        stain: a name of ``STAINS``; by default one of them with some variation.
        rbc_diameter_px: mean red-cell diameter, in ``DIAMETER_RANGE_PX``; by default 88 to 106,
            whatever the size of the field: a larger field shows more cells.

    Returns:
        The field, named ``synthetic-<seed>.png``, and its cells.

    Raises:
        ValueError: if an argument is outside its range, or the requested cells do not fit.
    """
    _check_size(width, height)
    labels = _checked_labels(wbc)
    for name, number in (("rbc", rbc), ("platelets", platelets)):
        if number is not None and number < 0:
            raise ValueError(f"{name} must be 0 or more, got {number}")
    # Separate random streams, so that another stain changes neither the cells nor their places.
    layout, cells, look, camera = _streams(seed)
    diameter = _checked_diameter(rbc_diameter_px, layout.uniform(88, 106))
    colours = choose_stain(look, stain)
    slide = Slide(width, height)
    if labels is None:
        usual = str(layout.choice(list(_USUAL_DIFFERENTIAL), p=list(_USUAL_DIFFERENTIAL.values())))
        _place_white(slide, layout, usual, draw_white_cell(cells, usual, diameter))
    for label in labels or ():
        if not _place_white(slide, layout, label, draw_white_cell(cells, label, diameter)):
            raise _no_room("white cell", slide, diameter)
    _add_red_cells(slide, layout, cells, choose_look(cells, colours), diameter, rbc)
    _add_platelets(slide, layout, cells, diameter, platelets)
    field = _photographed(f"synthetic-{seed:04d}.png", slide, colours, diameter, camera)
    truth = tuple(
        SyntheticCell(cell.kind, cell.box_xyxy_px(width, height), cell.label)
        for cell in slide.cells
    )
    return SyntheticField(field, truth, colours.name, diameter)


def draw_cell(
    seed: int,
    label: str,
    *,
    size: int = 176,
    stain: str | None = None,
    rbc_diameter_px: float | None = None,
) -> Field:
    """One cell of a class in the middle of a square crop, with red cells around it.

    Args:
        seed: 0 or more; equal arguments give equal pixels.
        label: any of ``WBC_CLASSES``, the platelet included.
        size: side of the crop in pixels, in ``SIZE_RANGE_PX``.
        stain: a name of ``STAINS``; by default one of them with some variation.
        rbc_diameter_px: mean red-cell diameter; by default 0.20 to 0.24 of the side, as in the
            PBC crops.

    Raises:
        ValueError: if an argument is outside its range.
    """
    _check_size(size, size)
    if label not in WBC_CLASSES:
        raise ValueError(f"unknown white-cell class {label!r}; known: {', '.join(WBC_CLASSES)}")
    layout, cells, look, camera = _streams(seed)
    diameter = _checked_diameter(rbc_diameter_px, size * layout.uniform(0.20, 0.24))
    colours = choose_stain(look, stain)
    slide = Slide(size, size)
    patch = (
        draw_platelet(cells, diameter)
        if label == "platelet"
        else draw_white_cell(cells, label, diameter)
    )
    shift_x, shift_y = (int(v) for v in np.rint(layout.normal(0, 0.01 * size, 2)))
    corner = (size - patch.size_px) // 2
    kind: CellKind = "platelet" if label == "platelet" else "wbc"
    slide.add(PlacedCell(kind, label, patch, corner + shift_x, corner + shift_y))
    _add_red_cells(slide, layout, cells, choose_look(cells, colours), diameter, None)
    _add_platelets(slide, layout, cells, diameter, int(layout.poisson(0.6)), exact=False)
    return _photographed(f"synthetic-{label}-{seed:04d}.png", slide, colours, diameter, camera)


def png_bytes(field: Field) -> bytes:
    """The field as a PNG file; ``field.sha256`` of a synthetic field is the hash of these bytes."""
    done, data = cv2.imencode(
        ".png", np.ascontiguousarray(field.pixels[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )
    if not done:
        raise ValueError(f"{field.name}: cannot be written as PNG")
    return bytes(data)


def _streams(seed: int) -> list[np.random.Generator]:
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]


def _check_size(width: int, height: int) -> None:
    low, high = SIZE_RANGE_PX
    if not (low <= width <= high and low <= height <= high):
        raise ValueError(f"a field is {low} to {high} px wide and high, got {width} x {height}")


def _checked_diameter(requested: float | None, usual: float) -> float:
    diameter = float(usual if requested is None else requested)
    low, high = DIAMETER_RANGE_PX
    if requested is not None and not low <= diameter <= high:
        raise ValueError(f"rbc_diameter_px must be {low} to {high}, got {requested}")
    return diameter


def _checked_labels(wbc: Sequence[str] | None) -> tuple[str, ...] | None:
    if wbc is None:
        return None
    for label in wbc:
        if label not in MORPHOLOGY:
            raise ValueError(f"cannot draw {label!r} as white cell; known: {', '.join(MORPHOLOGY)}")
    return tuple(wbc)


def _no_room(what: str, slide: Slide, diameter: float) -> ValueError:
    return ValueError(
        f"no room for another {what} among {len(slide.cells)} cells in {slide.width} x"
        f" {slide.height} px at a red-cell diameter of {diameter:.0f} px; ask for fewer or smaller"
    )


def _place_white(slide: Slide, rng: np.random.Generator, label: str, patch: CellPatch) -> bool:
    """Place a white cell mostly inside; more of it may be cut off only in a small field."""
    wanted = float(rng.choice([0.98, 0.75], p=[0.75, 0.25]))
    return any(
        slide.place(rng, "wbc", label, patch, min_share=share)
        for share in (wanted, 0.75, 0.5, 0.25)
    )


def _add_red_cells(
    slide: Slide,
    layout: np.random.Generator,
    cells: np.random.Generator,
    look: RedCellLook,
    diameter: float,
    number: int | None,
) -> None:
    """Place exactly ``number`` red cells; None: about the usual number."""
    usual = layout.normal(1.0, 0.15) * _usual_red_count(slide, diameter)
    for _ in range(max(0, round(usual)) if number is None else number):
        patch = draw_red_cell(cells, diameter, look)
        placed = slide.place(layout, "rbc", None, patch, near=0.5)
        if not placed and number is not None:
            raise _no_room("red cell", slide, diameter)


def _usual_red_count(slide: Slide, diameter: float) -> float:
    # 0.58 cells per squared diameter gives the 22 visible cells of a CBC field at 97 px; the
    # margin of 0.35 diameters holds the centres of cells that are cut by the edge.
    margin = 0.7 * diameter
    covered_px = sum(float(cell.patch.silhouette.sum()) for cell in slide.cells)
    return (
        0.58 * max(0.0, (slide.width + margin) * (slide.height + margin) - covered_px) / diameter**2
    )


def _add_platelets(
    slide: Slide,
    layout: np.random.Generator,
    cells: np.random.Generator,
    diameter: float,
    number: int | None,
    *,
    exact: bool = True,
) -> None:
    """Place ``number`` platelets; None: about one for each area of a CBC field."""
    fields = slide.width * slide.height / (640 * 480) * (97 / diameter) ** 2
    usual = min(int(layout.poisson(1.1 * fields)), int(np.ceil(3 * fields)))
    for _ in range(usual if number is None else number):
        patch = draw_platelet(cells, diameter)
        placed = slide.place(layout, "platelet", None, patch, min_share=0.4)
        if not placed and exact and number is not None:
            raise _no_room("platelet", slide, diameter)


def _photographed(
    name: str, slide: Slide, stain: Stain, diameter: float, rng: np.random.Generator
) -> Field:
    density: Plane = np.zeros((slide.height, slide.width, 3), dtype=np.float32)
    for cell in slide.cells:
        window, part = cell.windows(slide.width, slide.height)
        for dye, plane in cell.patch.dyes.items():
            density[window] += plane[part][..., None] * np.asarray(
                stain.density[dye], dtype=np.float32
            )
    pixels = photograph(rng, density, stain, diameter)
    unnamed = Field(name=name, pixels=pixels, sha256="")
    return Field(name, pixels, hashlib.sha256(png_bytes(unnamed)).hexdigest())
