import numpy as np
import pytest
from PIL import Image

from core.datasets.intake.copies import Locked
from core.datasets.near_duplicates import hash_files
from core.datasets.public.pbc import LabelledCell
from core.imaging.synthetic import draw
from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models import registry
from core.models.cards import WhiteCellCard
from core.models.classifier import CellClassifier
from core.training.promote import locked_sets
from core.training.promote.compare_cells import on_cells
from core.training.white_cells.adaptation.adapt import adapt_to
from core.training.white_cells.adaptation.laboratory_cells import (
    crop_of,
    crops_of,
    list_cells,
    usable_cells,
)
from core.training.white_cells.adaptation.last_layer import AdaptRefused

CLASSES = ("lymphocyte", "eosinophil")


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """Drawn fields with one white cell each, in class folders; the stain is the program's own.

    One of these cells the live model gets wrong: where it gets none wrong, adapting is refused.
    """
    root = tmp_path_factory.mktemp("our laboratory")
    for number, name in enumerate(CLASSES * 3):
        (root / name).mkdir(exist_ok=True)
        field = draw(200 + number, wbc=[name]).field
        Image.fromarray(np.array(field.pixels)).save(root / name / f"{number}.png")
    (root / "smudge").mkdir()
    Image.new("RGB", (200, 200), "white").save(root / "smudge" / "s.png")
    (root / "lymphocyte" / "broken.png").write_bytes(b"not a picture")
    return root


@pytest.fixture(scope="module")
def made(laboratory, tmp_path_factory):
    target = tmp_path_factory.mktemp("made") / "adapted.safetensors"
    return adapt_to(laboratory, per_class=2, seed=1, target=target)


def test_the_challenger_is_the_live_network_with_a_head_beside_it(made):
    live = registry.live("wbc")
    assert isinstance(live.module, CellClassifier)
    before, after = live.module.state_dict(), made.model.module.state_dict()
    assert all(np.array_equal(before[key], after[key]) for key in before)
    card = made.model.card_as(WhiteCellCard)
    assert card.local_head is not None
    gain = card.local_head.gain
    assert gain.value > 0 and gain.low <= gain.value <= gain.high
    assert "Cross-validated" in made.in_words()
    assert card.adapted_from == live.identity
    assert not card.evaluation


def test_it_says_what_it_learnt_from_and_what_it_left(made, laboratory):
    assert sum(made.cells.values()) <= 4 and set(made.cells) == set(CLASSES)
    # Without the four learnt from, the smudge that was drawn, and the file that is no picture.
    assert made.left_for_test == len(list_cells(laboratory).cells) - 4 - 1 - 1
    reasons = {one.file: one.reason for one in made.skipped}
    assert reasons["broken.png"] == "it cannot be read as a picture"
    if "smudge" not in registry.live("wbc").card_as(WhiteCellCard).classes:
        assert "no class smudge" in reasons["s.png"]
    assert made.as_json()["model"] == made.model.identity


def test_cells_it_did_not_learn_from_are_judged_as_it_sees_them(tmp_path):
    """In a field the white cell is not in the middle, where a single cell's picture has it."""
    live = registry.live("wbc")
    cells = []
    for number in range(12):
        drawn = draw(300 + number, wbc=["eosinophil"])
        x0, y0, x1, y1 = next(c for c in drawn.cells if c.kind == "wbc").box_xyxy_px
        if max(abs((x0 + x1) / 2 - 320), abs((y0 + y1) / 2 - 240)) < 150:
            continue
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.array(drawn.field.pixels)).save(path)
        cells.append(
            LabelledCell(path, call_crops([crop_of(path, registry.live("locator"))], live)[0].label)
        )
    assert len(cells) >= 4
    right = []
    for anywhere in (True, False):
        file = tmp_path / f"{anywhere}.json"
        locked_sets.lock(file, "fields", cells, anywhere=anywhere)
        right.append(
            on_cells(locked_sets.read(file), registry.live("locator"), live, live).challenger
        )
    assert right[0] == 1.0 and right[1] < 1.0


def test_extras_go_with_it(made, laboratory):
    uncertainty = uncertainty_of(made.model)
    assert uncertainty is not None
    assert uncertainty.card.limits_from == registry.live("wbc").identity
    # Cells that the head does not answer are answered as by the live model.
    live = uncertainty_of(registry.live("wbc"))
    assert live is not None and live.card.label_shift is not None
    assert uncertainty.card.label_shift == live.card.label_shift
    calls = call_crops(
        [crop_of(laboratory / "lymphocyte" / "0.png", registry.live("locator"))], made.model
    )
    assert calls[0].not_a_cell is not None


def test_unreadable_pictures_are_named(laboratory):
    cells = [c for c in list_cells(laboratory).cells if c.label == "lymphocyte"]
    crops, used, skipped = crops_of(cells, registry.live("locator"))
    assert len(crops) == len(used) == 3
    assert [one.file for one in skipped] == ["broken.png"]


def test_what_cannot_be_read_is_no_test_cell_either(laboratory):
    """Cells that are not drawn are locked as the test set: one bad file would break it."""
    cells = list_cells(laboratory).cells
    kept, skipped = usable_cells(cells, None)
    assert {one.file for one in skipped} == {"broken.png"}
    assert len(kept) == len(cells) - len(skipped)
    copies = Locked("theirs", hash_files([kept[0].path]))
    again, left_out = usable_cells(kept, copies)
    assert kept[0] not in again
    assert "locked test set theirs" in left_out[0].reason


def test_one_class_is_not_enough(laboratory, tmp_path):
    (tmp_path / "lymphocyte").mkdir()
    picture = laboratory / "lymphocyte" / "0.png"
    (tmp_path / "lymphocyte" / "0.png").write_bytes(picture.read_bytes())
    with pytest.raises(AdaptRefused, match="at least two classes"):
        adapt_to(tmp_path, target=tmp_path / "x.safetensors")
