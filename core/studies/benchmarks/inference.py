"""How long each step of an analysis takes on this machine: medians after a warm-up."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from core.explain.gradcam import explain_class
from core.imaging.read import read_field
from core.imaging.synthetic import draw
from core.inference.locate.cell_crop import crop_cell
from core.inference.locate.locator import locate
from core.inference.smear import analyse
from core.inference.white_cell.classify import call_crops
from core.models import registry
from core.models.engine import as_batch, engine_for
from core.settings import settings


@dataclass(frozen=True)
class Timing:
    """One step: median, fastest and slowest in milliseconds over ``runs``."""

    step: str
    median_ms: float
    fastest_ms: float
    slowest_ms: float
    runs: int


def time_steps(runs: int = 20) -> list[Timing]:
    """Time each step of analysing one 640x480 field with one white cell, and a batch of eight.

    Args:
        runs: timed runs of each step, at least 1.

    Raises:
        WeightsRefused: if a live model is missing or damaged.
    """
    field = draw(7, width=640, height=480, wbc=["segmented_neutrophil"]).field
    encoded = cv2.imencode(".jpg", field.pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[
        1
    ].tobytes()
    models = registry.smear_models()
    finding = analyse(field, models)
    box = finding.cells_of("wbc")[0].box_xyxy_px
    crop = crop_cell(field.pixels, box, finding.rbc_diameter_px)
    small = cv2.resize(field.pixels, (320, 240), interpolation=cv2.INTER_AREA).astype(np.uint8)
    engine = engine_for(models.locator)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("decode", lambda: read_field("bench.jpg", encoded, settings())),
        ("locate and count", lambda: locate(field.pixels, models.locator)),
        ("classify one cell", lambda: call_crops([crop], models.white_cells)),
        (
            "Grad-CAM of one cell",
            lambda: explain_class(crop, "segmented_neutrophil", models.white_cells),
        ),
        (
            "whole field, without Grad-CAM",
            lambda: analyse(read_field("bench.jpg", encoded, settings()), models),
        ),
        ("locator network, one field", lambda: engine(as_batch([small]))),
        ("locator network, batch of eight", lambda: engine(as_batch([small] * 8))),
    ]
    return [_time(name, step, runs) for name, step in steps]


def _time(name: str, step: Callable[[], object], runs: int, warmup: int = 3) -> Timing:
    for _ in range(warmup):
        step()
    milliseconds = []
    for _ in range(runs):
        began = time.perf_counter()
        step()
        milliseconds.append((time.perf_counter() - began) * 1000)
    return Timing(name, statistics.median(milliseconds), min(milliseconds), max(milliseconds), runs)
