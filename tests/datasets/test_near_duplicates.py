import cv2
import numpy as np
import pytest

from core.datasets import near_duplicates
from core.datasets.public import cbc, txl
from core.imaging.synthetic import draw


def picture(seed: int) -> np.ndarray:
    return draw(seed, width=240, height=200, rbc_diameter_px=40).field.pixels


def test_a_squeezed_and_reencoded_copy_is_found_and_another_field_is_not():
    original = picture(1)
    squeezed = cv2.resize(original, (200, 200), interpolation=cv2.INTER_AREA)
    copy = np.asarray(cv2.imdecode(cv2.imencode(".jpg", squeezed)[1], cv2.IMREAD_COLOR), np.uint8)
    reference = near_duplicates.difference_hash(original)[None]
    candidates = np.stack([near_duplicates.difference_hash(p) for p in (copy, picture(2))])
    assert near_duplicates.copies_of(reference, candidates).tolist() == [True, False]


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_altered_copy_is_found_however_it_lies(tmp_path, quarters, mirrored):
    original = picture(1)
    cv2.imwrite(str(tmp_path / "original.png"), original[:, :, ::-1])
    copy = np.rot90(original[4:-4, 5:-5], quarters)
    copy = np.ascontiguousarray(copy[:, ::-1] if mirrored else copy)
    copy = cv2.convertScaleAbs(cv2.resize(copy, (200, 200)), alpha=0.7, beta=20)
    candidates = np.stack([near_duplicates.difference_hash(p) for p in (picture(2), copy)])
    found = near_duplicates.altered_copies_of([tmp_path / "original.png"], candidates)
    assert found.tolist() == [False, True]


def test_an_unreadable_original_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(OSError, match=r"broken\.png"):
        near_duplicates.altered_copies_of([tmp_path / "broken.png"], np.zeros((1, 1024), np.uint8))


def test_distance_is_the_share_of_differing_bits():
    a = np.zeros((1, 1024), np.uint8)
    b = a.copy()
    b[0, :256] = 1
    assert near_duplicates.distances(a, b)[0, 0] == pytest.approx(0.25)


def test_groups_follow_chains_across_blocks():
    rows = np.zeros((5, 1024), np.uint8)
    rows[1, :60] = 1  # near 0
    rows[4, :120] = 1  # near 1, not near 0
    rows[2, 512:] = 1
    rows[3, ::2] = 1
    found = near_duplicates.groups(rows, block=2)
    assert found[0] == found[1] == found[4]
    assert len({found[0], found[2], found[3]}) == 3


def test_nothing_compared_is_nothing_found():
    none = np.zeros((0, 1024), np.uint8)
    assert near_duplicates.copies_of(none, none).shape == (0,)


@pytest.mark.data
def test_every_cbc_test_field_has_its_copy_in_txl(data_dir):
    fields = [
        field for part in ("train", "val", "test") for field in txl.load(data_dir / "txl", part)
    ]
    tests = near_duplicates.hash_files([f.path for f in cbc.load(data_dir / "cbc", "Testing")])
    nearest = near_duplicates.distances(
        tests, near_duplicates.hash_files([f.path for f in fields])
    ).min(axis=1)
    assert (nearest < near_duplicates.MAX_DISTANCE).all()


def test_chains_are_found_across_blocks():
    rng = np.random.default_rng(3)
    hashes = rng.integers(0, 2, (9, 1024)).astype(np.uint8)
    # 0 - 5 - 8 is a chain of near copies whose ends differ too much for a link of their own.
    hashes[5] = hashes[0]
    hashes[5, :60] ^= 1
    hashes[8] = hashes[5]
    hashes[8, 500:560] ^= 1
    for block in (2, 3, 100):
        groups = near_duplicates.groups(hashes, block=block)
        assert groups[0] == groups[5] == groups[8]
        assert len(set(groups.tolist())) == 7
    assert near_duplicates.groups(hashes[:0]).tolist() == []


def test_altered_copies_are_told_from_cells_that_look_alike():
    """Cells with one nucleus on different ground, and one of them turned, mirrored and darkened."""
    pictures = []
    for seed in range(20):
        small = np.random.default_rng(seed).integers(170, 250, (9, 9)).astype(np.uint8)
        picture = cv2.resize(small, (96, 96), interpolation=cv2.INTER_CUBIC)
        pictures.append(cv2.circle(picture, (48, 48), 20, 60, -1))
    copy = np.ascontiguousarray(np.rot90(pictures[7])[:, ::-1] * 0.7).astype(np.uint8)
    thumbnails = np.stack([near_duplicates.thumbnail(one) for one in [*pictures, copy]])
    assert near_duplicates.altered_pairs(thumbnails) == [(7, 20)]
    reference = near_duplicates.difference_hash(copy)[None]
    assert near_duplicates.turned_copies_of(reference, thumbnails[:20]).nonzero()[0].tolist() == [7]
