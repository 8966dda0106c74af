"""Grad-CAM pictures of a finding as files; a map that is not faithful is not drawn."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.explain.count_map import explain_count
from core.explain.faithfulness import Faithfulness
from core.explain.gradcam import explain_class, overlay
from core.explain.heat import HeatMap
from core.explain.verdict import class_verdict, count_verdict
from core.inference.locate.cell_crop import crop_cell
from core.models.smear_models import SmearModels
from core.records import Field, RgbImage, SmearFinding
from core.taxonomy import KINDS


def write_explanations(
    field: Field,
    finding: SmearFinding,
    folder: Path,
    models: SmearModels,
    strength: float = 0.6,
) -> list[Path]:
    """Write one picture per count and, for each white cell, its crop and its map.

    ``models`` are those that made the finding.
    Names start with the field's file name, so that several fields can share a folder. A map that
    fails the check of :mod:`core.explain.faithfulness` is not drawn: its picture says so. The
    verdicts stand in ``NAME-maps.json``, which is not in the list.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(field.name).stem
    written: list[Path] = []
    verdicts: dict[str, dict[str, object]] = {}

    def write_map(name: str, pixels: RgbImage, heat: HeatMap, verdict: Faithfulness) -> None:
        picture = overlay(pixels, heat, strength) if verdict.reliable else _without_map(pixels)
        written.append(folder / f"{name}.png")
        Image.fromarray(picture).save(written[-1])
        verdicts[written[-1].name] = verdict.as_json()

    scale = finding.rbc_diameter_px
    for kind in KINDS:
        heat = explain_count(field.pixels, kind, scale, models.locator)
        verdict = count_verdict(field.pixels, kind, scale, heat, models.locator)
        write_map(f"{stem}-{kind}", field.pixels, heat, verdict)
    for number, cell in enumerate(finding.cells_of("wbc"), start=1):
        if cell.wbc is None:
            continue
        crop, label = crop_cell(field.pixels, cell.box_xyxy_px, scale), cell.wbc.label
        written.append(folder / f"{stem}-cell{number}.png")
        Image.fromarray(crop).save(written[-1])
        heat = explain_class(crop, label, models.white_cells)
        verdict = class_verdict(crop, label, heat, models.white_cells)
        write_map(f"{stem}-cell{number}-{label}", crop, heat, verdict)
    (folder / f"{stem}-maps.json").write_text(json.dumps(verdicts, indent=2) + "\n")
    return written


def _without_map(pixels: RgbImage) -> RgbImage:
    """The plain picture with a line under it that says why there is no map."""
    height, width = pixels.shape[:2]
    line = max(16, height // 24)
    picture = Image.new("RGB", (width, height + line + 4), "white")
    picture.paste(Image.fromarray(pixels), (0, 0))
    font = ImageFont.load_default(line * 0.7)
    ImageDraw.Draw(picture).text((4, height + 2), "map not reliable", fill="black", font=font)
    return np.asarray(picture, dtype=np.uint8)
