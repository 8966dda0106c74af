"""Memory stays flat: at any resolution and number of photos, few are decoded at once."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from core.datasets import fields
from core.datasets.public.ghana_palms import PalmPhoto
from core.studies.papers.palm import REDUCED, train_and_test
from core.studies.papers.palm_clusters import ClusterSplit
from core.training.palm import photos as palm_photos
from core.training.palm.photos import PalmPhotos


@pytest.fixture
def photos(tmp_path):
    made = []
    for i in range(24):
        anemic = i % 2 == 0
        shade = (205, 190, 180) if anemic else (205, 120, 100)
        noise = np.random.default_rng(i).normal(0, 6, (150, 200, 3))
        pixels = np.clip(np.array(shade) + noise, 0, 255).astype(np.uint8)
        path = tmp_path / f"{i}.png"
        Image.fromarray(pixels).save(path)
        made.append(PalmPhoto(path, anemic, str(i), str(i), haemoglobin_g_dl=9.0 + i / 4))
    return made


@pytest.mark.parametrize("size", [(40, 30), (400, 300)])
def test_few_photos_are_decoded_at_once(photos, size, monkeypatch):
    alive, most = 0, 0
    read, sized = fields.read_rgb, palm_photos.sized

    class Seen(np.ndarray):  # a plain array cannot be referred to weakly
        pass

    def gone():
        nonlocal alive
        alive -= 1

    def counted(make):
        def made(*given):
            nonlocal alive, most
            pixels = make(*given).view(Seen)
            weakref.finalize(pixels, gone)
            alive += 1
            most = max(most, alive)
            return pixels

        return made

    monkeypatch.setattr(palm_photos, "read_rgb", counted(read))
    monkeypatch.setattr(palm_photos, "sized", counted(sized))
    seen = 0
    for _ in range(3):
        for batch in DataLoader(PalmPhotos(photos, size), batch_size=4):
            seen += len(batch["target"])
            assert tuple(batch["image"].shape[2:]) == size[::-1]
    assert seen == 72
    assert 0 < most <= 8  # a photo and its small copy for each of a batch, of 24 photos


def test_the_cnn_learns_what_it_is_shown(photos):
    # Two colours that differ: a network that did not learn would be near one half.
    split = ClusterSplit(photos[:16], photos[16:], 0, 0)
    settings = replace(REDUCED, size_px=(40, 32), epochs=12, batch_size=4)
    result, logits = train_and_test(split, 0, settings)
    assert result.accuracy == 1.0 and len(logits) == 8
    assert result.true_positive + result.false_negative == 4


def test_the_same_state_gives_the_same_row(photos):
    split = ClusterSplit(photos[:12], photos[12:], 0, 0)
    settings = replace(REDUCED, size_px=(32, 32), epochs=1, batch_size=4)
    assert train_and_test(split, 3, settings)[0] == train_and_test(split, 3, settings)[0]


def test_stopped_after_an_epoch_it_resumes_with_the_same_row(photos, tmp_path):
    split = ClusterSplit(photos[:12], photos[12:], 0, 0)
    settings = replace(REDUCED, size_px=(32, 32), epochs=3, batch_size=4)
    whole, logits = train_and_test(split, 3, settings)

    def stop(epochs, loss):
        raise InterruptedError

    for _ in range(2):
        with pytest.raises(InterruptedError):
            train_and_test(split, 3, settings, tmp_path / "state.safetensors", stop)
    torch.manual_seed(9)
    resumed, again = train_and_test(split, 3, settings, tmp_path / "state.safetensors")
    assert resumed == whole
    assert resumed.epochs == 3
    assert np.array_equal(again, logits)


def test_haemoglobin_can_be_the_target(photos):
    data = PalmPhotos(photos, (32, 32), "haemoglobin")
    assert float(data[(0, 4)]["target"]) == 10.0
    with pytest.raises(ValueError, match=r"0\.png has no haemoglobin"):
        PalmPhotos([replace(photos[0], haemoglobin_g_dl=None)], (32, 32), "haemoglobin")


def test_variation_depends_on_epoch_and_index_only(photos):
    data = PalmPhotos(photos, (32, 32), varied=True, seed=5)
    again = PalmPhotos(photos, (32, 32), varied=True, seed=5)
    assert (data[(1, 2)]["image"] == again[(1, 2)]["image"]).all()
    assert any((data[(e, 2)]["image"] != data[(0, 2)]["image"]).any() for e in range(1, 5))
