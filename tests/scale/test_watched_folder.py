"""Pictures dropped into a folder become fields of cases."""

import pytest
from typer.testing import CliRunner

from core.access.people import AT_THE_TERMINAL, Person
from core.access.rights import NotAllowed
from core.cli import app
from core.imaging import synthetic
from core.models import registry
from core.review.case import cases
from core.review.record.review_store import review_store
from core.scale.watched_folder import WatchedFolder

ME = AT_THE_TERMINAL


@pytest.fixture(scope="module")
def png():
    item = synthetic.draw(970, width=400, height=300, wbc=["lymphocyte"])
    return synthetic.png_bytes(item.field)


@pytest.fixture
def folder(own_var, tmp_path):
    """Beside the folder of the installation, which is no accession."""
    (tmp_path / "dropped").mkdir()
    return tmp_path / "dropped"


def drop(folder, accession, name, data):
    (folder / accession).mkdir(exist_ok=True)
    (folder / accession / name).write_bytes(data)


def files_below(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_each_picture_goes_into_the_case_of_its_folder(folder, png):
    drop(folder, "W-1", "a.png", png)
    drop(folder, "W-1", "broken.png", b"no picture")
    drop(folder, "W-2", "notes.txt", b"stays")
    result = CliRunner().invoke(app, ["cases", "watch", str(folder), "--once"])
    assert result.exit_code == 1
    assert "W-1/a.png: kept" in result.stdout
    assert "W-1/broken.png" in result.stderr
    assert files_below(folder) == [
        "W-2/notes.txt",
        "done/W-1/a.png",
        "refused/W-1/broken.png",
        "refused/W-1/broken.png.txt",
    ]
    case = cases.find(review_store(), ME, "W-1")
    assert len(cases.case_pictures_of(review_store(), ME, case.id)) == 1
    # The same picture again, as after a stop between keeping and moving: it is kept once.
    drop(folder, "W-1", "a.png", png)
    CliRunner().invoke(app, ["cases", "watch", str(folder), "--once"])
    assert len(cases.case_pictures_of(review_store(), ME, case.id)) == 1
    assert "done/W-1/a-2.png" in files_below(folder)


def test_a_picture_that_still_grows_is_left_until_it_rests(folder, png):
    watched = WatchedFolder(folder, review_store(), ME, registry.smear_models)
    drop(folder, "W-3", "a.png", png[:5000])
    assert list(watched.look()) == []
    drop(folder, "W-3", "a.png", png)
    assert list(watched.look()) == []
    assert [one.refusal for one in watched.look()] == [None]


def test_who_may_not_upload_cannot_watch(folder):
    with pytest.raises(NotAllowed):
        WatchedFolder(folder, review_store(), Person("V", "viewer", "v"), registry.smear_models)
