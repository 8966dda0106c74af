"""Sets that were sent are a library: listed, corrected with history, deleted if not needed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from core.datasets.intake import corrections
from core.datasets.intake.cells import read_cells
from core.settings import settings
from core.training.loop.settings import LoopSettings
from core.training.runs import lifecycle, sent_archives
from core.training.runs.sent_archives import SetInUse, correct, delete_set, sent_sets
from tests.fixtures.cells import draw_cells
from tests.fixtures.models import ADA

MENDED = "eosinophil/CELL_3.jpg"


@pytest.fixture
def cells(own_var: Path, tmp_path: Path) -> Path:
    """The folder of a set of three classes of fourteen cells that was sent."""
    draw_cells(tmp_path / "drawn")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted((tmp_path / "drawn").rglob("*.jpg")):
            archive.write(file, file.relative_to(tmp_path / "drawn").as_posix())
    out.seek(0)
    return sent_archives.keep_archive("our cells.zip", out)


def _labels(folder: Path) -> dict[str, str]:
    found = read_cells(folder, settings())
    paths = (item.path.relative_to(folder).as_posix() for item in found.items)
    return dict(zip(paths, found.labels, strict=True))


def test_it_is_listed_with_its_version_and_size(cells: Path) -> None:
    (one,) = sent_sets()
    assert (one.folder, one.title, one.files, one.corrected) == (cells, "our-cells", 42, 0)
    assert cells.name.endswith(one.version) and 0 < one.megabytes < 1


def test_a_picture_is_relabelled_left_out_and_taken_back(cells: Path) -> None:
    before = _labels(cells)
    assert before[MENDED] == "eosinophil"
    correct(cells, [MENDED], "basophil", ADA)
    version = corrections.digest(cells)
    assert _labels(cells) == {**before, MENDED: "basophil"} and version
    correct(cells, [MENDED], corrections.LEFT_OUT, ADA)
    without = read_cells(cells, settings())
    assert len(without.items) == 41 and corrections.digest(cells) != version
    assert [one.reason for one in without.skipped] == ["a person left it out"]
    correct(cells, [MENDED], None, ADA)
    assert _labels(cells) == before and corrections.digest(cells) == ""
    assert [(row.label, row.by) for row in corrections.history(cells)] == [
        *(("basophil", "Ada"), ("", "Ada"), (None, "Ada")),
    ]
    assert sent_sets()[0].files == 42, "the history is no picture of the set"


def test_what_is_no_picture_of_it_or_no_class_is_refused(cells: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"")
    for folder, file, label, words in (
        (cells, "eosinophil/none.jpg", "basophil", "there is no"),
        (cells, "../../../secret.png", "basophil", "there is no"),
        (cells, MENDED, "giraffe", "no class"),
        (tmp_path / "drawn", MENDED, "basophil", "was not sent"),
    ):
        with pytest.raises(ValueError, match=words):
            correct(folder, [file], label, ADA)
    assert not corrections.history(cells)


def test_it_goes_with_its_corrections_but_not_while_a_run_needs_it(cells: Path) -> None:
    correct(cells, [MENDED], "basophil", ADA)
    run = lifecycle.submit("wbc", cells, LoopSettings(), {}, who=ADA, title="needs them")
    with pytest.raises(SetInUse, match="needs them"):
        delete_set(cells, ADA)
    assert cells.is_dir() and corrections.standing(cells)
    lifecycle.book().ask(run.id, "discard", "Ada")
    delete_set(cells, ADA)
    assert not cells.exists() and not corrections.file_of(cells).exists() and not sent_sets()
    with pytest.raises(ValueError, match="was not sent"):
        delete_set(settings().var, ADA)
