"""What was on Analyse smear outlives a reload, for its person alone and for a week."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.imaging.view import png
from core.review import drafts
from core.review.drafts import Draft, DraftField
from tests.fixtures.review import call_of, field_of, finding_of


@pytest.fixture
def kept(own_var, tmp_path):
    """A draft of two fields of tina's, and where its pictures came from."""
    fields = [field_of(1), field_of(2)]
    for one in fields:
        (tmp_path / f"{one.sha256}.png").write_bytes(png(one.pixels))
    draft = Draft(
        tuple(
            DraftField((one.sha256, "a", "b", "c"), finding_of(one, [call_of("monocyte")]), False)
            for one in fields
        ),
        "A-1",
        {fields[0].sha256: False},
        {"rbc": 4.8, "sex": "female", "age": None},
    )
    drafts.save("tina", draft, lambda sha256: tmp_path / f"{sha256}.png")
    return draft, fields, tmp_path


def test_everything_comes_back_and_nobody_elses(kept):
    draft, fields, _ = kept
    found = drafts.load("tina")
    assert found is not None and found == draft
    for one, field in zip(found.fields, fields, strict=True):
        assert np.array_equal(drafts.picture_of("tina", one).pixels, field.pixels)
    assert drafts.load("paul") is None


def test_it_outlives_the_folder_the_pictures_came_from(kept):
    draft, _, source = kept
    for file in source.glob("*.png"):
        file.unlink()
    assert drafts.picture_of("tina", draft.fields[0]).pixels.size


def test_what_is_no_longer_on_the_screen_is_taken_out(kept, own_var):
    draft, _, source = kept
    one = Draft(draft.fields[:1])
    drafts.save("tina", one, lambda sha256: source / f"{sha256}.png")
    left = drafts.load("tina")
    assert left is not None and left.fields == draft.fields[:1]
    assert len(list((own_var / drafts.FOLDER).rglob("*.png"))) == 1


def test_a_button_erases_it_and_a_week_does(kept, own_var):
    later = datetime.now(UTC) + timedelta(days=6)
    assert drafts.load("tina", later) is not None
    assert drafts.load("paul", later + timedelta(days=2)) is None
    assert not list((own_var / drafts.FOLDER).iterdir()), "everybody's old ones are removed"


def test_erasing(kept, own_var):
    drafts.erase("tina")
    assert drafts.load("tina") is None
    assert not list((own_var / drafts.FOLDER).iterdir())


def test_a_damaged_one_is_none(kept, own_var):
    (file,) = (own_var / drafts.FOLDER).rglob("draft.json")
    file.write_text('{"saved_at": "2026-11-28T00:00:00+00:00", "fields": 3}')
    assert drafts.load("tina", datetime(2026, 11, 28, tzinfo=UTC)) is None
