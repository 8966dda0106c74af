"""Copies of what new models are judged on, on the public cells themselves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.datasets.public import pbc
from core.settings import settings
from core.training import intakes
from core.training.promote import locked_sets


@pytest.fixture
def judged(data_dir, own_var):
    return intakes.judged_on("wbc")


def test_sent_cells_of_the_locked_part_are_known_and_others_are_not(judged, data_dir, tmp_path):
    """Ten of the test part, five of them squeezed and stored again; twenty that may be learnt."""
    train, _, test = pbc.split(pbc.load(data_dir / "pbc"), seed=0)
    root = tmp_path / "ours"
    for name, cells in (("test", test), ("train", train)):
        for label in ("monocyte", "lymphocyte"):
            (root / label).mkdir(parents=True, exist_ok=True)
            chosen = [cell for cell in cells if cell.label == label][: 5 if name == "test" else 10]
            for number, cell in enumerate(chosen):
                file = root / label / f"{name}_{number}.jpg"
                if name == "test" and label == "monocyte":
                    picture = cv2.resize(cv2.imread(str(cell.path)), (300, 310))
                    cv2.imwrite(str(file), picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
                else:
                    file.write_bytes(cell.path.read_bytes())
    found = intakes.read_own("folders", root, settings())
    left_out = {s.file for s in found.skipped if "locked test set PBC test part" in s.reason}
    assert left_out == {
        f"{label}/test_{n}.jpg" for label in ("monocyte", "lymphocyte") for n in range(5)
    }
    assert "10 of the pictures are left out" in found.notes[0]


def test_the_hashes_are_kept_beside_the_list(judged, data_dir):
    file = locked_sets.original()
    assert file is not None
    cached = np.load(file.with_suffix(".hashes.npy"), allow_pickle=False)
    again = locked_sets.hashes_of(file)
    assert again is not None and judged is not None
    np.testing.assert_array_equal(cached, again.hashes)
    assert judged.title == again.title == "PBC test part"
    assert len(cached) == len(locked_sets.read(file).items)
