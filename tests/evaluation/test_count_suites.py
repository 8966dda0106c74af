"""``evaluate locator`` and ``evaluate counts`` on a laid-out data folder whose truth is known.

The labels are what the models find, and then so many cells more or fewer, so that every error is
known before anything is measured.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from core.taxonomy import KINDS

WIDTH, HEIGHT = 320, 240
VOC_NAMES = {"rbc": "RBC", "wbc": "WBC", "platelet": "Platelets"}
YOLO_CLASSES = {"wbc": 0, "rbc": 1, "platelet": 2}
MORE_IN_TXL = {"rbc": (1, 0, 2), "wbc": (0, 1, 0), "platelet": (0, 0, 3)}
"""Cells that TXL's labels hold beyond those found, in each of the three test fields."""
FEWER_IN_CBC = {"rbc": (3, 1, 2), "wbc": (0, 0, 0), "platelet": (0, 0, 0)}
TRAINING = {"rbc": (6, 9, 20), "wbc": (1, 1, 0), "platelet": (0, 2, 5)}
"""Counts of the 640x480 training fields; their medians are 9, 1 and 2."""

Cells = list[tuple[str, list[float]]]


def run(*words: Any) -> str:
    ran = CliRunner().invoke(app, [str(word) for word in words])
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout


def write_voc(root: Path, part: str, name: str, png: bytes, cells: Cells) -> None:
    for folder in ("Images", "Annotations"):
        (root / part / folder).mkdir(parents=True, exist_ok=True)
    (root / part / "Images" / f"{name}.png").write_bytes(png)
    objects = "".join(
        f"<object><name>{VOC_NAMES[kind]}</name><bndbox>"
        + "".join(f"<{side}>{value}</{side}>" for side, value in zip(SIDES, box, strict=True))
        + "</bndbox></object>"
        for kind, box in cells
    )
    file = root / part / "Annotations" / f"{name}.xml"
    file.write_text(f"<annotation>{objects}</annotation>")


SIDES = ("xmin", "ymin", "xmax", "ymax")


def write_yolo(
    root: Path, part: str, name: str, png: bytes, cells: Cells, size: tuple[int, int]
) -> None:
    for folder in ("images", "labels"):
        (root / folder / part).mkdir(parents=True, exist_ok=True)
    (root / "images" / part / f"{name}.png").write_bytes(png)
    lines = []
    for kind, (x0, y0, x1, y1) in cells:
        shares = [(x0 + x1) / 2 / size[0], (y0 + y1) / 2 / size[1]]
        shares += [(x1 - x0) / size[0], (y1 - y0) / size[1]]
        lines.append(" ".join(map(str, [YOLO_CLASSES[kind], *shares])))
    (root / "labels" / part / f"{name}.txt").write_text("\n".join(lines))


def added(number: int, kind: str) -> Cells:
    """So many cells more, in a corner where nothing lies under them."""
    return [(kind, [1.0 + 2 * n, 1.0, 4.0 + 2 * n, 4.0]) for n in range(number)]


def without(cells: Cells, number: int, kind: str) -> Cells:
    of_kind = [cell for cell in cells if cell[0] == kind]
    return [cell for cell in cells if cell not in of_kind[:number]]


@dataclass(frozen=True)
class Laid:
    """The folder, and what the product finds in the three test fields, as its JSON has it."""

    data: Path
    findings: list[dict[str, Any]]

    def counted(self, kind: str, key: str = "counts") -> np.ndarray:
        return np.array([finding[key][kind]["value"] for finding in self.findings])

    def txl_truth(self, kind: str) -> np.ndarray:
        return self.found(kind) + np.array(MORE_IN_TXL[kind])

    def cbc_truth(self, kind: str) -> np.ndarray:
        return self.found(kind) - np.array(FEWER_IN_CBC[kind])

    def found(self, kind: str) -> np.ndarray:
        return np.array([sum(c["kind"] == kind for c in f["cells"]) for f in self.findings])


def draw(seed: int) -> bytes:
    item = synthetic.draw(
        seed,
        width=WIDTH,
        height=HEIGHT,
        wbc=["lymphocyte"],
        platelets=1,
        rbc=7,
        rbc_diameter_px=46,
    )
    return synthetic.png_bytes(item.field)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    root, pictures = tmp_path_factory.mktemp("sets"), [draw(810 + n) for n in range(7)]
    drawn = tmp_path_factory.mktemp("drawn")
    files = [drawn / f"BloodImage_{n:05d}.png" for n in range(7)]
    for file, png in zip(files, pictures, strict=True):
        file.write_bytes(png)
    findings = [json.loads(line) for line in run("analyse", *files, "--json").splitlines()]
    for number, (file, png, finding) in enumerate(zip(files, pictures, findings, strict=True)):
        cells: Cells = [(cell["kind"], cell["box_xyxy"]) for cell in finding["cells"]]
        if number >= 4:
            write_voc(root / "cbc", "Training", file.stem, png, cells)
            continue
        relabelled, own = cells, cells
        for kind in KINDS if number < 3 else ():
            relabelled = relabelled + added(MORE_IN_TXL[kind][number], kind)
            own = without(own, FEWER_IN_CBC[kind][number], kind)
        # The fourth is in TXL's test part only.
        if number < 3:
            write_voc(root / "cbc", "Testing", file.stem, png, own)
        write_yolo(root / "txl", "test", file.stem, png, relabelled, (WIDTH, HEIGHT))
    _write_training(root / "txl")
    return Laid(root, findings[:3])


def _write_training(txl: Path) -> None:
    """Three speckled fields, the first twice with other labels, and one of another size."""
    rng = np.random.default_rng(5)
    for number in range(4):
        size = (640, 480) if number < 3 else (400, 300)
        speckle = rng.integers(120, 255, (12, 16, 3)).astype(np.uint8)
        pixels = cv2.resize(speckle, size, interpolation=cv2.INTER_CUBIC)
        png = cv2.imencode(".png", pixels)[1].tobytes()
        counts = {k: TRAINING[k][number] if number < 3 else 50 for k in KINDS}
        cells = [cell for kind in KINDS for cell in added(counts[kind], kind)]
        write_yolo(txl, "train", f"train-{number}", png, cells, size)
        if number == 0:
            again = [*added(4, "rbc"), *added(1, "wbc"), *added(3, "platelet")]
            write_yolo(txl, "val", "again", png, again, size)


@pytest.fixture(scope="module")
def of_locator(laid):
    return json.loads(run("evaluate", "locator", "--data", laid.data, "--json"))


@pytest.fixture(scope="module")
def of_counts(laid):
    return json.loads(run("evaluate", "counts", "--data", laid.data, "--json"))


def test_the_errors_are_those_that_were_put_there(laid, of_locator):
    """Cells found and counts are the same here, so the errors are 1, 0, 2 and so on."""
    rows = of_locator["txl_labels"]
    assert of_locator["fields"] == rows["n"] == 3
    for kind in KINDS:
        assert laid.counted(kind).tolist() == laid.found(kind).tolist()
    assert rows["rbc"]["mean_absolute_error"] == pytest.approx((1 + 0 + 2) / 3)
    assert rows["wbc"]["mean_absolute_error"] == pytest.approx(1 / 3)
    assert rows["platelet"]["mean_absolute_error"] == pytest.approx(3 / 3)
    assert rows["mean"]["mean_absolute_error"] == pytest.approx((1 + 1 / 3 + 1) / 3)
    own = of_locator["cbc_labels"]
    assert own["rbc"]["mean_absolute_error"] == pytest.approx((3 + 1 + 2) / 3)
    assert own["platelet"]["mean_absolute_error"] == 0
    for row in (rows["rbc"], own["rbc"]):
        assert row["low"] <= row["mean_absolute_error"] <= row["high"]


def test_the_naive_predictor_is_the_median_of_the_training_fields(laid, of_locator, of_counts):
    """The field of another size and the second labelling of the first one do not count."""
    for rows in (of_locator["txl_labels"], of_counts["regression_txl_labels"]):
        assert rows["constant"] == [9, 1, 2]
        for kind, constant in zip(KINDS, (9, 1, 2), strict=True):
            expected = np.abs(constant - laid.txl_truth(kind)).mean()
            assert rows[kind]["constant_predictor"] == pytest.approx(expected)


def test_two_labellings_of_one_picture_lie_that_far_apart(of_locator):
    rows = of_locator["label_repeatability_txl"]
    assert rows["n"] == 1
    assert [rows[kind]["mean_difference"] for kind in KINDS] == [2, 0, 3]


def test_intervals_hold_the_truth_as_often_as_they_do(laid, of_locator, of_counts):
    for kind in KINDS:
        covered = [
            finding["counts"][kind]["low"] <= truth <= finding["counts"][kind]["high"]
            for finding, truth in zip(laid.findings, laid.txl_truth(kind), strict=True)
        ]
        assert of_locator["interval_coverage_txl"][kind] == pytest.approx(np.mean(covered))
        # TXL's own test field joins in, its three copies of the CBC fields do not: four in all.
        row = of_counts["interval_coverage"]["locator"][kind]
        assert row["n"] == 4
        assert row["value"] * 4 == pytest.approx(sum(covered) + 1)  # that one is labelled as found


def test_resized_the_count_moves_by_what_the_product_says(laid, of_locator, tmp_path):
    files = []
    for file in sorted((laid.data / "cbc" / "Testing" / "Images").iterdir()):
        read = cv2.imread(str(file))
        larger = cv2.resize(read, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        files.append(tmp_path / file.name)
        cv2.imwrite(str(files[-1]), larger)
    findings = [json.loads(line) for line in run("analyse", *files, "--json").splitlines()]
    moved = np.array([f["counts"]["rbc"]["value"] for f in findings]) - laid.counted("rbc")
    assert of_locator["rbc_change_when_resized"]["1.5"] == pytest.approx(np.abs(moved).mean())
    assert set(of_locator["rbc_change_when_resized"]) == {"0.5", "0.75", "1.5", "2.0"}


def test_regression_is_judged_by_both_labellings(laid, of_counts):
    files = sorted((laid.data / "cbc" / "Testing" / "Images").iterdir())
    words = ("analyse", *files, "--json", "--method", "regression")
    findings = [json.loads(line) for line in run(*words).splitlines()]
    for name, truth in (
        ("regression_txl_labels", laid.txl_truth),
        ("regression_cbc_labels", laid.cbc_truth),
    ):
        for kind in KINDS:
            counted = np.array([finding["counts"][kind]["value"] for finding in findings])
            expected = np.abs(counted - truth(kind)).mean()
            assert of_counts[name][kind]["mean_absolute_error"] == pytest.approx(expected, abs=1e-4)


def test_boxes_labelled_as_found_are_all_right_and_those_added_are_missed(laid, of_counts):
    """White cells: four found of five labelled. Their precision is 1 up to a recall of 0.8."""
    row = of_counts["locator_map50_txl_test"]
    assert row["n"] == 4
    labelled = laid.txl_truth("wbc").sum() + 1
    assert labelled == 5
    assert row["wbc"] == pytest.approx(81 / 101)  # recalls 0, 0.01 ... 0.80
    assert row["low"] <= row["map50"] <= row["high"]


def test_a_picture_as_taken_is_counted_as_the_locator_counts_it(laid, of_counts):
    rows = of_counts["robustness_locator"]
    for kind in KINDS:
        expected = np.mean(MORE_IN_TXL[kind])
        assert rows["as taken"][kind] == pytest.approx(expected)
    assert rows["as taken"]["worse"] == 0
    assert rows["blur, sigma 8 px"]["flagged"] == 1
    assert rows["turned by 90 degrees"]["rbc"] <= expected + 2


def test_each_field_has_one_red_cell_painted_over(of_counts):
    row = of_counts["erasing_one_red_cell"]
    assert row["cells"] == 3
    assert row["low"] <= row["mean_fall"] <= row["high"]
    assert 0.5 < row["mean_fall"] < 1.5  # one cell less is one less


def test_the_methods_disagree_as_often_as_the_findings_say_so(laid, of_counts):
    row = of_counts["methods_disagree"]
    flagged = [any(f["code"] == "methods_disagree" for f in x["flags"]) for x in laid.findings]
    assert (row["value"], row["n"]) == (pytest.approx(np.mean(flagged)), 3)


def test_a_field_without_its_copy_is_named(laid, tmp_path):
    import shutil

    shutil.copytree(laid.data, tmp_path / "sets")
    for file in (tmp_path / "sets" / "txl").rglob("BloodImage_00001.*"):
        file.unlink()
    ran = CliRunner().invoke(app, ["evaluate", "locator", "--data", str(tmp_path / "sets")])
    assert ran.exit_code == 2
    assert "no TXL-PBC copy of BloodImage_00001.png" in ran.stderr
