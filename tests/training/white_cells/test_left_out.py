"""A laboratory left out of a training: nothing of it is learnt from, and a stop loses nothing."""

import json
import os
import shutil
import signal

import cv2
import pytest
import torch

from core.files import sha256_of
from core.models import registry
from core.models.cards import CellClassifierArchitecture, CellData, WhiteCellCard
from core.models.classifier import CellClassifier
from core.models.weights import save_model, write_card
from core.taxonomy import WBC_CLASSES, parent_of
from core.training.loop.recipe import Interrupted
from core.training.presets import RECIPES
from core.training.white_cells.adaptation.curve import measure_curve
from core.training.white_cells.adaptation.curve_figures import as_table
from core.training.white_cells.external_lab import evaluate_external
from core.training.white_cells.fit_uncertainty import Amount
from core.training.white_cells.job import prepare
from core.training.white_cells.laboratories import COMMON_CLASSES, all_cells
from core.training.white_cells.left_out import PRESET, train_without
from core.training.white_cells.recipe import WbcRecipe

FEW = Amount(validation=40, restained=30, indexed=5, no_cells=12)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A classifier that learnt from nothing."""
    torch.manual_seed(0)
    module = CellClassifier(WBC_CLASSES, pretrained=False)
    card = WhiteCellCard(
        architecture=CellClassifierArchitecture(
            backbone=module.backbone, classes=module.classes, network_px=module.network_px
        ),
        temperature=1.0,
        set_limit=0.3,
        abstain_below=0.1,
        data=CellData(set="none"),
    )
    return save_model(tmp_path_factory.mktemp("start") / "wbc.safetensors", module, card)


@pytest.fixture(scope="module")
def trained(drawn_laboratories, start, tmp_path_factory):
    """The folder and the model of a training that nobody stopped."""
    folder = tmp_path_factory.mktemp("left alone")
    model = train_without("munich", drawn_laboratories, folder, start.path, amount=FEW)
    return folder, model


def test_it_learns_from_the_other_laboratories_and_says_so(trained):
    _, model = trained
    origin = model.card_as(WhiteCellCard).data
    assert origin.laboratories == ("cbc", "txl", "deepbionet")
    assert "blast" not in origin.foreign_cells  # drawn for Munich alone


def test_a_terminated_training_saves_and_gives_the_same_model(
    trained, drawn_laboratories, start, tmp_path
):
    lines = []

    def terminate_after_the_first_epoch(line):
        lines.append(line)
        if "epoch 1 done" in line:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted):
        train_without(
            "munich",
            drawn_laboratories,
            tmp_path,
            start.path,
            amount=FEW,
            report=terminate_after_the_first_epoch,
        )
    assert signal.getsignal(signal.SIGTERM) is before
    assert not any("epoch 2 done" in line for line in lines)
    assert (tmp_path / "last.safetensors").is_file()
    assert not list(tmp_path.glob("wbc-without-*"))
    resumed: list[str] = []
    model = train_without(
        "munich", drawn_laboratories, tmp_path, start.path, amount=FEW, report=resumed.append
    )
    assert not any("epoch 1 done" in line for line in resumed)
    assert any("epoch 2 done" in line for line in resumed)
    assert model.sha256 == trained[1].sha256


def test_a_finished_training_is_not_repeated(trained, drawn_laboratories, start):
    folder, model = trained
    files = {path: sha256_of(path) for path in folder.iterdir() if path.is_file()}
    lines: list[str] = []
    again = train_without("munich", drawn_laboratories, folder, start.path, report=lines.append)
    assert again.sha256 == model.sha256 and not lines
    assert files == {path: sha256_of(path) for path in folder.iterdir() if path.is_file()}


def test_the_test_judges_every_cell_of_the_common_classes(trained, drawn_laboratories):
    figures = evaluate_external(trained[1], registry.live("locator"), drawn_laboratories, "munich")
    cells = all_cells(drawn_laboratories, "munich")
    common = [cell for cell in cells if parent_of(cell.label) in COMMON_CLASSES]
    assert 0 < len(common) < len(cells)
    balanced = figures["balanced_accuracy"]
    assert balanced["n"] == len(common) and balanced["classes"] == 3
    assert balanced["low"] <= balanced["value"] <= balanced["high"]
    assert figures["balanced_baseline"] == pytest.approx(1 / 3)
    assert figures["learnt_from"] == ["cbc", "txl", "deepbionet"]


def test_a_curve_goes_on_where_it_was_stopped_and_tests_on_other_cells(
    trained, drawn_laboratories, tmp_path
):
    file = tmp_path / "curve.json"
    locator = registry.live("locator")

    def measured(draws):
        lines: list[str] = []
        figures = measure_curve(
            trained[1],
            locator,
            drawn_laboratories,
            "munich",
            file,
            numbers=(2,),
            draws=draws,
            report=lines.append,
        )
        return figures, [line for line in lines if "a class" in line]

    first, made = measured(1)
    assert len(made) == 1 and json.loads(file.read_text()) == first
    both, made = measured(2)
    assert len(made) == 1 and "draw 2 of 2" in made[0]
    assert both["rows"][0] == first["rows"][0]
    (point,) = both["curve"]
    cells = [c for c in all_cells(drawn_laboratories, "munich") if parent_of(c.label) != "blast"]
    assert point["draws"] == 2
    # Pictures of one cell may be several, so what is neither learnt from nor tested on is a copy.
    assert 2 * 3 <= point["learnt"] + point["test"] <= len(cells)
    assert 0 <= point["least"] <= point["after"] <= 1
    assert f"| 2 | 2 | {point['learnt']:.0f} |" in as_table(both)
    with pytest.raises(ValueError, match="has learnt from cbc"):
        measure_curve(trained[1], locator, drawn_laboratories, "cbc", tmp_path / "other.json")


def test_a_laboratory_that_was_learnt_from_is_no_test(trained, drawn_laboratories):
    with pytest.raises(ValueError, match="has learnt from cbc"):
        evaluate_external(trained[1], registry.live("locator"), drawn_laboratories, "cbc")


@pytest.mark.parametrize(
    "origin",
    [
        CellData(laboratories=("txl", "munich"), foreign_cells={"lymphocyte": 3}),
        # The card of a model that is older than the list of laboratories.
        CellData(foreign_cells={"lymphocyte": 3}),
    ],
)
def test_a_start_that_learnt_from_the_laboratory_is_refused(
    start, drawn_laboratories, tmp_path, origin
):
    copy = tmp_path / "wbc.safetensors"
    for suffix in (".safetensors", ".onnx", ".json"):
        copy.with_suffix(suffix).write_bytes(start.path.with_suffix(suffix).read_bytes())
    write_card(copy, start.card.model_copy(update={"data": origin}))
    with pytest.raises(ValueError, match="has learnt from munich"):
        train_without("munich", drawn_laboratories, tmp_path / "run", copy)
    assert not (tmp_path / "run").exists()


def test_the_shipped_model_is_no_start(drawn_laboratories, tmp_path):
    live = registry.live("wbc")
    with pytest.raises(ValueError, match="has learnt from cbc"):
        train_without("cbc", drawn_laboratories, tmp_path, live.path)


def test_an_unknown_laboratory_is_refused(start, drawn_laboratories, tmp_path):
    with pytest.raises(ValueError, match="one of cbc, txl, deepbionet, munich"):
        train_without("ours", drawn_laboratories, tmp_path, start.path)


def _learnt_paths(data, folder, leave_out):
    preset = RECIPES["wbc"].preset(PRESET)
    options = {**preset.options, "start": "random", "leave_out": leave_out}
    recipe = prepare(data, preset.settings, options, folder).recipe
    assert isinstance(recipe, WbcRecipe)
    return set(recipe.pictures())


def test_no_cell_of_the_laboratory_is_learnt_from_not_even_an_altered_copy(
    drawn_laboratories, tmp_path
):
    """TXL-PBC and PBC come with copies of CBC's fields; here each hides one."""
    data = tmp_path / "sets"
    shutil.copytree(drawn_laboratories, data)
    left_out = {cell.path for cell in all_cells(data, "cbc")}
    field = cv2.imread(str(sorted(left_out)[0]))
    txl = sorted((data / "txl" / "images" / "train").iterdir())[0]
    cv2.imwrite(str(txl), (cv2.resize(field, (575, 575))[:, ::-1] * 0.85).astype("u1"))
    for number in range(6):  # so that each part of PBC gets one
        turned = cv2.rotate(cv2.resize(field, (176, 176)), cv2.ROTATE_90_CLOCKWISE)
        cv2.imwrite(str(data / "pbc" / "monocyte" / f"MO_copy_{number}.jpg"), turned)
    hidden = {txl, *(data / "pbc" / "monocyte").glob("MO_copy_*.jpg")}
    with_all = _learnt_paths(data, tmp_path / "with", "none")
    assert with_all & left_out and txl in with_all and len(with_all & hidden) > 1
    without = _learnt_paths(data, tmp_path / "without", "cbc")
    assert not without & left_out
    assert not without & hidden
    # Nothing else went with them.
    assert with_all - without == (with_all & left_out) | (with_all & hidden)
