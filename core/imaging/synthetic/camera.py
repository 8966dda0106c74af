"""From dye on a slide to an 8-bit photograph: light, lens, sensor."""

from __future__ import annotations

import cv2
import numpy as np

from core.imaging.synthetic.stain import Stain
from core.imaging.synthetic.texture import Plane, as_plane, blurred, smooth_noise
from core.records import RgbImage


def photograph(
    rng: np.random.Generator, density: Plane, stain: Stain, red_cell_diameter_px: float
) -> RgbImage:
    """Photograph of a slide with the given optical density.

    Args:
        rng: source of this picture's light, lens and noise.
        density: ``(height, width, 3)`` optical density for R, G, B; 0 is clear background.
        stain: background colour and the character of the microscope and camera.
        red_cell_diameter_px: sets the scale of the optical blur.

    Returns:
        ``(height, width, 3)`` uint8 RGB.

    Source: intensity = background * 10 ** -density (Beer-Lambert law).
    """
    height, width = density.shape[:2]
    light = _illumination(rng, height, width, stain)
    film = np.float32(0.0025) * smooth_noise(rng, height, width, 0.5 * red_cell_diameter_px)
    image = light * np.exp(np.float32(-np.log(10.0)) * (density + film[..., None]))
    image *= _dust(rng, height, width, stain, red_cell_diameter_px)[..., None]
    image = _lens(rng, as_plane(image), stain, red_cell_diameter_px)
    image += _sensor_noise(rng, height, width, stain)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _illumination(rng: np.random.Generator, height: int, width: int, stain: Stain) -> Plane:
    """Uneven light: a vignette about an off-centre axis, a tilt, and a slight change of hue."""
    ys = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    cx, cy = rng.normal(0, 0.25, 2).astype(np.float32)
    vignette = np.float32(-0.5 * stain.shading) * ((xs - cx) ** 2 + (ys - cy) ** 2)
    angle = rng.uniform(0, 2 * np.pi)
    tilt = np.float32(0.4 * stain.shading) * (
        np.float32(np.cos(angle)) * xs + np.float32(np.sin(angle)) * ys
    )
    planes = []
    for level in stain.background:
        hue = np.float32(0.15 * stain.shading * rng.normal()) * xs
        hue = hue + np.float32(0.15 * stain.shading * rng.normal()) * ys
        planes.append(np.float32(level) * (1.0 + vignette + tilt + hue))
    return as_plane(np.stack(planes, axis=-1))


def _dust(
    rng: np.random.Generator, height: int, width: int, stain: Stain, diameter: float
) -> Plane:
    """Transmission of grey specks on the optics: small, faint, out of focus, never coloured."""
    plane = np.ones((height, width), dtype=np.float32)
    for _ in range(int(rng.poisson(stain.dust))):
        radius = diameter * rng.uniform(0.015, 0.05)
        reach = int(np.ceil(radius * 3)) + 1
        x, y = int(rng.integers(width)), int(rng.integers(height))
        x0, x1, y0, y1 = (
            max(0, x - reach),
            min(width, x + reach),
            max(0, y - reach),
            min(height, y + reach),
        )
        rows, columns = np.ogrid[y0:y1, x0:x1]
        stretch = rng.uniform(0.6, 1.6)
        far = np.hypot((rows - y) * stretch, (columns - x) / stretch) / radius
        speck = np.exp(-(far**2))
        if rng.random() < 0.4:  # a refractile grain: dark ring, bright middle
            speck = np.exp(-(((far - 1.0) / 0.45) ** 2)) - 0.6 * np.exp(-((far / 0.6) ** 2))
        plane[y0:y1, x0:x1] *= 1.0 - rng.uniform(0.06, 0.26) * speck
    return plane


def _lens(rng: np.random.Generator, image: Plane, stain: Stain, diameter: float) -> Plane:
    """Blur that differs a little by colour, colours shifted sideways, then the camera's
    sharpening, which leaves the thin bright halo seen round cells.
    """
    height, width = image.shape[:2]
    sigma = max(0.45, stain.blur * diameter)
    shift = rng.normal(0, 0.004 * diameter, 2)
    channels = []
    for index, sign in enumerate((1.0, 0.0, -1.0)):
        channel = as_plane(image[..., index])
        grow = 1.0 + sign * 0.0006
        move = np.array(
            [
                [grow, 0, sign * shift[0] + (1 - grow) * width / 2],
                [0, grow, sign * shift[1] + (1 - grow) * height / 2],
            ],
            dtype=np.float64,
        )
        if sign:
            channel = as_plane(
                cv2.warpAffine(
                    channel,
                    move,
                    (width, height),
                    flags=cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
            )
        channels.append(blurred(channel, sigma * (1.0 + 0.1 * sign * (sign - 3))))
    image = as_plane(np.stack(channels, axis=-1))
    if stain.sharpening > 0.02:
        image = as_plane(
            image + np.float32(stain.sharpening) * (image - blurred(image, max(0.8, 1.7 * sigma)))
        )
    return image


def _sensor_noise(rng: np.random.Generator, height: int, width: int, stain: Stain) -> Plane:
    """Noise after demosaicking: correlated between neighbours and partly between colours."""
    white = rng.standard_normal((height, width, 3), dtype=np.float32)
    fine = blurred(white, 0.8)
    fine *= np.float32(0.55 / max(float(fine.std()), 1e-6))
    # Compression and the background leave blotches: two more octaves of grey noise.
    blotches = 0.55 * smooth_noise(rng, height, width, 4.0)
    blotches += 0.38 * smooth_noise(rng, height, width, 12.0)
    return as_plane((fine + blotches[..., None]) * np.float32(stain.noise))
