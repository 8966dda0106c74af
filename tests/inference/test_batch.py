"""Many files in the background: order, refusals, stopping, nothing twice."""

import threading

import numpy as np
import pytest

from core.imaging import synthetic
from core.imaging.view import pixels_of
from core.inference.batch import Batch, Source, drawn, uploads
from core.inference.locate.cell_crop import crop_cell
from core.inference.smear import analyse
from core.models import registry
from core.settings import Settings

SECONDS = 180


@pytest.fixture(scope="module")
def files():
    return [(f"{seed}.png", synthetic.png_bytes(synthetic.draw(seed).field)) for seed in (51, 52)]


def ended(work):
    assert work.wait(SECONDS)
    return work


def test_results_and_refusals_come_in_input_order(files):
    sent = [files[0], ("bad.png", b"no picture"), files[1], ("again.png", files[0][1])]
    work = ended(Batch(uploads(sent, Settings()), registry.smear_models()).start())
    assert [result.finding.file for result in work.results] == ["51.png", "52.png"]
    assert [refusal.code for refusal in work.refusals] == ["not_an_image", "same_picture"]
    progress = work.progress()
    assert (progress.done, progress.total, progress.running) == (4, 4, False)
    assert not work.stopped


def test_a_result_carries_the_pictures_that_show_it(files):
    result = ended(Batch(uploads(files[:1], Settings()), registry.smear_models()).start()).results[
        0
    ]
    assert pixels_of(result.view).shape == (480, 640, 3)
    assert max(pixels_of(result.thumbnail).shape) == 240
    classified = [i for i, cell in enumerate(result.finding.cells) if cell.wbc is not None]
    assert [cell.index for cell in result.white_cells] == classified
    assert all(pixels_of(cell.seen).shape == (128, 128, 3) for cell in result.white_cells)
    assert all(pixels_of(cell.large).shape == (256, 256, 3) for cell in result.white_cells)


def test_files_beyond_the_limit_are_refused_by_name(files):
    work = ended(Batch(uploads(files, Settings(max_files=1)), registry.smear_models()).start())
    assert [result.finding.file for result in work.results] == ["51.png"]
    assert [(r.file, r.code) for r in work.refusals] == [("52.png", "too_many_files")]


def test_a_known_picture_is_not_computed_again(files, monkeypatch):
    first = ended(Batch(uploads(files[:1], Settings()), registry.smear_models()).start()).results[0]
    monkeypatch.setattr("core.inference.batch.analyse", lambda *_: pytest.fail("computed again"))
    renamed = [("other name.png", files[0][1])]
    known = {first.key: first}
    again = Batch(uploads(renamed, Settings()), registry.smear_models(), known=known)
    work = ended(again.start())
    assert not work.refusals
    assert work.results[0].finding.file == "other name.png"
    assert work.results[0].finding.cells == first.finding.cells


def test_a_stopped_batch_keeps_what_is_finished():
    opened, go_on = threading.Event(), threading.Event()

    def slow():
        opened.set()
        assert go_on.wait(SECONDS)
        return synthetic.draw(53).field

    work = Batch([Source("slow.png", slow), *drawn([54])], registry.smear_models()).start()
    assert opened.wait(SECONDS)
    assert work.progress().current == "slow.png"
    work.stop()
    go_on.set()
    ended(work)
    assert [result.finding.file for result in work.results] == ["synthetic-0053.png"]
    assert work.stopped


def test_an_unforeseen_error_ends_only_its_file(files, monkeypatch):
    def breaks(field, models):
        if field.name == "51.png":
            raise RuntimeError("broken")
        return analyse(field, models)

    monkeypatch.setattr("core.inference.batch.analyse", breaks)
    work = ended(Batch(uploads(files, Settings()), registry.smear_models()).start())
    assert [(r.file, r.code) for r in work.refusals] == [("51.png", "internal_error")]
    assert [result.finding.file for result in work.results] == ["52.png"]


def test_a_person_sees_no_mirror_image_beyond_the_edge(files):
    pixels = pixels_of(files[0][1])
    at_corner = (0.0, 0.0, 60.0, 60.0)
    crop = crop_cell(pixels, at_corner, 90.0, 256, mirrored=False)
    assert np.ptp(crop[:40, :40], axis=(0, 1)).max() == 0
    assert np.ptp(crop_cell(pixels, at_corner, 90.0, 256)[:40, :40], axis=(0, 1)).max() > 0
