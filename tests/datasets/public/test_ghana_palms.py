import csv

import numpy as np
import pytest
from PIL import Image

from core.datasets.public.ghana_palms import PalmTableRefused, load, usable
from core.datasets.public.palm_limits import is_anemic, limit_g_dl
from core.datasets.public.palm_splits import folds, lock_away
from core.studies.papers.palm_clusters import (
    balanced_split,
    cluster_facts,
    clusters,
    split_as_in_paper,
    split_honestly,
)


def write_set(folder, rows, columns=("file", "anemic", "photo_group", "session_block")):
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as handle:
        table = csv.DictWriter(handle, columns)
        table.writeheader()
        table.writerows(rows)
    for row in rows:
        Image.new("RGB", (80, 60), (200, 150, 130)).save(folder / "images" / row["file"])


def blocks(number, size, anemic):
    name = "ill" if anemic else "well"
    return [
        {
            "file": f"{name}-{b}-{i}.png",
            "anemic": int(anemic),
            "photo_group": f"{name}-{b}-{i // 2}",
            "session_block": f"{name}-{b}",
        }
        for b in range(number)
        for i in range(size)
    ]


@pytest.fixture
def made(tmp_path):
    write_set(tmp_path, blocks(9, 6, True) + blocks(6, 5, False))
    return load(tmp_path)


# Limits read in the paper's text and in table 4 of WHO's guideline of 2024.
@pytest.mark.parametrize(
    ("age", "sex", "limits", "expected"),
    [
        (30, "female", "paper", 12.0),
        (30, "male", "paper", 14.0),
        (0.01, None, "paper", 14.0),
        (30, None, "paper", None),
        (None, "male", "who", 13.0),
        (30, "female", "who", 12.0),
        (1, None, "who", 10.5),
        (3, "male", "who", 11.0),
        (8, None, "who", 11.5),
        (13, "male", "who", 12.0),
        (15, "male", "who", 13.0),
        (0.2, "male", "who", None),
    ],
)
def test_limits_of_haemoglobin(age, sex, limits, expected):
    assert limit_g_dl(age, sex, limits) == expected


def test_the_limit_itself_is_not_anemia():
    assert is_anemic(12.0, 30, "female", "paper") is False
    assert is_anemic(11.9, 30, "female", "paper") is True
    assert is_anemic(None, 30, "female", "paper") is None


def test_the_label_can_come_from_haemoglobin(tmp_path):
    columns = ("file", "anemic", "Hb", "Age", "Sex", "haematocrit")
    rows = [
        {"file": "a.png", "anemic": 0, "Hb": 13.5, "Age": 40, "Sex": "M", "haematocrit": 39},
        {"file": "b.png", "anemic": 1, "Hb": 13.5, "Age": 40, "Sex": "F", "haematocrit": ""},
        {"file": "c.png", "anemic": 1, "Hb": "", "Age": 40, "Sex": "F", "haematocrit": 33},
    ]
    write_set(tmp_path, rows, columns)
    assert [photo.anemic for photo in load(tmp_path)] == [False, True, True]
    assert [photo.anemic for photo in load(tmp_path, "paper")] == [True, False, None]
    assert [photo.anemic for photo in load(tmp_path, "who")] == [False, False, None]
    facts = {row.name: row for row in cluster_facts(load(tmp_path))}
    # By hand: (39 + 33) / 2, one missing; two of three are women.
    assert (facts["haematocrit_percent"].mean, facts["haematocrit_percent"].missing) == (36, 1)
    assert (facts["haematocrit_percent"].lowest, facts["haematocrit_percent"].highest) == (33, 39)
    assert facts["female"].mean == pytest.approx(2 / 3)


def test_a_value_that_cannot_be_read_names_its_line(tmp_path):
    write_set(tmp_path, [{"file": "a.png", "anemic": "yes"}], ("file", "anemic"))
    with pytest.raises(PalmTableRefused, match=r"line 2: anemic cannot be 'yes'"):
        load(tmp_path)


def test_a_missing_photo_is_named(tmp_path):
    write_set(tmp_path, [{"file": "a.png", "anemic": 1}], ("file", "anemic"))
    (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        load(tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_folds_divide_no_block_and_no_group(made, seed):
    held = []
    for split in folds(made, 5, seed):
        learnt, tested = ([made[i] for i in part] for part in (split.learn, split.held_out))
        assert not {p.session_block for p in learnt} & {p.session_block for p in tested}
        assert not {p.photo_group for p in learnt} & {p.photo_group for p in tested}
        assert {p.anemic for p in tested} == {True, False}
        held += split.held_out
    assert sorted(held) == list(range(len(made)))


def test_too_few_blocks_for_the_folds_are_refused(tmp_path):
    write_set(tmp_path, blocks(3, 4, True) + blocks(6, 4, False))
    with pytest.raises(ValueError, match="3 session blocks with anemia"):
        list(folds(load(tmp_path), 5, 0))


def test_clusters_are_those_of_the_paper(tmp_path):
    # 57 anemic and 136 others gave two clusters of 136, of which a fifth is 28 photos.
    write_set(tmp_path, blocks(19, 3, True) + blocks(34, 4, False))
    photos = load(tmp_path)
    for cluster in clusters(photos):
        assert len(cluster) == 136 and sum(bool(p.anemic) for p in cluster) == 68
        split = split_as_in_paper(cluster, 0)
        assert (len(split.test), len(split.train)) == (28, 108)
    first, second = ({p.path for p in c if not p.anemic} for c in clusters(photos))
    assert not first & second


def test_the_published_split_leaks_and_the_honest_one_does_not(made):
    cluster = clusters(made)[0]
    leaked = [split_as_in_paper(cluster, state) for state in range(5)]
    assert all(split.on_both_sides > 0 and split.blocks_on_both_sides > 0 for split in leaked)
    for state in range(5):
        split = split_honestly(cluster, state)
        assert (split.on_both_sides, split.blocks_on_both_sides) == (0, 0)
        assert len({p.path for p in split.test}) == len(split.test)
        assert sum(bool(p.anemic) for p in split.train) * 2 == len(split.train)
        assert {p.anemic for p in split.test} == {True, False}


def test_a_split_made_elsewhere_is_balanced_in_its_learning_part_only(made):
    fold = next(folds(made, 3, seed=0))
    learn, test = ([made[i] for i in part] for part in (fold.learn, fold.held_out))
    split = balanced_split(learn, test, 1)
    ill = sum(bool(p.anemic) for p in split.train)
    assert (
        ill * 2
        == len(split.train)
        == 2 * max(sum(bool(p.anemic) is side for p in learn) for side in (True, False))
    )
    assert set(split.train) == set(learn) and split.test == test
    assert (split.on_both_sides, split.blocks_on_both_sides) == (0, 0)
    assert split == balanced_split(learn, test, 1)


def test_the_real_set(data_dir):
    photos = load(data_dir / "palm")
    kept = usable(photos)
    # Counted in the table with another program.
    assert (len(photos), len(kept), sum(bool(p.anemic) for p in kept)) == (409, 401, 272)
    split = lock_away(kept)
    locked = [kept[i] for i in split.held_out]
    learn = [kept[i] for i in split.learn]
    assert not {p.photo_group for p in learn} & {p.photo_group for p in locked}
    assert not {p.session_block for p in learn} & {p.session_block for p in locked}
    share = np.mean(
        [
            len([p for p in locked if p.anemic is s]) / sum(p.anemic is s for p in kept)
            for s in (True, False)
        ]
    )
    assert 0.15 < share < 0.25
