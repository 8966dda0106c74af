"""Quality flags: real smears pass, spoilt ones are named, other pictures are told apart.

The drawn pictures here are made by other code than those the rule was fitted on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from core.imaging.blood import (
    byte_quantile,
    smear_features,
    smear_likeness,
)
from core.imaging.quality import MESSAGES, assess, blockiness, blur_px
from core.imaging.synthetic import draw
from core.records import Field, RgbImage
from core.studies.fit_smear_rule import RIDGE, Row, fit

Change = Callable[[RgbImage], npt.NDArray[np.float64]]
SHAPE = (480, 640, 3)


def codes(pixels: npt.NDArray[np.generic]) -> set[str]:
    bytes_ = np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return {flag.code for flag in assess(Field("x.png", bytes_, "0"))}


def read(path: Path) -> RgbImage:
    image = cv2.imread(str(path))
    assert image is not None, path
    return np.asarray(image[..., ::-1], dtype=np.uint8)


def some(paths: list[Path], count: int) -> list[RgbImage]:
    paths = sorted(paths)
    assert len(paths) >= count, "the data folder is incomplete"
    return [read(path) for path in paths[:: len(paths) // count][:count]]


SMEARS = {
    "cbc": "cbc/Testing/Images/*.jpg",
    "txl": "txl/images/val/*.jpg",
    "other_laboratory": "wbc_other_lab/*/*.jpg",
    "pbc": "pbc/*/*.jpg",
    "munich": "wbc_munich_support/*/*.jpg",
    "chula": "chula_rbc12/images/*.jpg",
    "chula_disease": "chula_rbc12/disease/*.jpg",
}


def drawn(kind: str) -> npt.NDArray[np.generic]:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    picture = np.full(SHAPE, 255, np.uint8)
    if kind == "noise":
        return rng.integers(0, 256, SHAPE)
    if kind in ("black", "white", "grey", "pink"):
        return picture * np.array(
            {
                "black": (0, 0, 0),
                "white": (1, 1, 1),
                "grey": (0.5, 0.5, 0.5),
                "pink": (0.9, 0.7, 0.8),
            }[kind]
        )
    if kind == "gradient":
        return np.stack([x / 640, y / 480, 1 - x / 640], axis=-1) * 255
    if kind == "stripes":
        return picture * (np.sin(x / 9) > 0)[..., None]
    if kind == "board":
        return picture * (((x // 40 + y // 40) % 2)[..., None])
    if kind == "page":
        for row in range(30, 470, 26):
            words = "Haemoglobin 13.2 g/dl  MCV 88"
            cv2.putText(picture, words, (20, row), 0, 0.7, (20, 20, 20), 2)
    if kind == "chart":
        for bar in range(8):
            top = int(rng.integers(60, 400))
            cv2.rectangle(picture, (60 + bar * 70, top), (105 + bar * 70, 440), (31, 119, 180), -1)
        cv2.line(picture, (40, 440), (620, 440), (0, 0, 0), 2)
    if kind == "confetti":
        picture[:] = (20, 20, 25)
        for _ in range(70):
            centre = (int(rng.integers(640)), int(rng.integers(480)))
            colour = [int(v) for v in rng.integers(40, 256, 3)]
            cv2.circle(picture, centre, int(rng.integers(10, 40)), colour, -1)
    if kind == "sky":
        picture = np.stack([90 + y / 6, 150 + y / 8, 250 - y / 40], axis=-1)
    return picture


@pytest.mark.parametrize(
    "kind",
    [
        "noise",
        "black",
        "white",
        "grey",
        "pink",
        "gradient",
        "stripes",
        "board",
        "page",
        "chart",
        "confetti",
        "sky",
    ],
)
def test_drawn_pictures_are_not_smears(kind: str) -> None:
    assert "not_a_smear" in codes(drawn(kind))


def test_flags_come_in_order_with_their_sentence() -> None:
    flags = assess(Field("x", np.zeros(SHAPE, np.uint8), "0"))
    assert [flag.code for flag in flags] == ["not_a_smear", "too_dark", "low_contrast"]
    assert all(flag.message == MESSAGES[flag.code] for flag in flags)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (5, 7, 3), (3000, 20, 3)])
def test_odd_shapes_are_judged_without_error(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.isfinite(smear_features(pixels)).all()
    assert 0.0 <= smear_likeness(pixels) <= 1.0
    assert np.isfinite(blur_px(pixels))
    assert np.isfinite(blockiness(pixels))


def test_blocks_of_a_hard_compression_are_seen_and_its_absence_too() -> None:
    # Steps of 8 at every eighth border in both directions, steps of 2 within the blocks.
    place = np.arange(80)
    profile = 2 * (place % 2) + 8 * (place // 8 % 2)
    picture = np.repeat((100 + profile[:, None] + profile[None])[..., None], 3, 2).astype(np.uint8)
    # Nine whole blocks: five borders of 8 - 2 and four of 8 + 2.
    assert blockiness(picture) == pytest.approx((5 * 6 + 4 * 10) / 9 / 2)
    assert blockiness(np.full((80, 80, 3), 200, np.uint8)) == 1.0


@pytest.mark.parametrize(("quality", "flagged"), [(95, False), (60, False), (10, True)])
def test_a_drawn_field_is_flagged_where_its_file_was_squeezed(quality: int, flagged: bool) -> None:
    pixels = draw(7).field.pixels
    data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    again = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert again is not None
    found = codes(np.ascontiguousarray(again[..., ::-1], dtype=np.uint8))
    assert ("over_compressed" in found) is flagged


def test_blur_is_the_sigma_of_a_blurred_edge() -> None:
    # Worked by hand: the gradient energy of an edge blurred by s falls as 1/s, so the estimate
    # of a step blurred by s is s, in pixels of the working copy (here not reduced).
    wide = np.where(np.arange(224)[None] < 112, 30.0, 220.0) * np.ones((224, 1))
    for sigma in (1.5, 2.5):
        edge = cv2.GaussianBlur(wide, (0, 0), sigma)
        picture = np.repeat(np.round(edge)[..., None], 3, axis=2).astype(np.uint8)
        assert blur_px(picture) * 1.7 == pytest.approx(sigma, rel=0.08)


def test_blur_does_not_depend_on_brightness_or_noise() -> None:
    rng = np.random.default_rng(1)
    scene = cv2.GaussianBlur((rng.random((48, 64)) > 0.6).astype(np.float64), (0, 0), 1.0)
    scene = cv2.resize(scene, (640, 480), interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None]
    plain = (230 - 90 * scene * np.ones(3)).astype(np.uint8)
    noisy = np.clip(plain + rng.normal(0, 3, plain.shape), 0, 255).astype(np.uint8)
    assert blur_px((plain * 0.4).astype(np.uint8)) == pytest.approx(blur_px(plain), rel=0.05)
    assert blur_px(noisy) == pytest.approx(blur_px(plain), rel=0.10)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.85, 0.985])
def test_byte_quantile_agrees_with_numpy(share: float) -> None:
    values = np.random.default_rng(2).integers(0, 256, 4001, dtype=np.uint8)
    assert byte_quantile(values, share) == np.quantile(values, share, method="inverted_cdf")


def test_the_fit_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    rows = [Row("ab"[i % 2], False, i % 2 == 1, rng.normal(i % 2, 1, 10)) for i in range(400)]
    rule = fit(rows)
    inputs = np.array([rule.inputs(row.features) for row in rows])
    # Mean loss + RIDGE/2 |w|^2 is scikit-learn's objective with C = 1 / (n RIDGE).
    other = LogisticRegression(C=1 / (400 * RIDGE), tol=1e-9, max_iter=5000)
    other.fit(inputs, [row.smear for row in rows])
    assert rule.weights == pytest.approx(other.coef_[0], abs=1e-3)
    assert rule.intercept == pytest.approx(other.intercept_[0], abs=1e-3)


@pytest.mark.data
@pytest.mark.parametrize("source", SMEARS)
def test_real_smears_are_accepted(source: str, data_dir: Path) -> None:
    pictures = some(list(data_dir.glob(SMEARS[source])), 40)
    flagged = [codes(picture) for picture in pictures]
    assert sum("not_a_smear" in found for found in flagged) <= 1
    assert not any({"too_dark", "low_contrast", "over_compressed"} & found for found in flagged)


@pytest.mark.data
@pytest.mark.parametrize("source", ["cbc", "other_laboratory"])
@pytest.mark.parametrize(
    ("name", "change", "deserved"),
    [
        ("dark", lambda p: p * 0.4, "too_dark"),
        ("bright", lambda p: p * 1.9, "too_bright"),
        ("warm", lambda p: p * np.array([1.1, 1.0, 0.8]), None),
        ("cold", lambda p: p * np.array([0.8, 1.0, 1.1]), None),
    ],
)
def test_light_changes_deserve_only_their_own_flag(
    source: str, name: str, change: Change, deserved: str | None, data_dir: Path
) -> None:
    found = [codes(change(p)) for p in some(list(data_dir.glob(SMEARS[source])), 30)]
    # At twice the light the blue-green ground of the other laboratory is white and little of its
    # stain is left: 13 of 61 such pictures are taken for no smear, which is all but true.
    allowed = 6 if name == "bright" else 0
    assert sum("not_a_smear" in flags for flags in found) <= allowed
    for code in ("too_dark", "too_bright"):
        share = np.mean([code in flags for flags in found])
        assert share >= 0.9 if code == deserved else share <= 0.1, code


@pytest.mark.data
@pytest.mark.parametrize("pattern", ["palm/images/*.png", "hands/images/*.jpg", "hands/phone/*.*g"])
def test_hands_are_not_smears(pattern: str, data_dir: Path) -> None:
    paths = list(data_dir.glob(pattern))
    pictures = some(paths, min(40, len(paths)))
    assert pictures
    assert sum("not_a_smear" in codes(picture) for picture in pictures) >= 0.97 * len(pictures)


@pytest.mark.data
def test_focus(data_dir: Path) -> None:
    sharp = some(list(data_dir.glob(SMEARS["cbc"])), 60)
    assert np.mean(["out_of_focus" in codes(p) for p in sharp]) <= 0.05
    blurred = [cv2.GaussianBlur(p, (0, 0), 4) for p in sharp]
    assert np.mean(["out_of_focus" in codes(p) for p in blurred]) >= 0.8
    very = [cv2.GaussianBlur(p, (0, 0), 6) for p in sharp]
    assert np.mean(["out_of_focus" in codes(p) for p in very]) >= 0.95
