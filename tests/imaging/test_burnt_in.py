"""Letters at the border of a picture are pointed out, and no cell is taken for one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.burnt_in import letters_at
from core.imaging.quality import assess
from core.imaging.synthetic import draw
from core.records import Field


@pytest.fixture(scope="module")
def field():
    return draw(7).field


def _lettered(pixels, *, at="bottom", text="DOE, JANE 12.03.1961", on=None, ink=255):
    out = pixels.copy()
    height = out.shape[0]
    y = 24 if at == "top" else height - 10
    if on is not None:
        out[y - 22 : y + 8] = on
    cv2.putText(out, text, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (ink, ink, ink), 2, cv2.LINE_AA)
    return out


def test_a_field_without_letters_has_none(field):
    assert letters_at(field.pixels) == ""
    assert letters_at(np.full((300, 300, 3), 255, np.uint8)) == ""


@pytest.mark.parametrize("at", ["top", "bottom"])
@pytest.mark.parametrize(("ink", "on"), [(255, 0), (0, 255), (0, None)])
def test_letters_are_found_where_they_stand(field, at, ink, on):
    assert letters_at(_lettered(field.pixels, at=at, ink=ink, on=on)) == at


def test_letters_along_a_side_are_found(field):
    turned = np.ascontiguousarray(np.rot90(_lettered(field.pixels, ink=0, on=255)))
    assert letters_at(turned) in ("left", "right")


def test_a_jpeg_of_it_too_and_the_person_is_told(field):
    data = cv2.imencode(".jpg", _lettered(field.pixels, ink=0, on=255)[..., ::-1])[1]
    again = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert again is not None
    pixels = np.ascontiguousarray(again[..., ::-1], dtype=np.uint8)
    told = {flag.code: flag.message for flag in assess(Field("a.jpg", pixels, "0" * 64))}
    assert "crop them away" in told["burnt_in_label"]


def test_two_letters_are_no_line(field):
    assert letters_at(_lettered(field.pixels, text="A1", ink=0, on=255)) == ""
