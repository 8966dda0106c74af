"""Small drawn sets of cells, in the layouts that training reads."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

COLOURS = {"basophil": (90, 40, 120), "eosinophil": (220, 120, 90), "lymphocyte": (60, 60, 160)}


def draw_cells(root, per_class=14, side=72):
    """Class folders of discs on speckle, no two alike: colour is the class."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            picture = rng.integers(170, 250, (9, 9, 3)).astype(np.uint8)
            picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
            centre = tuple(int(v) for v in rng.integers(side // 2 - 5, side // 2 + 5, 2))
            cv2.circle(picture, centre, int(rng.integers(12, 18)), colour, -1)
            cv2.imwrite(str(root / name / f"CELL_{number}.jpg"), picture[:, :, ::-1])


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """A data folder whose ``pbc`` holds three classes of fourteen drawn cells."""
    root = tmp_path_factory.mktemp("data")
    draw_cells(root / "pbc")
    return root
