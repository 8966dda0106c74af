import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from core.evaluation import paper_wbc_report
from core.evaluation.confusion_picture import (
    as_figure,
    as_markdown,
    write_confusions,
    write_picture,
)
from core.evaluation.novelty_suite import auroc_row, no_cells
from core.evaluation.wbc_suite import _holds, _parent_calibration
from core.imaging import not_cells
from core.records import WbcCall
from core.statistics.figures import ClassRow

TABLE = np.array([[8, 2], [0, 0]])


def test_a_confusion_matrix_is_shaded_by_its_row(tmp_path):
    (axes,) = as_figure(TABLE, ["monocyte", "basophil"]).axes
    (squares,) = axes.images
    colours = 255 * np.asarray(squares.to_rgba(np.asarray(squares.get_array())))[:, :, :3]
    # 80 and 20 % of the way from white to the deep blue (8, 64, 129)
    assert colours[0, 0] == pytest.approx(
        [255 - 0.8 * 247, 255 - 0.8 * 191, 255 - 0.8 * 126], abs=2
    )
    assert colours[0, 1] == pytest.approx(
        [255 - 0.2 * 247, 255 - 0.2 * 191, 255 - 0.2 * 126], abs=2
    )
    # A class without cells stays white and divides by nothing.
    assert colours[1] == pytest.approx(np.full((2, 3), 255.0))
    assert [text.get_text() for text in axes.texts] == ["8", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Monocyte", "Basophil"]
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, TABLE, ["monocyte", "basophil"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_table_says_the_same():
    lines = as_markdown(TABLE, ["monocyte", "basophil"]).splitlines()
    assert lines[2] == "| Monocyte | 8 | 2 |" and len(lines) == 4


def test_pictures_of_every_set_with_a_matrix(tmp_path):
    figures = {
        "pbc_test": {"confusion": TABLE.tolist(), "classes": ["monocyte", "basophil"]},
        "novelty": {"n": 3},
    }
    written = write_confusions(tmp_path / "new", "wbc", figures)
    assert [path.name for path in written] == [
        "wbc-pbc_test-confusion.png",
        "wbc-pbc_test-confusion.md",
    ]
    assert Image.open(written[0]).size[0] > 200


def test_the_published_report_is_that_of_the_page():
    ours: ClassRow = {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "n": 4}
    rows = paper_wbc_report.side_by_side({"monocyte": ours})
    assert rows["monocyte"]["published"] == {"precision": 0.99, "recall": 0.99, "f1": 0.99}
    assert rows["monocyte"]["ours"]["recall"] == 0.5 and rows["blast"]["ours"]["n"] is None
    table = paper_wbc_report.as_markdown({"published": 0.988, "ours": None}, rows)
    assert "| blast | 1.00 / 1.00 / 1.00 | none / none / none | 0 |" in table


def test_auroc_against_scikit_learn():
    rng = np.random.default_rng(0)
    known, strange = rng.normal(0, 1, 80), rng.normal(1, 1, 60)
    row = auroc_row(known, strange)
    expected = roc_auc_score([0] * 80 + [1] * 60, np.r_[known, strange])
    assert row["value"] == pytest.approx(expected)
    assert row["low"] < expected < row["high"] and row["n"] == [80, 60]


def call(probabilities, shown):
    best = max(probabilities, key=probabilities.get)
    return WbcCall(best, probabilities[best], probabilities, shown, False, "m")


def test_a_set_holds_a_parent_by_any_child():
    assert _holds(("band_neutrophil",), "neutrophil")
    assert not _holds(("monocyte",), "neutrophil") and not _holds((), "monocyte")


def test_neutrophils_count_together_for_calibration():
    call_probabilities = {"segmented_neutrophil": 0.5, "band_neutrophil": 0.4, "monocyte": 0.1}
    # 0.9 predicted, always right: by hand the gap is 0.1.
    assert _parent_calibration(
        ["neutrophil"] * 4, [call(call_probabilities, ())] * 4
    ) == pytest.approx(0.1)


def test_things_that_are_no_cells_are_the_same_every_time(tmp_path):
    first, again = (no_cells(tmp_path, seed=1)["text"][0] for _ in range(2))
    assert np.array_equal(first, again) and first.shape == (128, 128, 3)
    assert not np.array_equal(first, no_cells(tmp_path, seed=2)["text"][0])
    assert "palms" not in no_cells(tmp_path)


def test_patches_fit_any_photograph():
    rng = np.random.default_rng(0)
    for shape in ((40, 300, 3), (700, 90, 3)):
        photograph = rng.integers(0, 255, shape, dtype=np.uint8)
        assert not_cells.patch(rng, photograph).shape == (128, 128, 3)


def test_a_dark_violet_area_is_a_nucleus():
    plain = np.full((64, 64, 3), (225, 190, 195), np.uint8)
    stained = plain.copy()
    stained[20:40, 20:40] = (90, 50, 140)
    assert not_cells.has_nucleus(stained) and not not_cells.has_nucleus(plain)
