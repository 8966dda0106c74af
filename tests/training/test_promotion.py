"""Promotion on models whose every answer is known: each says one class, whatever it is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.datasets.pbc import LabelledCell
from core.evaluation.paired import PairedDifference
from core.inference.wbc import call_crops
from core.models import registry
from core.models.classifier import CellClassifier
from core.models.weights import WeightsRefused, save_model
from core.review.people import Person
from core.settings import settings
from core.store.promotions import StalePromotion
from core.training import locked_sets, promotion, runs
from core.training.loop_settings import LoopSettings
from core.training.promotion import OnOneSet, PromotionRefused, objections

ADA = Person("Ada", "trainer", "test:ada")
BOB = Person("Bob", "trainer", "test:bob")
ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("lymphocyte", "monocyte", "blast")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model file for each class it always says."""
    folder = tmp_path_factory.mktemp("models")
    module = CellClassifier(CLASSES)
    torch.nn.init.zeros_(module.last_layer().weight)
    made = {}
    for number, label in enumerate(CLASSES):
        with torch.no_grad():
            module.last_layer().bias.zero_()
            module.last_layer().bias[number] = 3.0
        card = {
            "task": "wbc",
            "architecture": {
                "kind": "cell_classifier",
                "backbone": module.backbone,
                "classes": list(CLASSES),
            },
            **{"temperature": 1.0, "set_limit": 0.3, "abstain_below": 0.1},
        }
        made[label] = save_model(folder / f"always_{label}.safetensors", module, card).path
    return made


@pytest.fixture
def site(tmp_path, monkeypatch, models):
    """An installation whose shipped model always says monocyte, without the public sets."""
    for name in ("var", "weights", "data"):
        monkeypatch.setenv(f"HEMADESK_{name.upper()}", str(tmp_path / name))
        (tmp_path / name).mkdir()
    settings.cache_clear()
    card = json.loads(models["monocyte"].with_suffix(".json").read_text())
    for suffix in (".safetensors", ".onnx"):
        target = tmp_path / "weights" / f"wbc{suffix}"
        target.write_bytes(models["monocyte"].with_suffix(suffix).read_bytes())
    (tmp_path / "weights" / "wbc.json").write_text(json.dumps({**card, "name": "wbc"}))
    for suffix in (".safetensors", ".onnx", ".json"):  # finds the cell in each picture
        shutil.copy(ROOT / "weights" / f"locator{suffix}", tmp_path / "weights")
    yield tmp_path
    settings.cache_clear()


def _run(models, label, tmp_path, **cells):
    """A finished run whose model always says ``label``, with so many test cells of each class."""
    run = runs.submit("wbc", tmp_path, LoopSettings(), {}, who=ADA, title=label)
    kept: list[LabelledCell] = []
    for name, count in cells.items():
        for number in range(count):
            path = runs.folder_of(run) / f"{name}_{number}.png"
            noise = np.random.default_rng(len(kept)).integers(0, 255, (64, 64, 3))
            cv2.imwrite(str(path), noise.astype(np.uint8))
            kept.append(LabelledCell(path, name))
    locked_sets.lock(runs.folder_of(run) / locked_sets.FILE, "our cells", kept)
    held = runs.book().claim(9, "here", only=run.id)
    assert held is not None
    return runs.book().release(run.id, held.attempt, "done", "", model_path=str(models[label]))


def _answer():
    model = registry.live("wbc")
    return call_crops([np.zeros((128, 128, 3), np.uint8)], model)[0]


def test_promoted_it_answers_at_once_and_rolled_back_it_does_not(site, models):
    shipped = registry.live("wbc").identity
    run = _run(models, "lymphocyte", site, lymphocyte=20, monocyte=4)
    found = promotion.compare(run)
    assert isinstance(found.own, OnOneSet)
    assert (found.own.accuracy.only_challenger, found.own.accuracy.only_champion) == (20, 4)
    assert found.own.recalls == {"lymphocyte": (0.0, 1.0, 20), "monocyte": (1.0, 0.0, 4)}
    assert found.objections == ()
    assert _answer().label == "monocyte"
    promotion.promote(found, who=ADA, reason="sees our lymphocytes")
    assert _answer().label == "lymphocyte"
    assert _answer().model == found.challenger == registry.live("wbc").identity
    assert promotion.roll_back(who=BOB, reason="misses monocytes") == shipped
    assert (_answer().label, _answer().model) == ("monocyte", shipped)
    back, there = promotion.history()
    assert (there.action, there.who, there.was, there.became) == (
        *("promote", "Ada", shipped),
        found.challenger,
    )
    assert there.evidence is not None
    assert there.evidence["own"]["accuracy"]["p"] == found.own.accuracy.p
    assert (back.action, back.reason, back.became) == ("roll_back", "misses monocytes", shipped)
    with pytest.raises(PromotionRefused, match="none before it"):
        promotion.roll_back(who=BOB, reason="once more")


def test_two_promotions_are_rolled_back_one_by_one(site, models):
    first = promotion.compare(_run(models, "lymphocyte", site, lymphocyte=20))
    promotion.promote(first, who=ADA, reason="better")
    second = promotion.compare(_run(models, "blast", site, blast=20))
    promotion.promote(second, who=ADA, reason="better still")
    assert _answer().label == "blast"
    promotion.roll_back(who=ADA, reason="not so good")
    assert _answer().label == "lymphocyte"
    promotion.roll_back(who=ADA, reason="neither")
    assert _answer().label == "monocyte"


def test_what_was_not_shown_to_be_better_stays_out(site, models):
    found = promotion.compare(_run(models, "lymphocyte", site, lymphocyte=8, monocyte=5))
    assert "has not shown to be better on our cells" in found.objections[0]
    with pytest.raises(PromotionRefused, match="alone got 8 right, the live model alone 5"):
        promotion.promote(found, who=ADA, reason="I like it")
    assert _answer().label == "monocyte"
    assert promotion.history() == []


def test_the_second_of_two_who_promote_is_told(site, models):
    one = promotion.compare(_run(models, "lymphocyte", site, lymphocyte=20))
    other = promotion.compare(_run(models, "blast", site, blast=20))
    promotion.promote(one, who=ADA, reason="better")
    with pytest.raises(PromotionRefused, match="another model is live since"):
        promotion.promote(other, who=BOB, reason="better")
    with pytest.raises(StalePromotion, match="in the meantime"):
        promotion._record(
            "wbc", action="promote", was="wbc@0", became="x@0", file="x.safetensors", who="Bob",
            reason="late", evidence=None,
        )  # fmt: skip
    assert _answer().label == "lymphocyte"


@pytest.mark.parametrize("reason", ["", "   ", "ok"])
def test_a_reason_is_needed(site, models, reason):
    found = promotion.compare(_run(models, "lymphocyte", site, lymphocyte=20))
    with pytest.raises(PromotionRefused, match="a reason is needed"):
        promotion.promote(found, who=ADA, reason=reason)


@pytest.mark.parametrize("harm", ["change", "delete"])
def test_a_test_set_that_was_touched_is_no_evidence(site, models, harm):
    run = _run(models, "lymphocyte", site, lymphocyte=20)
    picture = runs.folder_of(run) / "lymphocyte_3.png"
    picture.unlink()
    if harm == "change":
        cv2.imwrite(str(picture), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(locked_sets.TestSetBroken, match=r"lymphocyte_3\.png"):
        promotion.compare(run)


def test_a_locked_set_is_never_written_again(tmp_path):
    picture = tmp_path / "a.png"
    cv2.imwrite(str(picture), np.zeros((64, 64, 3), np.uint8))
    locked_sets.lock(tmp_path / "set.json", "first", [LabelledCell(picture, "blast")])
    locked_sets.lock(tmp_path / "set.json", "second", [])
    assert locked_sets.read(tmp_path / "set.json")[0] == "first"


def test_what_is_live_follows_the_database(site, models):
    found = promotion.compare(_run(models, "lymphocyte", site, lymphocyte=20))
    promotion.promote(found, who=ADA, reason="better")
    (settings().var / registry.MODELS / "live.json").unlink()  # as if killed before writing it
    assert _answer().label == "monocyte"
    promotion.settle()
    assert _answer().label == "lymphocyte"


@pytest.mark.parametrize("text", ['{"wbc": "../../weights/wbc.safetensors"}', "[1]", "{"])
def test_a_file_of_what_is_live_that_leads_elsewhere_is_refused(site, text):
    folder = settings().var / registry.MODELS
    folder.mkdir()
    (folder / "live.json").write_text(text)
    with pytest.raises(WeightsRefused):
        registry.live("wbc")


def _on(recalls, champion=0.9, challenger=0.95):
    difference = PairedDifference(100, 2, 20, 0.18, 0.1, 0.26, 0.001)
    return OnOneSet("cells", "0", difference, champion, challenger, recalls, (0.1, 0.1))


@pytest.mark.parametrize(
    ("own", "original", "words"),
    [
        (_on({"blast": (0.9, 0.89, 50)}), None, []),
        (_on({"blast": (0.9, 0.87, 50)}), None, ["critical cells blast"]),
        (_on({"monocyte": (0.9, 0.2, 50)}), None, []),
        (_on({}), _on({}, 0.97, 0.96), []),
        (_on({}), _on({}, 0.97, 0.94), ["forgot what was known"]),
        (_on({}), _on({"immature_granulocyte": (1.0, 0.5, 9)}), ["immature granulocyte"]),
    ],
)
def test_the_rule(own, original, words):
    found = objections(own, original)
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True))


def test_only_runs_with_a_model_of_white_cells_are_compared(site):
    run = runs.submit("locator", Path("x"), LoopSettings(), {}, who=ADA)
    with pytest.raises(PromotionRefused, match="made no model that can be compared"):
        promotion.compare(run)


def _screen():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
    app = app.switch_page("pages/models.py").run()
    assert not app.exception
    return app


def _words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    said = "\n".join(str(e.value) for kind in kinds for e in kind)
    return said.replace("\\", "").replace("\u2060", "")


def test_the_screen_promotes_and_rolls_back(site, models):
    run = _run(models, "lymphocyte", site, lymphocyte=20)
    app = _screen()
    assert "has been live since this was installed" in _words(app)
    app.button(key="compare").click().run()
    assert not app.exception
    assert "Nothing in the evidence speaks against it" in _words(app)
    assert "difference +100.0 points" in _words(app)
    promote = next(b for b in app.button if b.label == "Make it the live model")
    promote.click().run()
    assert "a reason is needed" in _words(app)
    app.text_input(key="promote_reason").input("sees our lymphocytes")
    next(b for b in app.button if b.label == "Make it the live model").click().run()
    assert not app.exception
    assert f"{Path(str(run.model_path)).stem}@" in _words(app)
    assert _answer().label == "lymphocyte"
    app.text_input(key="roll_back_reason_wbc").input("only a trial")
    next(b for b in app.button if b.label == "Roll back now").click().run()
    assert "is live again" in _words(app)
    assert _answer().label == "monocyte"


def test_the_screen_says_why_a_challenger_stays_out(site, models):
    _run(models, "lymphocyte", site, lymphocyte=8, monocyte=5)
    app = _screen()
    app.button(key="compare").click().run()
    assert "It cannot go live: it has not shown to be better on our cells" in _words(app)
    assert not [b for b in app.button if b.label == "Make it the live model"]
