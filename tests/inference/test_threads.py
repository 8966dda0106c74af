"""Sessions share the models: answers must not depend on who else asks."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.explain.gradcam import explain_class
from core.imaging.synthetic import draw
from core.inference.smear import analyse
from core.models import registry


def test_analyses_side_by_side_equal_those_in_turn():
    fields = [draw(seed, width=400, height=300, rbc_diameter_px=60).field for seed in range(6)]
    models = registry.smear_models()
    alone = [analyse(field, models) for field in fields]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda field: analyse(field, models), fields))
    assert together == alone


def test_maps_side_by_side_equal_those_in_turn():
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 255, (128, 128, 3), dtype=np.uint8) for _ in range(8)]
    labels = ["lymphocyte", "monocyte"] * 4
    model = registry.live("wbc")
    alone = [explain_class(c, label, model) for c, label in zip(crops, labels, strict=True)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda c, label: explain_class(c, label, model), crops, labels))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
