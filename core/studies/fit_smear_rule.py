"""Fit the constants of `blood.smear_likeness` and measure them.

    python -m core.studies.fit_smear_rule DATA PHOTOS

DATA is the folder of the public sets, PHOTOS any folder of everyday photographs. The constants are
fitted on one half of the pictures and the printed rates are measured on the other half. Palms are
split by session, CBC fields by slide order, Chula fields by runs of numbers (a run is one slide);
TXL pictures that repeat a CBC field are left out.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.near_duplicates import MAX_DISTANCE, difference_hash
from core.imaging.blood import NOT_A_SMEAR_BELOW, Rule, smear_features
from core.records import RgbImage
from core.studies.not_smears import DRAWN

Array = npt.NDArray[np.float64]
DRAWN_EACH = 240
RIDGE = 0.0008
"""Penalty beside the mean loss."""

HANDS_WEIGHT = 24.0
"""Weight of palms and hands: this program gets such photos too, the likeliest mix-up."""


class Row(NamedTuple):
    """Features of one picture, with its group, and whether it is a smear and in the test half."""

    group: str
    in_test: bool
    smear: bool
    features: Array


def photographed(rng: np.random.Generator, pixels: RgbImage) -> RgbImage:
    """Simulate another camera: field of view, gamma, gains, vignette, blur, noise."""
    picture, view = pixels, rng.random()
    if view < 0.2:  # a wide field: two or three mirrored copies a side
        for axis in (0, 1):
            copies = [picture, np.flip(picture, axis), picture][: int(rng.integers(2, 4))]
            picture = np.concatenate(copies, axis)
        size = (640, max(1, round(640 * picture.shape[0] / picture.shape[1])))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    elif view < 0.35:
        picture = crop(rng, picture, rng.uniform(0.6, 1.0))
    height, width = picture.shape[:2]
    light = 255 * (picture / 255.0) ** rng.uniform(0.75, 1.35)
    light *= np.exp(rng.normal(0, 0.10, 3)).clip(0.75, 1.33) * np.exp(rng.uniform(-1.1, 0.45))
    if rng.random() < 0.25:
        x = np.linspace(-1, 1, width)[None] - rng.normal(0, 0.2)
        radius = x**2 + (np.linspace(-1, 1, height)[:, None] - rng.normal(0, 0.2)) ** 2
        light *= 1 - rng.uniform(0, 0.25) * radius[..., None]
        if rng.random() < 0.4:  # through an eyepiece
            light *= (radius < rng.uniform(0.7, 1.2))[..., None]
    if rng.random() < 0.3:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.5, 4) * width / 640)
    light = light + rng.normal(0, rng.choice([0, 2, 5]), light.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


def crop(rng: np.random.Generator, pixels: RgbImage, share: float) -> RgbImage:
    """A random window with ``share`` of each side."""
    height, width = (max(1, int(side * share)) for side in pixels.shape[:2])
    y = int(rng.integers(0, pixels.shape[0] - height + 1))
    x = int(rng.integers(0, pixels.shape[1] - width + 1))
    return pixels[y : y + height, x : x + width]


def smears(data: Path) -> Iterator[tuple[str, bool, RgbImage]]:
    """Group, half and pixels of every smear picture used."""
    fields = sorted(data.glob("cbc/T*/Images/*.jpg"), key=lambda path: path.name)
    hashes = []
    for index, path in enumerate(fields):
        pixels = read_rgb(path)
        hashes.append(difference_hash(pixels))
        yield "cbc", index >= len(fields) // 2, pixels
    for path in sorted(data.glob("txl/images/*/*.jpg")):
        pixels = read_rgb(path)
        if (np.array(hashes) != difference_hash(pixels)).mean(axis=1).min() >= MAX_DISTANCE:
            yield f"txl_{pixels.shape[1]}", int(path.name[0], 16) % 2 == 1, pixels
    for folder in sorted(data.glob("pbc/*/")):
        paths = sorted(folder.glob("*.jpg"))
        for index, path in enumerate(paths[:: max(1, len(paths) // 30)]):
            yield "pbc", index % 2 == 1, read_rgb(path)
    for folder in sorted(data.glob("wbc_other_lab/*/")):
        paths = sorted(folder.glob("*.jpg"))
        for index, path in enumerate(paths):
            pixels = read_rgb(path)
            red, _, blue = np.quantile(pixels.reshape(-1, 3), 0.8, axis=0)
            tint = "blue" if blue > red + 15 else "yellow" if red > blue + 15 else "white"
            yield f"other_{tint}", index >= len(paths) // 2, pixels
    for index, path in enumerate(sorted(data.glob("wbc_munich_support/*/*.jpg"))):
        yield "munich", index % 2 == 1, read_rgb(path)
    yield from chula(data / "chula_rbc12")


def chula(folder: Path) -> Iterator[tuple[str, bool, RgbImage]]:
    """Red-cell fields of Chula RBC-12, split by runs of numbers since a run is one slide."""
    in_test, previous = True, -9
    for path in sorted(folder.glob("images/*.jpg"), key=lambda path: int(path.stem)):
        if int(path.stem) - previous > 2:
            in_test = not in_test
        previous = int(path.stem)
        yield "chula", in_test, read_rgb(path)
    for index, path in enumerate(sorted(folder.glob("disease/*.jpg"))):
        yield "chula_disease", index // 8 % 2 == 1, read_rgb(path)


def others(
    data: Path, photos: Path, rng: np.random.Generator
) -> Iterator[tuple[str, bool, RgbImage]]:
    """Group, half and pixels of every picture that is not a smear."""
    with (data / "palm" / "labels.csv").open() as table:
        for line in csv.DictReader(table):
            half = sum(map(ord, line["session_block"])) % 2 == 1
            yield "palm", half, read_rgb(data / "palm" / "images" / line["file"])
    hands = sorted(data.glob("hands/images/*.jpg")) + sorted(data.glob("hands/phone/*.[jp]*g"))
    for index, path in enumerate(hands):
        yield "hands", index % 2 == 1, read_rgb(path)
    for index, path in enumerate(sorted(photos.iterdir())):
        pixels = read_rgb(path)
        for _ in range(40):
            share = min(1.0, max(rng.uniform(0.25, 1), 200 / min(pixels.shape[:2])))
            yield "photo", index % 2 == 1, crop(rng, pixels, share)
    for draw in DRAWN:
        for index in range(DRAWN_EACH):
            side = ((480, 640), (360, 363), (600, 800), (400, 400))[index // 2 % 4]
            yield draw.__name__, index % 2 == 1, draw(rng, *side)


def collect(data: Path, photos: Path, seed: int = 7) -> list[Row]:
    """Features of every picture and of one rephotographed copy of it (group ends in ``+``)."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for smear, source in ((True, smears(data)), (False, others(data, photos, rng))):
        for group, in_test, pixels in source:
            rows.append(Row(group, in_test, smear, smear_features(pixels)))
            again = photographed(rng, pixels)
            rows.append(Row(group + "+", in_test, smear, smear_features(again)))
    for index, (_, in_test, pixels) in enumerate(smears(data)):
        if index % 12 == 0:
            rows.append(Row("inverted", in_test, False, smear_features(255 - pixels)))
    return rows


def fit(rows: list[Row]) -> Rule:
    """Ridge logistic regression on standardised features and their squares, by Newton's method.

    The two classes weigh the same, and so do the groups within a class (a group of fewer than
    60 pictures weighs less in proportion; palms and hands `HANDS_WEIGHT` times).
    """
    features = np.array([row.features for row in rows])
    smear = np.array([row.smear for row in rows])
    groups = np.array([row.group for row in rows])
    weights = np.zeros(len(rows))
    for group in np.unique(groups):
        inside = groups == group
        weights[inside] = min(1.0, inside.sum() / 60) / inside.sum()
        if group.removesuffix("+") in ("palm", "hands"):
            weights[inside] *= HANDS_WEIGHT
    for kind in (smear, ~smear):
        weights[kind] /= 2 * weights[kind].sum()
    centre = np.average(features[smear], axis=0, weights=weights[smear])
    square = (features[smear] - centre) ** 2
    spread = np.maximum(np.sqrt(np.average(square, axis=0, weights=weights[smear])), 1e-3)
    rule = Rule(centre, spread, np.zeros(2 * len(centre)), 0.0)
    inputs = np.array([np.append(rule.inputs(row), 1.0) for row in features])
    ridge = np.append(np.full(inputs.shape[1] - 1, RIDGE), 0.0)
    beta = np.zeros(inputs.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-inputs @ beta))
        slope = inputs.T @ (weights * (chance - smear)) + ridge * beta
        curve = (inputs * (weights * chance * (1 - chance))[:, None]).T @ inputs + np.diag(ridge)
        beta = beta - np.linalg.solve(curve + 1e-9 * np.eye(len(beta)), slope)
    return Rule(centre, spread, beta[:-1], float(beta[-1]))


def report(rows: list[Row], rule: Rule, say: Callable[[str], None] = print) -> None:
    """Print how many pictures of each group the rule accepts as a smear."""
    for group in dict.fromkeys(row.group for row in rows):
        inside = [row for row in rows if row.group == group]
        accepted = sum(rule.likeness(row.features) >= NOT_A_SMEAR_BELOW for row in inside)
        kind = "smear" if inside[0].smear else "other"
        say(f"{kind} {group:16s} n={len(inside):4d} accepted as a smear {accepted:4d}")


if __name__ == "__main__":
    everything = collect(Path(sys.argv[1]), Path(sys.argv[2]))
    rule = fit([row for row in everything if not row.in_test])
    report([row for row in everything if row.in_test], rule)
    for name in ("centre", "spread", "weights"):
        print(name, [round(float(value), 3) for value in getattr(rule, name)])
    print("intercept", round(rule.intercept, 3))
