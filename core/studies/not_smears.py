"""Synthetic pictures that are no blood smears, for fitting and testing the smear rule.

Each function takes a random generator and a size and returns ``(height, width, 3)`` uint8 RGB.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from core.records import RgbImage

Rng = np.random.Generator
Draw = Callable[[Rng, int, int], RgbImage]
Any3 = npt.NDArray[Any]


def _bytes(values: Any3, height: int, width: int) -> RgbImage:
    return np.clip(np.broadcast_to(values, (height, width, 3)), 0, 255).astype(np.uint8)


def _grain(rng: Rng, height: int, width: int, levels: tuple[float, ...] = (0, 2, 4)) -> Any3:
    return rng.normal(0, rng.choice(levels), (height, width, 3))


def _colour(rng: Rng, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(low, high, 3))
    return red, green, blue


def _mix(a: Any3, b: Any3, share: Any3) -> Any3:
    return np.asarray(a + (b - a) * share[..., None])


def clouded(rng: Rng, height: int, width: int, slope: float, channels: int) -> Any3:
    """Random field whose amplitude falls as frequency to the ``-slope``; unit variance."""
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1.0
    layers = []
    for _ in range(channels):
        wave = rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)
        wave /= frequency**slope
        wave[0, 0] = 0
        layer = np.fft.irfft2(wave, (height, width))
        layers.append(layer / layer.std())
    return np.stack(layers, axis=-1)


def noise(rng: Rng, height: int, width: int) -> RgbImage:
    """White noise, per pixel or per channel."""
    if rng.random() < 0.5:
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    shape = (height, width, int(rng.choice([1, 3])))
    return _bytes(rng.normal(rng.uniform(60, 200), rng.uniform(5, 60), shape), height, width)


def flat(rng: Rng, height: int, width: int) -> RgbImage:
    """One colour, often black or white, with little or no grain."""
    level = np.array(_colour(rng)) if rng.random() < 0.6 else np.full(3, rng.choice([0, 255]))
    return _bytes(level + _grain(rng, height, width), height, width)


def gradient(rng: Rng, height: int, width: int) -> RgbImage:
    """A linear or round ramp between two colours."""
    angle = rng.uniform(0, np.pi / 2)
    x, y = np.linspace(0, 1, width)[None], np.linspace(0, 1, height)[:, None]
    share = x * np.cos(angle) + y * np.sin(angle)
    if rng.random() < 0.3:
        share = np.hypot(x - rng.uniform(0.2, 0.8), y - rng.uniform(0.2, 0.8))
    share = share / share.max()
    picture = _mix(np.array(_colour(rng)), np.array(_colour(rng)), share)
    return _bytes(picture + _grain(rng, height, width), height, width)


def stripes(rng: Rng, height: int, width: int) -> RgbImage:
    """Sine or bar stripes at any angle."""
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    y, x = np.mgrid[:height, :width]
    phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / rng.uniform(6, 120)
    share = np.sin(phase) / 2 + 0.5
    if rng.random() < 0.5:
        share = np.round(share)
    picture = _mix(np.array(_colour(rng)), np.array(_colour(rng)), share)
    return _bytes(picture + _grain(rng, height, width), height, width)


def checks(rng: Rng, height: int, width: int) -> RgbImage:
    """A chessboard of two colours."""
    y, x = np.mgrid[:height, :width] // int(rng.integers(8, 90))
    picture = _mix(np.array(_colour(rng)), np.array(_colour(rng)), (x + y) % 2)
    return _bytes(picture + _grain(rng, height, width), height, width)


def _discs(rng: Rng, height: int, width: int, low: int, high: int) -> RgbImage:
    image = Image.new("RGB", (width, height), _colour(rng, low, high))
    pen = ImageDraw.Draw(image)
    usual = rng.uniform(0.02, 0.15) * width
    for _ in range(int(rng.integers(5, 120))):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), usual * rng.uniform(0.4, 1.3)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(rng))
    return _bytes(np.asarray(image) + _grain(rng, height, width, (0, 3, 8)), height, width)


def discs_on_dark(rng: Rng, height: int, width: int) -> RgbImage:
    """Discs of random colours on a dark ground."""
    return _discs(rng, height, width, 0, 60)


def discs_on_light(rng: Rng, height: int, width: int) -> RgbImage:
    """Discs of random colours on a light ground."""
    return _discs(rng, height, width, 180, 256)


def _words(rng: Rng, count: int) -> str:
    letters = list(string.ascii_letters)
    return " ".join("".join(rng.choice(letters, rng.integers(1, 11))) for _ in range(count))


def text(rng: Rng, height: int, width: int) -> RgbImage:
    """A page of words, rendered or as if photographed."""
    paper, ink = _colour(rng, 215, 256), _colour(rng, 0, 100)
    if rng.random() < 0.2:
        paper, ink = ink, paper
    image = Image.new("RGB", (width, height), paper)
    pen, size = ImageDraw.Draw(image), int(rng.integers(9, 46))
    font = ImageFont.load_default(size)
    for y in np.arange(rng.integers(0, 20), height, size * 1.3):
        if rng.random() < 0.9:
            pen.text((10, float(y)), _words(rng, int(rng.integers(2, 30))), font=font, fill=ink)
    if rng.random() < 0.2:
        image = image.rotate(rng.uniform(-30, 30), fillcolor=paper)
    page = np.asarray(image, dtype=np.float64)
    if rng.random() < 0.4:  # photographed rather than rendered
        page = page * (1 + 0.15 * clouded(rng, height, width, 1.5, 1))
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.5, 2.5))
        page = page + rng.normal(0, 4, page.shape)
    return _bytes(page, height, width)


def screen(rng: Rng, height: int, width: int) -> RgbImage:
    """A window of boxes, a bar chart, or a chart of lines and points."""
    dark = rng.random() < 0.3
    image = Image.new("RGB", (width, height), _colour(rng, *((15, 60) if dark else (225, 256))))
    pen, ink = ImageDraw.Draw(image), (220,) * 3 if dark else (40,) * 3
    font, kind, foot = ImageFont.load_default(14), rng.integers(0, 3), height - 30
    if kind == 0:
        for _ in range(int(rng.integers(4, 25))):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            box = (x, y, x + rng.uniform(20, width / 2), y + rng.uniform(8, height / 3))
            pen.rectangle(box, fill=_colour(rng) if rng.random() < 0.5 else None, outline=ink)
            pen.text((x + 4, y + 4), _words(rng, 2), font=font, fill=ink)
        return np.array(image)
    pen.line((38, 10, 38, foot, width - 10, foot), fill=ink)
    for step in range(6):
        pen.text((4, 20 + step * (height - 60) / 5), str(step * 10), font=font, fill=ink)
    if kind == 1:
        bars = int(rng.integers(3, 20))
        fill, pitch = _colour(rng), (width - 60) / bars
        for bar in range(bars):
            x = 40 + bar * pitch
            top = foot - rng.uniform(0.05, 0.9) * (foot - 30)
            pen.rectangle((x, top, x + 0.7 * pitch, foot), fill)
        return np.array(image)
    for _ in range(int(rng.integers(1, 6))):
        fill, xs = _colour(rng), np.linspace(40, width - 10, 60)
        ys = np.cumsum(rng.normal(0, height / 25, 60)) + height / 2
        points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        if rng.random() < 0.5:
            pen.line(points, fill=fill, width=int(rng.integers(1, 5)))
            continue
        for x, y in rng.uniform((40, 20), (width - 10, foot), (60, 2)):
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=fill)
    return np.array(image)


def sky(rng: Rng, height: int, width: int) -> RgbImage:
    """A blue ramp with clouds."""
    top = rng.uniform((60, 120, 190), (130, 180, 255))
    low = rng.uniform((150, 190, 220), (230, 235, 255))
    share = np.broadcast_to(np.linspace(0, 1, height)[:, None], (height, width))
    cloud = clouded(rng, height, width, rng.uniform(1.2, 2), 1)[..., 0] / 2 + rng.uniform(-0.6, 0.5)
    picture = _mix(_mix(top, low, share), np.full(3, rng.uniform(220, 255)), np.clip(cloud, 0, 1))
    return _bytes(picture + rng.normal(0, 2, picture.shape), height, width)


def skin(rng: Rng, height: int, width: int) -> RgbImage:
    """A skin tone with shading like folds."""
    tones = ((255, 219, 172), (224, 172, 105), (198, 134, 66), (141, 85, 36), (240, 190, 170))
    tone = np.array(tones[rng.integers(len(tones))]) * rng.uniform(0.6, 1.1)
    folds = clouded(rng, height, width, rng.uniform(1, 2), 1) * np.array([0.8, 1.0, 1.2])
    picture = tone * np.exp(rng.uniform(0.04, 0.24) * folds)
    return _bytes(picture + rng.normal(0, 3, picture.shape), height, width)


def leaves(rng: Rng, height: int, width: int) -> RgbImage:
    """Occluding shapes of all sizes from one palette: the 'dead leaves' model of photographs."""
    image = Image.new("RGB", (width, height), _colour(rng))
    pen, kind = ImageDraw.Draw(image), rng.integers(0, 4)
    spread, colours = rng.uniform(10, 70), int(rng.integers(3, 12))
    palette = rng.uniform(30, 225, 3) + rng.normal(0, spread, (colours, 1))
    palette = palette + rng.normal(0, spread * rng.uniform(0.1, 0.9), (colours, 3))
    for _ in range(int(rng.integers(30, 900))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        radius = min(width * 0.5, width * 0.012 / (rng.random() + 0.02))
        shade = np.clip(palette[rng.integers(colours)] + rng.normal(0, 12, 3), 0, 255)
        fill = (int(shade[0]), int(shade[1]), int(shade[2]))
        if kind == 0:
            pen.ellipse((x - radius, y - 0.7 * radius, x + radius, y + 0.7 * radius), fill=fill)
        elif kind == 1:
            corners = rng.normal((x, y), radius, (int(rng.integers(3, 7)), 2))
            pen.polygon([(float(a), float(b)) for a, b in corners], fill=fill)
        elif kind == 2:
            box = (x - radius, y - radius, x + radius * rng.random(), y + radius * rng.random())
            pen.rectangle(box, fill=fill)
        else:
            far = (x + radius * 3 * rng.normal(), y + radius * 3 * rng.normal())
            pen.line([(x, y), far], fill=fill, width=int(1 + radius / 4))
    picture = cv2.GaussianBlur(np.asarray(image, np.float64), (0, 0), rng.uniform(0.4, 3))
    picture *= 1 + rng.uniform(0, 0.2) * clouded(rng, height, width, 1, 1)
    return _bytes(picture + rng.normal(0, 3, picture.shape), height, width)


def fractal(rng: Rng, height: int, width: int) -> RgbImage:
    """A tinted field with the spectrum of a natural texture."""
    layers = clouded(rng, height, width, rng.uniform(0.6, 1.8), 3)
    tint = layers[..., :1] + rng.uniform(0, 0.6) * layers
    return _bytes(rng.uniform(50, 200, 3) + rng.uniform(15, 60) * tint, height, width)


def stains(rng: Rng, height: int, width: int) -> RgbImage:
    """Two colours in smooth patches: ink, hides, maps."""
    field = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), rng.uniform(3, 30))
    field = (field / field.std() - rng.uniform(-1, 1.3)) * rng.uniform(3, 20)
    picture = _mix(rng.uniform(120, 255, 3), rng.uniform(0, 255, 3), 1 / (1 + np.exp(-field)))
    return _bytes(picture + rng.normal(0, 3, picture.shape), height, width)


DRAWN: Final[tuple[Draw, ...]] = (
    noise, flat, gradient, stripes, checks, discs_on_dark, discs_on_light, text, screen, sky, skin,
    leaves, fractal, stains,
)  # fmt: skip
