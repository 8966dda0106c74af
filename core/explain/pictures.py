"""Grad-CAM pictures of a finding as files."""

from pathlib import Path

from PIL import Image

from core.explain.gradcam import explain_class, explain_count, overlay
from core.inference.cell_crop import crop_cell
from core.records import Field, SmearFinding
from core.taxonomy import KINDS


def write_explanations(
    field: Field, finding: SmearFinding, folder: Path, strength: float = 0.6
) -> list[Path]:
    """Write one picture per count and, for each white cell, its crop and its map.

    Names start with the field's file name, so that several fields can share a folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(field.name).stem
    written = []
    for kind in KINDS:
        heat = explain_count(field.pixels, kind, finding.rbc_diameter_px)
        written.append(folder / f"{stem}-{kind}.png")
        Image.fromarray(overlay(field.pixels, heat, strength)).save(written[-1])
    for number, cell in enumerate(finding.cells_of("wbc"), start=1):
        crop = crop_cell(field.pixels, cell.box_xyxy_px, finding.rbc_diameter_px)
        if cell.wbc is not None:
            written.append(folder / f"{stem}-cell{number}.png")
            Image.fromarray(crop).save(written[-1])
            written.append(folder / f"{stem}-cell{number}-{cell.wbc.label}.png")
            Image.fromarray(overlay(crop, explain_class(crop, cell.wbc.label), strength)).save(
                written[-1]
            )
    return written
