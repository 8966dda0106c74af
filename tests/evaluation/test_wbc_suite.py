"""``evaluate wbc`` with a model that always says monocyte: every figure is known beforehand.

Its probabilities are those of the logits 0, 3, 0: 0.909 for monocyte and 0.045 for the two others.
"""

import json
import math

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from tests.fixtures.models import installed

SURE = math.exp(3) / (math.exp(3) + 2)
PBC = {
    "monocyte/MO": 20,
    "lymphocyte/LY": 30,
    "neutrophil/NEUTROPHIL": 10,  # their subtype is not known, and their background is odd
}
OTHER_LABORATORY = {"monocyte": 1, "lymphocyte": 2, "neutrophil": 1}
"""Fields with one white cell; a fifth of the lymphocytes holds none at all."""


def speckle(rng, side=96):
    small = rng.integers(150, 255, (12, 12, 3)).astype(np.uint8)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)


def field_with(label, seed):
    drawn = synthetic.draw(
        seed, width=320, height=240, wbc=[label], rbc=6, platelets=0, rbc_diameter_px=46
    )
    return synthetic.png_bytes(drawn.field)


@pytest.fixture(scope="module")
def own_site(tmp_path_factory, known_models):
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch, installed(folder, known_models, patch):
        # The suite judges the classifier and must not need the model of the second count.
        for file in (folder / "weights").glob("counts.*"):
            file.unlink()
        yield folder


@pytest.fixture(scope="module")
def data(own_site):
    root, rng = own_site / "sets", np.random.default_rng(3)
    for name, number in PBC.items():
        folder, prefix = name.split("/")
        (root / "pbc" / folder).mkdir(parents=True)
        for n in range(number):
            cv2.imwrite(str(root / "pbc" / folder / f"{prefix}_{n}.jpg"), speckle(rng))
    seed = 900
    for label, number in OTHER_LABORATORY.items():
        (root / "wbc_other_lab" / label).mkdir(parents=True)
        for n in range(number):
            drawn_as = "segmented_neutrophil" if label == "neutrophil" else label
            file = root / "wbc_other_lab" / label / f"{n}.png"
            file.write_bytes(field_with(drawn_as, seed))
            seed += 1
    cv2.imwrite(
        str(root / "wbc_other_lab" / "lymphocyte" / "none.png"), np.full((240, 320, 3), 240, "u1")
    )
    pictures = root / "cbc" / "Testing" / "Images"
    pictures.mkdir(parents=True)
    rows = ["Image,Category"]
    for n, category in enumerate(("MONOCYTE", "LYMPHOCYTE", "MONOCYTE, LYMPHOCYTE")):
        (pictures / f"BloodImage_{n:05d}.png").write_bytes(field_with("monocyte", 950 + n))
        rows.append(f'{n},"{category}"')
    (root / "bccd_wbc").mkdir()
    (root / "bccd_wbc" / "labels.csv").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="module")
def figures(data):
    ran = CliRunner().invoke(app, ["evaluate", "wbc", "--data", str(data), "--json"])
    assert ran.exit_code == 0, ran.stderr
    return json.loads(ran.stdout)


def shares(row):
    return row["value"], row["n"]


def test_every_figure_of_a_model_that_always_says_monocyte(figures):
    """A tenth of PBC is the test part: two monocytes, three lymphocytes, one neutrophil."""
    pbc = figures["pbc_test"]
    assert shares(pbc["eight_class_accuracy"]) == (pytest.approx(2 / 6), 6)
    assert shares(pbc["eight_class_accuracy_usual_background"]) == (pytest.approx(2 / 5), 5)
    assert shares(pbc["eight_class_accuracy_odd_background"]) == (0, 1)
    assert pbc["majority_baseline"] == pytest.approx(3 / 6)
    # The neutrophil is no part of the strict scores: nobody wrote down which it is.
    assert shares(pbc["strict_accuracy"]) == (pytest.approx(2 / 5), 5)
    # Precision 2/5 and recall 1 of the monocytes, nothing of the lymphocytes.
    assert pbc["strict_macro_f1"] == pytest.approx((2 * 2 / (2 + 5) + 0) / 2)
    assert pbc["eight_class_macro_f1"] == pytest.approx((2 * 2 / (2 + 6) + 0 + 0) / 3)
    assert pbc["report"]["monocyte"]["recall"] == 1
    assert pbc["report"]["monocyte"]["precision"] == pytest.approx(2 / 6)
    assert pbc["classes"] == ["lymphocyte", "monocyte"]
    assert pbc["confusion"] == [[0, 3], [0, 2]]


def test_certainty_is_held_against_how_often_it_is_right(figures):
    pbc = figures["pbc_test"]
    # All cells fall into one bin: sure to 0.909, right in two of five.
    assert pbc["expected_calibration_error"] == pytest.approx(SURE - 2 / 5, abs=1e-4)
    assert pbc["expected_calibration_error_n"] == 5
    # The set holds monocyte alone, since 0.045 lies below the card's 0.3.
    assert shares(pbc["set_coverage"]) == (pytest.approx(2 / 5), 5)
    assert pbc["wide_set_mean_size"] == 1
    assert shares(pbc["abstained_interval"]) == (0, 6)
    assert shares(pbc["accuracy_where_not_abstained"]) == (pytest.approx(2 / 6), 6)
    # Nothing critical is among these cells, and monocyte is never flagged.
    assert shares(pbc["critical_sensitivity"]) == (None, 0)
    assert shares(pbc["critical_false_flag_rate"]) == (0, 6)


def test_in_another_laboratory_a_white_cell_that_was_not_found_is_an_error(figures):
    """One monocyte right; of four others three are called monocyte and one is not found."""
    other = figures["other_laboratory"]
    assert other["white_cell_not_found"] == 1
    assert shares(other["accuracy"]) == (pytest.approx(1 / 5), 5)
    assert other["majority_baseline"] == pytest.approx(3 / 5)
    assert other["balanced_accuracy"] == pytest.approx((1 + 0 + 0) / 3)
    assert other["expected_calibration_error"] == pytest.approx(SURE - 1 / 4, abs=1e-4)
    assert other["expected_calibration_error_n"] == 4
    assert shares(other["set_coverage"]) == (pytest.approx(1 / 4), 4)
    assert "not_found" in other["classes"]


def test_a_field_of_two_labels_is_no_test_of_one_cell(figures):
    assert shares(figures["cbc_test_fields"]["accuracy"]) == (pytest.approx(1 / 2), 2)


def test_what_the_data_or_the_model_lacks_is_left_out(figures):
    assert set(figures) == {"pbc_test", "other_laboratory", "cbc_test_fields"}


def test_a_set_that_is_missing_is_one_sentence(data, tmp_path):
    (tmp_path / "pbc").symlink_to(data / "pbc")
    ran = CliRunner().invoke(app, ["evaluate", "wbc", "--data", str(tmp_path)])
    assert ran.exit_code == 2
    assert "no class folders with pictures" in ran.stderr
