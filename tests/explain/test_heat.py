import numpy as np
import pytest

from core.explain.heat import count_heat, stretch
from core.imaging.synthetic import draw
from core.inference.smear import analyse
from core.models import registry
from core.taxonomy import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_heat_is_strong_where_cells_were_counted_and_nowhere_else(kind):
    item = draw(21, wbc=["monocyte"], platelets=2)
    finding = analyse(item.field, registry.smear_models())
    heat = count_heat(item.field.pixels, kind, finding.rbc_diameter_px, registry.live("locator"))
    assert heat.shape == item.field.pixels.shape[:2]
    assert 0 <= heat.min() <= heat.max() <= 1
    rest = heat.copy()
    for cell in finding.cells_of(kind):
        x0, y0, x1, y1 = (round(v) for v in cell.box_xyxy_px)
        # The heat is finer than a pixel of the map: a peak may lose some height when enlarged.
        assert heat[y0 : y1 + 1, x0 : x1 + 1].max() > 0.6 * cell.score
        rest[y0 : y1 + 1, x0 : x1 + 1] = 0
    assert finding.cells_of(kind)
    assert rest.mean() < heat.mean()


def test_stretching_keeps_the_range():
    heat = stretch(np.eye(8, dtype=np.float32), 64, 32)
    assert heat.shape == (64, 32)
    assert 0 <= heat.min() <= heat.max() <= 1
