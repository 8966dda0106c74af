import errno
import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.datasets.public.fetch import FetchRefused
from core.imaging.synthetic import draw_cell
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.local_head import BIAS, GATE, WEIGHT, head_logits
from core.inference.white_cell.uncertainty import Uncertainty, uncertainty_of
from core.models import registry
from core.models.cards import WhiteCellCard
from core.models.foundation import foundation_folder, installed_foundation
from core.models.foundation_models import FOUNDATION_MODELS
from core.models.weights import WeightsRefused
from core.training.white_cells.adaptation.fetch_foundation import fetch_foundation
from core.training.white_cells.adaptation.laboratory_head import local_head_of
from core.training.white_cells.cell_examples import centre_crop
from tests.fixtures.paths import ROOT
from tests.models.test_foundation import TINY, authors_file


@pytest.fixture
def authors(file_server, own_var, tmp_path, monkeypatch):
    """The authors' server, with a small network in their format."""
    monkeypatch.setitem(FOUNDATION_MODELS, "dinobloom-s", TINY)
    file_server.path = "/DinoBloom-S.pth"
    file_server.body = authors_file(tmp_path / "authors.pth").read_bytes()
    return file_server


def test_it_is_fetched_and_installed(authors):
    fetched = fetch_foundation(TINY, authors.address)
    assert installed_foundation() == fetched.installed
    assert fetched.source_sha256 == hashlib.sha256(authors.body).hexdigest()
    assert not fetched.was_known
    assert not list((foundation_folder() / ".fetch").glob("*.part"))
    # What was written down the first time is asked of it the second time.
    assert fetch_foundation(TINY, authors.address).was_known
    authors.body = authors.body + b"changed"
    with pytest.raises(FetchRefused, match="nothing was installed"):
        fetch_foundation(TINY, authors.address)
    assert installed_foundation() == fetched.installed


@pytest.mark.parametrize("ranges", [True, False])
def test_what_was_cut_in_the_middle_goes_on(authors, ranges):
    authors.cut, authors.ranges = 5000, ranges
    with pytest.raises(FetchRefused, match="broke off .* goes on from there"):
        fetch_foundation(TINY, authors.address)
    assert installed_foundation() is None
    fetch_foundation(TINY, authors.address)
    assert installed_foundation() is not None
    assert authors.asked == [None, "bytes=5000-"]


def test_a_wrong_checksum_installs_nothing(authors):
    with pytest.raises(FetchRefused, match="expected is 000000000000; it was thrown away"):
        fetch_foundation(replace(TINY, sha256="0" * 64), authors.address)
    assert installed_foundation() is None
    assert not list((foundation_folder() / ".fetch").glob("*.part"))


def test_another_network_is_not_installed(authors):
    with pytest.raises(WeightsRefused, match="does not hold the network"):
        fetch_foundation(replace(TINY, width=48), authors.address)
    assert installed_foundation() is None


def test_on_a_full_disk_what_came_is_kept(authors, monkeypatch):
    """A disk cannot be filled in a test: writing the file fails as the system would say it."""
    opened = Path.open

    def full(self, mode="r", *rest, **more):
        if self.suffix == ".part" and mode in ("ab", "wb"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(self, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(FetchRefused, match="No space left on device"):
        fetch_foundation(TINY, authors.address)
    monkeypatch.undo()


def test_the_command_shows_the_licence_and_takes_no_yes_for_granted(own_var):
    command = [sys.executable, "-m", "core", "weights", "fetch", "dinobloom-s"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "licence:" in run.stdout and "sha256:" in run.stdout and "MB" in run.stdout
    assert "zenodo.org/records/10908163" in run.stdout
    assert "--accept-licence" in run.stderr
    assert not foundation_folder().exists()


def test_where_it_is_present_a_head_reads_it_and_needs_it_from_then_on(authors):
    live = registry.live("wbc")
    known = uncertainty_of(live)
    assert known is not None
    labels = ["lymphocyte", "eosinophil"] * 3
    crops = [centre_crop(draw_cell(n, label).pixels) for n, label in enumerate(labels)]
    # In the other order of names the live model is wrong, so that there is something to gain.
    labels = labels[::-1]
    without = local_head_of(live, known, crops, labels, 0)
    fetched = fetch_foundation(TINY, authors.address)
    with_it = local_head_of(live, known, crops, labels, 0)
    assert (without.foundation, with_it.foundation) == ("", fetched.installed.identity)
    assert with_it.weight.shape[1] == without.weight.shape[1] + TINY.width
    answers, classes = answers_of(crops, live), live.card_as(WhiteCellCard).classes

    def read(head):
        card = known.card.model_copy(update={"local_head": head.as_card()})
        tensors = {**known.tensors, WEIGHT: head.weight, BIAS: head.bias, GATE: head.gate}
        return head_logits(answers, crops, Uncertainty(card, tensors), classes)

    here = read(without)
    assert read(with_it).shape == here.shape
    for file in foundation_folder().glob("dinobloom-s.*"):
        file.unlink()
    with pytest.raises(WeightsRefused, match="weights fetch dinobloom-s"):
        read(with_it)
    # One fitted without it asks for nothing.
    np.testing.assert_array_equal(read(without), here)
