"""Which pseudonyms look like a patient's name or date of birth."""

import pytest

from core.review.case.identity import looks_like_identity


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ada Lovelace", "a name"),
        ("Lovelace", "a name"),
        ("van der Berg", "a name"),
        ("Müller", "a name"),
        ("12.03.1968", "a date of birth"),
        ("P 1968-03-12", "a date of birth"),
        ("3/4/71", "a date of birth"),
        ("P-0001", ""),
        ("anon17", ""),
        ("Anon17", ""),
        ("XK", ""),
        ("A1B2C3", ""),
        ("donor", ""),
        ("", ""),
    ],
)
def test_names_and_dates_are_asked_about_and_codes_are_not(text, found):
    assert looks_like_identity(text) == found
