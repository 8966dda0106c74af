"""A laboratory's own class: named for a training, learnt, compared, carried by the card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core import taxonomy
from core.datasets.intake.cells import read_cells
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.classify import call_crops
from core.models import registry
from core.models.cards import CellClassifierArchitecture, OwnClass, WhiteCellCard
from core.models.classifier import CellClassifier
from core.models.weights import LoadedModel, save_model
from core.records import WbcCall
from core.review.exchange.loinc import share_code
from core.settings import settings
from core.site_classes import ReaderClass
from core.slide.differential import of_labels
from core.training import own_classes
from core.training.loop.settings import LoopSettings
from core.training.presets import checked_options
from core.training.promote import evidence, promotion
from core.training.promote.compare_cells import _as_both_know
from core.training.recipes import prepare
from core.training.white_cells.recipe import WbcRecipe, WbcSplit
from core.training.white_cells.rehearsal import StoredFeatures
from pages.parts.kinds import look_of
from tests.fixtures.cells import draw_cells
from tests.fixtures.models import ADA, CLASSES, finished_run

NAME = "atypical_lymphocyte"


def _added(**more: Any) -> ReaderClass:
    one = own_classes.new_class("Atypical lymphocyte", parent="lymphocyte", code="X-1", **more)
    own_classes.add(one, ADA)
    return one


def test_a_folder_is_the_class_once_it_was_named(own_var: Path, tmp_path: Path) -> None:
    draw_cells(tmp_path / "cells")
    (tmp_path / "cells" / "basophil").rename(tmp_path / "cells" / "atypical lymphocyte")
    before = read_cells(tmp_path / "cells", settings())
    assert before.unknown == ("atypical lymphocyte",) and NAME not in before.classes
    one = _added()
    assert one.label == NAME and (own_var / taxonomy.OWN_CLASSES).is_file()
    after = read_cells(tmp_path / "cells", settings())
    assert after.classes == ("lymphocyte", "eosinophil", NAME) and not after.unknown
    assert sum(after.counts()[NAME]) == 14
    assert checked_options("wbc", {"names": {"AL": NAME}})["names"] == {"AL": NAME}


def test_everything_that_is_keyed_by_class_takes_it(own_var: Path) -> None:
    _added(critical=True, key="1")
    call = WbcCall(NAME, 0.9, {NAME: 0.9, "lymphocyte": 0.1}, (NAME,), False, "ours")
    assert call.critical and call.as_json()["class"] == NAME
    with pytest.raises(ValueError, match="unknown white-cell class"):
        WbcCall(NAME, 0.9, {"lymphocyte": 1.0}, (), False, "of a model that cannot say so")
    assert NAME in taxonomy.answer_labels() and taxonomy.title(NAME) == "Atypical lymphocyte"
    rows = {row.label: row for row in of_labels([NAME, "lymphocyte"], {NAME, "lymphocyte"}).rows}
    assert rows[NAME].cells == 1 and rows["lymphocyte"].cells == 1 and rows[NAME].is_part_of is None
    code = share_code(NAME)
    assert code is not None and code.code == "X-1"
    assert look_of(NAME)[2] == "1" and look_of("lymphocyte")[2] == "L"
    assert taxonomy.training_class(NAME) == NAME and taxonomy.model_class(NAME) == "lymphocyte"


@pytest.mark.parametrize(
    ("title", "more", "words"),
    [
        ("Blast", {}, "is there already"),
        ("Neutrophil", {}, "is there already"),
        ("  ", {}, "small letters"),
        ("Sézary", {"key": "L"}, "in use already"),
        ("Strange", {"parent": "giraffe"}, "is not one of"),
    ],
)
def test_what_is_taken_or_not_allowed_is_refused(
    own_var: Path, title: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        own_classes.add(own_classes.new_class(title, **more), ADA)
    assert not taxonomy.site_classes().classes


def test_named_twice_alike_it_is_one_and_otherwise_refused(own_var: Path) -> None:
    one = _added()
    own_classes.add(one, ADA)
    assert taxonomy.site_classes().classes == (one,)
    with pytest.raises(ValueError, match="is there already"):
        own_classes.add(own_classes.new_class("Atypical lymphocyte", parent="monocyte"), ADA)
    # A child of a critical class is no less critical.
    assert own_classes.new_class("Young blast", parent="blast").critical


def test_a_table_of_classes_is_taken_whole_or_not_at_all(own_var: Path, tmp_path: Path) -> None:
    file = tmp_path / "ours.csv"
    file.write_text("class,title,parent\nlgl,Large granular lymphocyte,lymphocyte\nblast,B,\n")
    with pytest.raises(ValueError, match="line 3"):
        own_classes.add_file(file, ADA)
    assert not taxonomy.site_classes().classes
    file.write_text("class,title,parent\nlgl,Large granular lymphocyte,lymphocyte\n")
    assert own_classes.add_file(file, ADA) == ("lgl",)
    (one,) = taxonomy.site_classes().classes
    assert one.learnt and not taxonomy.site_classes().problems


def test_it_is_learnt_beside_what_the_live_model_knows(site: Path) -> None:
    """``site``: a live model of lymphocyte, monocyte and blast; PBC is not there."""
    draw_cells(site / "cells")
    (site / "cells" / "basophil").rename(site / "cells" / "atypical lymphocyte")
    _added()
    options = {"start": "live", "layout": "folders", "rehearsal": "with own classes"}
    folder = site / "run"
    folder.mkdir()
    one_step = LoopSettings(epochs=1, batch_size=16, workers=0)
    ready = prepare("wbc", site / "cells", one_step, checked_options("wbc", options), folder)
    assert ready.facts["rehearsal"] == "nothing: neither PBC nor stored features are here"
    module = ready.recipe.build()
    assert module.classes == ("lymphocyte", "monocyte", "eosinophil", "blast", NAME)
    assert ready.facts["cells"][NAME] == 10
    model = ready.export(module.eval(), folder / "ours.safetensors")
    card = model.card_as(WhiteCellCard)
    assert card.own_classes == (
        OwnClass(label=NAME, title="Atypical lymphocyte", parent="lymphocyte", code="X-1"),
    )
    assert "does not know atypical" not in card.limits
    call = call_crops([np.zeros((128, 128, 3), np.uint8)], model)[0]
    assert set(call.probabilities) == set(module.classes)


def test_with_pbc_its_cells_stand_beside(site: Path, tiny_data: Path) -> None:
    (site / "data").rmdir()
    (site / "data").symlink_to(tiny_data)
    draw_cells(site / "cells", per_class=20)
    (site / "cells" / "basophil").rename(site / "cells" / "atypical lymphocyte")
    _added()
    for when, kept in (("with own classes", True), ("no", False)):
        folder = site / when
        folder.mkdir()
        options = {"start": "live", "layout": "folders", "rehearsal": when}
        chosen = LoopSettings(epochs=1, workers=0)
        ready = prepare("wbc", site / "cells", chosen, checked_options("wbc", options), folder)
        assert isinstance(ready.recipe, WbcRecipe)
        beside = [path for path in ready.recipe.pictures() if "pbc" in path.parts]
        # Of the drawn PBC only the lymphocyte is a class of the live model.
        assert bool(beside) is kept and {path.parent.name for path in beside} <= {"lymphocyte"}
        assert ("rehearsal" in ready.facts) is kept


def test_without_pbc_the_shipped_models_stored_features_are_rehearsed(
    own_var: Path, tmp_path: Path, change_settings: Any
) -> None:
    change_settings(data=tmp_path / "nowhere")
    draw_cells(tmp_path / "cells")
    (tmp_path / "cells" / "basophil").rename(tmp_path / "cells" / "atypical lymphocyte")
    _added()
    options = checked_options("wbc", {"start": "live", "layout": "folders"})
    ready = prepare("wbc", tmp_path / "cells", LoopSettings(), options, tmp_path / "run")
    assert ready.facts["rehearsal"].startswith("stored features of 1")
    model = ready.recipe.build()
    assert isinstance(model, CellClassifier)
    learnt = {name for name, one in model.named_parameters() if one.requires_grad}
    last = {id(one) for one in model.last_layer().parameters()}
    assert len(learnt) == 2 and all(id(model.get_parameter(name)) in last for name in learnt)
    # With the backbone as it was, the last layer still tells what it told.
    batch = {"image": torch.rand(4, 3, 128, 128), "target": torch.eye(len(model.classes))[:4]}
    assert torch.isfinite(ready.recipe.loss(model.train(), batch))


def test_stored_features_keep_the_classes_that_no_cell_shows(tmp_path: Path) -> None:
    """Gradient steps on one class alone: without rehearsal the other two are forgotten."""
    path = tmp_path / "cell.png"
    cv2.imwrite(str(path), np.full((72, 72, 3), 200, np.uint8))
    cells = [LabelledCell(path, NAME)] * 4
    torch.manual_seed(0)
    start = CellClassifier(("lymphocyte", "monocyte"))
    rows = torch.eye(2, start.last_layer().in_features).repeat(8, 1) * 8
    with torch.no_grad():
        start.last_layer().weight.zero_()
        start.last_layer().weight[0, 0] = start.last_layer().weight[1, 1] = 0.1
    stored = StoredFeatures(rows, ("lymphocyte", "monocyte") * 8)
    right = {}
    for kept in (None, stored):
        recipe = WbcRecipe(
            WbcSplit(cells, cells),
            start=start,
            classes=("lymphocyte", "monocyte", NAME),
            frozen="backbone",
            rehearsal=kept,
        )
        model = recipe.build().train()
        rate = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.5)
        batch = {"image": torch.rand(4, 3, 128, 128), "target": torch.eye(3)[[2] * 4]}
        for _ in range(20):
            rate.zero_grad()
            recipe.loss(model, batch).backward()
            rate.step()
        answers = model.last_layer()(rows).argmax(1)
        right[kept is not None] = float((answers == torch.tensor([0, 1] * 8)).float().mean())
        if kept is not None:
            before, after = start.state_dict(), model.state_dict()
            means = [name for name in before if name.endswith("running_mean")]
            assert means and all(torch.equal(before[n], after[n]) for n in means)
    assert right[True] == 1.0 and right[False] < 1.0


@pytest.mark.parametrize(
    ("label", "champion", "challenger", "expected"),
    [
        (NAME, ("lymphocyte",), ("lymphocyte", NAME), "lymphocyte"),
        (NAME, ("lymphocyte", NAME), ("lymphocyte",), "lymphocyte"),
        (NAME, ("lymphocyte", NAME), ("lymphocyte", NAME), NAME),
        (NAME, ("monocyte",), ("lymphocyte", NAME), None),
        ("lymphocyte", ("lymphocyte",), ("lymphocyte", NAME), "lymphocyte"),
        # A shipped class that the challenger lost stays, and counts against it.
        ("blast", ("blast",), ("lymphocyte",), "blast"),
        ("neutrophil", ("band_neutrophil",), ("band_neutrophil",), "neutrophil"),
    ],
)
def test_what_both_models_know(
    own_var: Path,
    label: str,
    champion: tuple[str, ...],
    challenger: tuple[str, ...],
    expected: str | None,
) -> None:
    _added()
    assert _as_both_know(label, champion, challenger) == expected


def test_a_model_with_one_class_more_is_compared_and_goes_live(
    site: Path, known_models: dict[str, Path], tmp_path: Path
) -> None:
    """The live model always says monocyte, the challenger always the new class."""
    always = _always(tmp_path / "own")
    run = finished_run({NAME: always.path}, NAME, site, lymphocyte=16, **{NAME: 9}, monocyte=3)
    own_classes.add(own_classes.new_class("Atypical lymphocyte", parent="lymphocyte"), ADA)
    found = promotion.compare(run)
    own = found.own
    assert isinstance(own, promotion.OnOneSet)
    assert own.told_by_one == {NAME: "challenger"} and own.left_out == 0
    # As lymphocytes, which both know, all 25 are right; by its own name 9 of 9 are, and no other.
    assert (own.accuracy.only_challenger, own.accuracy.only_champion) == (25, 3)
    assert own.recalls[NAME] == (0.0, 1.0, 9) and own.recalls["lymphocyte"] == (0.0, 0.0, 16)
    assert "told by the challenger only: 9 of 9 test cells" in found.classes_told_by_one
    again = evidence.from_json(json.loads(json.dumps(found.as_json())))
    assert again.own == own
    # Another installation's model brings its classes.
    (settings().var / taxonomy.OWN_CLASSES).unlink()
    promotion.promote(found, who=ADA, reason="it tells them apart")
    assert [one.label for one in taxonomy.site_classes().classes] == [NAME]
    crop = np.zeros((128, 128, 3), np.uint8)
    assert call_crops([crop], registry.live("wbc"))[0].label == NAME


def _always(folder: Path) -> LoadedModel:
    folder.mkdir()
    classes = (*CLASSES, NAME)
    module = CellClassifier(classes)
    torch.nn.init.zeros_(module.last_layer().weight)
    with torch.no_grad():
        module.last_layer().bias.copy_(torch.tensor([0.0, 0.0, 0.0, 3.0]))
    own = OwnClass(label=NAME, title="Atypical lymphocyte", parent="lymphocyte")
    card = WhiteCellCard(
        architecture=CellClassifierArchitecture(backbone=module.backbone, classes=classes),
        temperature=1.0,
        set_limit=0.3,
        abstain_below=0.1,
        own_classes=(own,),
    )
    return save_model(folder / "always_atypical.safetensors", module, card)
