"""A ZIP that was sent is unpacked once and found again by its content, under a harmless name."""

import io
import zipfile

import pytest

from core.datasets.archive import ArchiveRefused
from core.settings import settings
from core.training.runs.sent_archives import keep_archive, title_of


@pytest.fixture(autouse=True)
def own_var(tmp_path, monkeypatch):
    monkeypatch.setenv("HEMADESK_VAR", str(tmp_path / "var"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def packed(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            # A fixed date: the file's bytes are what makes it the same.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    out.seek(0)
    return out


def test_the_same_content_is_unpacked_once_and_other_content_apart():
    first = keep_archive("cells.zip", packed(a="1"))
    (first / "a").write_text("looked at since")
    assert keep_archive("cells.zip", packed(a="1")) == first
    assert (first / "a").read_text() == "looked at since"
    assert keep_archive("cells.zip", packed(a="2")) != first


@pytest.mark.parametrize(
    ("name", "title"),
    [("My cells.zip", "My-cells"), ("../../etc/x.zip", "x"), ("细胞.zip", "cells"), ("", "cells")],
)
def test_no_name_leads_out_of_the_folder_and_its_title_has_no_hash(name, title):
    folder = keep_archive(name, packed(a="1"))
    assert folder.parent == settings().var / "sets"
    assert title_of(folder) == title


def test_any_other_folder_is_called_by_its_name(tmp_path):
    assert title_of(tmp_path / "slides-2024") == "slides-2024"


def test_what_is_no_zip_is_refused_and_leaves_no_folder():
    with pytest.raises(ArchiveRefused):
        keep_archive("cells.zip", io.BytesIO(b"not a zip"))
    sets = settings().var / "sets"
    assert not sets.exists() or not any(sets.iterdir())
