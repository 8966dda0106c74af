"""Promotion on models whose every answer is known: each says one class, whatever it is shown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.classify import call_crops
from core.models import registry
from core.models.cards import CellData, WhiteCellCard
from core.models.weights import WeightsRefused
from core.settings import settings
from core.statistics.paired import PairedDifference
from core.store.promotions import StalePromotion
from core.training.loop.settings import LoopSettings
from core.training.promote import evidence, locked_sets, promotion
from core.training.promote.compare import EXTERNAL_LAB, learnt_from
from core.training.promote.promotion import OnOneSet, PromotionRefused, objections
from core.training.runs import lifecycle
from pages.parts.train.model_card import _compared, figures
from tests.fixtures.models import ADA, BOB, finished_run


def _answer():
    model = registry.live("wbc")
    return call_crops([np.zeros((128, 128, 3), np.uint8)], model)[0]


def test_promoted_it_answers_at_once_and_rolled_back_it_does_not(site, known_models):
    shipped = registry.live("wbc").identity
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20, monocyte=4)
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


def test_two_promotions_are_rolled_back_one_by_one(site, known_models):
    first = promotion.compare(finished_run(known_models, "lymphocyte", site, lymphocyte=20))
    promotion.promote(first, who=ADA, reason="better")
    second = promotion.compare(finished_run(known_models, "blast", site, blast=20))
    promotion.promote(second, who=ADA, reason="better still")
    assert _answer().label == "blast"
    promotion.roll_back(who=ADA, reason="not so good")
    assert _answer().label == "lymphocyte"
    promotion.roll_back(who=ADA, reason="neither")
    assert _answer().label == "monocyte"


def test_what_was_not_shown_to_be_better_stays_out(site, known_models):
    found = promotion.compare(
        finished_run(known_models, "lymphocyte", site, lymphocyte=8, monocyte=5)
    )
    assert "has not shown to be better on our cells" in found.objections[0]
    with pytest.raises(PromotionRefused, match="alone got 8 right, the live model alone 5"):
        promotion.promote(found, who=ADA, reason="I like it")
    assert _answer().label == "monocyte"
    assert promotion.history() == []


def test_the_second_of_two_who_promote_is_told(site, known_models):
    one = promotion.compare(finished_run(known_models, "lymphocyte", site, lymphocyte=20))
    other = promotion.compare(finished_run(known_models, "blast", site, blast=20))
    promotion.promote(one, who=ADA, reason="better")
    with pytest.raises(PromotionRefused, match="another model is live since"):
        promotion.promote(other, who=BOB, reason="better")
    with pytest.raises(StalePromotion, match="in the meantime"):
        promotion._record(
            "wbc",
            action="promote",
            was="wbc@0",
            became="x@0",
            file="x.safetensors",
            who="Bob",
            reason="late",
            evidence=None,
        )
    assert _answer().label == "lymphocyte"


@pytest.mark.parametrize("reason", ["", "   ", "ok"])
def test_a_reason_is_needed(site, known_models, reason):
    found = promotion.compare(finished_run(known_models, "lymphocyte", site, lymphocyte=20))
    with pytest.raises(PromotionRefused, match="a reason is needed"):
        promotion.promote(found, who=ADA, reason=reason)


@pytest.mark.parametrize("harm", ["change", "delete"])
def test_a_test_set_that_was_touched_is_no_evidence(site, known_models, harm):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    picture = lifecycle.folder_of(run) / "lymphocyte_3.png"
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
    assert locked_sets.read(tmp_path / "set.json").title == "first"


def test_stored_and_read_it_is_the_same_evidence(site, known_models):
    found = promotion.compare(
        finished_run(known_models, "lymphocyte", site, lymphocyte=6, monocyte=3)
    )
    assert evidence.from_json(json.loads(json.dumps(found.as_json()))) == found
    assert set(found.compared.models) == {"champion", "challenger", "locator"}
    with pytest.raises(ValueError, match="no stored comparison"):
        evidence.from_json({"task": "wbc"})


@pytest.mark.parametrize("which", ["champion", "challenger", "locator"])
@pytest.mark.parametrize("suffix", [".json", ".extras.json"])
def test_models_that_are_not_those_compared_are_not_promoted(site, known_models, which, suffix):
    """The card's limits and what was fitted on the features decide with the weights."""
    found = promotion.compare(finished_run(known_models, "lymphocyte", site, lymphocyte=20))
    path = {
        "champion": site / "weights" / "wbc.safetensors",
        "challenger": found.challenger_file,
        "locator": site / "weights" / "locator.safetensors",
    }[which].with_suffix(suffix)
    card = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**card, "remark": "touched"}))
    with pytest.raises(PromotionRefused, match="changed since the comparison; compare again"):
        promotion.promote(found, who=ADA, reason="better")
    assert promotion.history() == []
    assert not list((settings().var / registry.MODELS).glob("*"))


def test_what_is_live_follows_the_database(site, known_models):
    found = promotion.compare(finished_run(known_models, "lymphocyte", site, lymphocyte=20))
    promotion.promote(found, who=ADA, reason="better")
    (settings().var / registry.MODELS / "live.json").unlink()  # as if killed before writing it
    assert _answer().label == "monocyte"
    promotion.sync_live()
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
    run = lifecycle.submit("locator", Path("x"), LoopSettings(), {}, who=ADA)
    with pytest.raises(PromotionRefused, match="made no model that can be compared"):
        promotion.compare(run)


def test_a_comparison_is_read_back_also_from_an_earlier_version(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20, monocyte=4)
    found = promotion.compare(run)
    own = found.own
    assert isinstance(own, OnOneSet)
    stored = json.loads(json.dumps(replace(found, external_lab=own).as_json()))
    assert evidence.from_json(stored).external_lab == own
    stored["elsewhere"] = stored.pop("external_lab")
    earlier = evidence.from_json(stored)
    assert earlier == replace(found, external_lab=own)
    assert list(earlier.sets) == ["own", "external_lab"]


def _fallen(p=3e-7, difference=-0.08):
    paired = PairedDifference(300, 40, 16, difference, difference - 0.03, difference + 0.03, p)
    return OnOneSet("another laboratory", "1", paired, 0.87, 0.79, {}, (0.1, 0.1))


def test_a_significant_fall_elsewhere_blocks_unless_it_is_overridden(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    found = replace(promotion.compare(run), external_lab=_fallen())
    assert not found.objections
    with pytest.raises(
        PromotionRefused, match="of 300 cells .* 79 % right, the live model 87 % .* all the same"
    ):
        promotion.promote(found, who=ADA, reason="better at home")
    assert promotion.history() == []
    promotion.promote(found, who=ADA, reason="better at home", override="one microscope only")
    newest = promotion.history()[0]
    assert (
        "although of 300 cells of another laboratory" in newest.reason
        and "one microscope only" in newest.reason
    )
    # The promoted model carries what it was compared on.
    assert newest.evidence is not None and newest.evidence["external_lab"]["challenger"] == 0.79
    card = registry.live("wbc").card.model_copy(update={"evaluation": {}, "validation": None})
    assert "another laboratory 79 %, 300 cells" in (figures(card) or _compared(newest))


@pytest.mark.parametrize("one", [_fallen(p=0.2), _fallen(difference=0.08)])
def test_what_is_no_fall_beyond_chance_blocks_nothing(one, site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    assert replace(promotion.compare(run), external_lab=one).external_fall == ""


def test_who_learnt_from_the_other_laboratory_is_read_from_the_cards(known_models):
    card = registry.live("wbc").card
    assert isinstance(card, WhiteCellCard)
    pbc = card.model_copy(update={"data": CellData(set="PBC")})
    assert not learnt_from(pbc, EXTERNAL_LAB)
    for said in (
        CellData(set="PBC", laboratories=("pbc", "deepbionet")),
        CellData(set="PBC", foreign_sets="DeepBioNet, 100 cells"),
        CellData(set="DeepBioNet fields"),
    ):
        assert learnt_from(card.model_copy(update={"data": said}), EXTERNAL_LAB)


def test_an_adapted_model_has_learnt_what_the_models_before_it_learnt(monkeypatch):
    """The card of an adaptation names its own cells only: the way back is followed."""
    card = registry.live("wbc").card
    assert isinstance(card, WhiteCellCard)
    data = {
        "first": CellData(set="PBC", laboratories=("deepbionet",)),
        "other": CellData(set="PBC"),
    }
    cards = {
        f"{name}@1": card.model_copy(update={"data": one, "adapted_from": None})
        for name, one in data.items()
    }
    own = CellData(set="home: 100 cells")
    for name in data:
        update = {"data": own, "adapted_from": f"{name}@1"}
        cards[f"{name}@2"] = card.model_copy(update=update)
        cards[f"{name}@3"] = card.model_copy(update=update | {"adapted_from": f"{name}@2"})
    # A card that names itself must not be followed for ever.
    cards["loop@1"] = card.model_copy(update={"data": own, "adapted_from": "loop@1"})

    def named(identity):
        if identity not in cards:
            raise WeightsRefused(f"the model {identity} is not here any more")
        return replace(registry.live("wbc"), card=cards[identity])

    monkeypatch.setattr(registry, "named", named)
    for step in (1, 2, 3):
        assert learnt_from(cards[f"first@{step}"], EXTERNAL_LAB) is True
        assert learnt_from(cards[f"other@{step}"], EXTERNAL_LAB) is False
    assert learnt_from(cards["loop@1"], EXTERNAL_LAB) is False
    gone = card.model_copy(update={"data": own, "adapted_from": "gone@1"})
    assert learnt_from(gone, EXTERNAL_LAB) is None
    # What names the laboratory itself needs nobody before it.
    named_itself = gone.model_copy(update={"data": CellData(set="DeepBioNet, 100 cells")})
    assert learnt_from(named_itself, EXTERNAL_LAB) is True


def test_the_evidence_says_who_learnt_from_the_other_laboratory(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    compared = promotion.compare(run)
    both = (("champion",), ("challenger",))
    for learnt, unknown, words in (
        ((), (), "No model's card says"),
        (("challenger",), (), "the challenger has learnt from the other laboratory"),
        ((), ("challenger",), "What the challenger learnt from is not known"),
        (*both, "the live model has learnt .* What the challenger learnt from is not known"),
    ):
        found = replace(compared, learnt_external=learnt, origin_unknown=unknown)
        assert re.search(words, found.external_words)
        stored = json.loads(json.dumps(found.as_json()))
        assert evidence.from_json(stored).origin_unknown == unknown
        del stored["origin_unknown"]  # as it was stored before that was kept
        assert evidence.from_json(stored).origin_unknown == ()
