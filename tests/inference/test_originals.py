"""Full pictures are put aside as they are opened, and say so when they are gone."""

import numpy as np
import pytest

from core.inference.originals import OriginalGone, Originals
from core.records import Field

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)


def test_a_picture_that_was_opened_can_be_had_again_pixel_for_pixel():
    originals = Originals()
    opened = []

    def open_once():
        opened.append(1)
        return Field("a.png", PIXELS, "ab" * 32)

    opening = originals.put_aside(open_once)
    with pytest.raises(OriginalGone, match=r"a\.png"):
        originals.field("ab" * 32, "a.png")  # nothing is written before it is opened
    assert (opening().pixels == PIXELS).all()
    found = originals.field("ab" * 32, "renamed.png")
    assert (found.pixels == PIXELS).all()
    assert (found.name, found.sha256) == ("renamed.png", "ab" * 32)
    assert opened == [1]


def test_a_picture_nobody_opened_is_not_there():
    with pytest.raises(OriginalGone, match=r"the full picture b\.png is no longer there"):
        Originals().field("00", "b.png")


def test_they_go_with_their_session():
    originals = Originals()
    originals.put_aside(lambda: Field("a.png", PIXELS, "cd"))()
    path = originals._path("cd")
    assert path.exists()
    assert path.parent.stat().st_mode & 0o077 == 0  # no other user may look
    del originals
    assert not path.exists()
