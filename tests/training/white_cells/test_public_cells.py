"""Bodzas' and Raabin's cells as sets to learn from, on small trees of drawn cells."""

import cv2
import pytest

from core.imaging.synthetic import draw_cell
from core.models.classifier import CellClassifier
from core.settings import Settings
from core.training import recipes
from core.training.loop.settings import LoopSettings
from core.training.white_cells.public_cells import read_public_cells

PBC = {"neutrophil/SNE": "segmented_neutrophil", "lymphocyte/LY": "lymphocyte"}
BODZAS = {"Neutrophil Segment": "segmented_neutrophil", "Lymphocyte": "lymphocyte"}
BODZAS |= {"Myeloblast": "blast"}
RAABIN = {"Train/Neutrophil": "segmented_neutrophil", "TestB/Lymphocyte": "lymphocyte"}


def write(file, seed, label):
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), draw_cell(seed, label).pixels[:, :, ::-1])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("public")
    seed = 0
    for prefix, label in PBC.items():
        for _ in range(10):
            write(root / "pbc" / f"{prefix}_{seed}.jpg", seed := seed + 1, label)
    for name, folders in (("bodzas", BODZAS), ("raabin", RAABIN)):
        for folder, label in folders.items():
            for _ in range(10):
                write(root / name / folder / f"{seed}.png", seed := seed + 1, label)
    return root


def test_bodzas_is_cut_into_three_parts(data):
    found = read_public_cells("bodzas", data, Settings())
    sizes = [len(part) for part in (found.train, found.validation, found.test)]
    assert sizes == [21, 6, 3]
    paths = [c.path for part in (found.train, found.validation, found.test) for c in part]
    assert len(set(paths)) == 30
    assert {cell.label for cell in found.train} == set(BODZAS.values())


def test_raabin_is_learnt_from_beside_pbc_and_judges_nothing(data):
    found = read_public_cells("raabin", data, Settings())
    own = [cell for cell in found.train if "raabin" in cell.path.parts]
    assert [cell.label for cell in own] == ["neutrophil"] * 10
    assert "TestB" not in {part for cell in found.train for part in cell.path.parts}
    assert all("pbc" in cell.path.parts for cell in (*found.validation, *found.test))


@pytest.mark.parametrize(("name", "classes"), [("bodzas", 3), ("raabin", 2)])
def test_the_recipe_learns_from_it(data, tmp_path, name, classes):
    settings = LoopSettings(epochs=1, batch_size=8, workers=0, bfloat16=False)
    job = recipes.prepare(
        "wbc", data, settings, {"layout": name, "start": "random", "backbone": "resnet18"}, tmp_path
    )
    model = job.recipe.build()
    assert isinstance(model, CellClassifier) and len(model.classes) == classes
    batch = job.recipe.training_set()[0, 0]
    loss = job.recipe.loss(model, {key: value[None] for key, value in batch.items()})
    assert float(loss.detach()) > 0


@pytest.mark.parametrize("name", ["bodzas", "raabin"])
def test_a_set_that_is_not_there_is_said_with_where_to_get_it(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"datasets fetch {name}"):
        read_public_cells(name, tmp_path, Settings())
