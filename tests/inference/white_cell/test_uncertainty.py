import json
import shutil

import numpy as np
import pytest

from core.inference.white_cell.attributes import Attribute, attributes_of, contradictions, in_words
from core.inference.white_cell.classify import _call, call_crops
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.neighbours import Neighbour, nearest
from core.inference.white_cell.novelty import (
    Calibration,
    apply_label_shift,
    calibration_of,
    familiarity,
)
from core.inference.white_cell.stages import BIAS, STAGES, WEIGHT
from core.inference.white_cell.uncertainty import (
    Uncertainty,
    copy_uncertainty,
    save_uncertainty,
    uncertainty_of,
    uncertainty_path,
)
from core.models import registry
from core.models.cards import LabelShift, UncertaintyCard, WhiteCellCard
from core.models.cards.uncertainty_card import CriticalRule, StageHeadCard
from core.models.classifier import CellClassifier
from core.models.weights import LoadedModel, WeightsRefused
from core.taxonomy import CRITICAL_CLASSES

CARD: dict[str, object] = {
    "critical": {"limit": 0.2},
    "calibration": {
        "familiar": {
            "temperature": 1.0,
            "set_limit": 0.9,
            "wide_limit": 0.1,
            "abstain_below": 0.8,
        },
        "unfamiliar": {
            "temperature": 2.0,
            "set_limit": 0.3,
            "wide_limit": 0.05,
            "abstain_below": 0.6,
        },
    },
    "novelty": {"bias": -1.0, "not_a_cell_limit": 0.5, "familiar_limit": 2.0},
    "index": {"classes": ["monocyte", "basophil"], "files": ["a.jpg", "b.jpg", "c.jpg"]},
    "attributes": {"values": {"granularity": ["no", "yes"], "granule_colour": ["nil", "red"]}},
}


def card(**changes):
    return UncertaintyCard.model_validate({**CARD, **changes})


def tensors():
    return {
        "axes.mean": np.zeros(2, np.float32),
        "axes.basis": np.eye(2, dtype=np.float32),
        "novelty.means": np.zeros((1, 2), np.float32),
        "novelty.whiten": np.eye(2, dtype=np.float32),
        "novelty.weight": np.array([0.0, 4.0], np.float32),
        "index.feature": np.array([[1, 0], [0, 1], [1, 1]], np.float16),
        "index.label": np.array([0, 0, 1], np.int16),
        "attributes.weight": np.array([[-1, 0], [1, 0], [0, -1], [0, 1]], np.float16),
        "attributes.bias": np.zeros(4, np.float32),
    }


@pytest.fixture
def uncertainty():
    return Uncertainty(card(), tensors())


@pytest.fixture
def model(tmp_path):
    live = registry.live("wbc")
    return LoadedModel("m", live.module, live.card, "a" * 64, tmp_path / "m.safetensors")


def test_extras_belong_to_one_set_of_weights(model):
    assert uncertainty_of(model) is None
    save_uncertainty(model, card(), tensors())
    found = uncertainty_of(model)
    assert found is not None and found.card.novelty.bias == -1.0
    other = LoadedModel("m", model.module, model.card, "b" * 64, model.path)
    assert uncertainty_of(other) is None


def test_damaged_extras_are_refused(model):
    save_uncertainty(model, card(), tensors())
    uncertainty_path(model.path).write_bytes(b"something else")
    with pytest.raises(WeightsRefused, match="fit-uncertainty"):
        uncertainty_of(model)
    uncertainty_path(model.path).with_suffix(".json").write_text("[]")
    with pytest.raises(WeightsRefused, match="does not describe"):
        uncertainty_of(model)


def test_extras_of_a_later_version_are_refused(model):
    sidecar = save_uncertainty(model, card(), tensors()).with_suffix(".json")
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "format": 9}))
    with pytest.raises(WeightsRefused, match="format 9"):
        uncertainty_of(model)


def test_extras_can_be_taken_along(model, tmp_path):
    save_uncertainty(model, card(), tensors())
    target = tmp_path / "other" / "n.safetensors"
    target.parent.mkdir()
    copy_uncertainty(model.path, target)
    moved = LoadedModel("n", model.module, model.card, model.sha256, target)
    assert uncertainty_of(moved) is not None


def test_familiarity_by_hand(uncertainty):
    seen = familiarity(np.array([[3, 0], [0, 1]], np.float32), uncertainty)
    # 1 / (1 + e) and 1 / (1 + e^-3); distances from the origin.
    assert seen.not_a_cell == pytest.approx([0.26894, 0.95257], abs=1e-4)
    assert seen.distance.tolist() == [3, 1]
    assert seen.unfamiliar.tolist() == [True, False]


def test_only_what_is_far_off_is_weighed_anew():
    logits, distance = np.array([[1, 0], [1, 0]], np.float32), np.array([3, 5], np.float32)
    rule = LabelShift(beyond=4.0, shift=(-2.0, 0.0))
    assert apply_label_shift(logits, distance, rule).tolist() == [[1, 0], [-1, 0]]
    assert apply_label_shift(logits, distance, None) is logits


def test_weighing_does_not_hide_a_critical_cell(model):
    # The network takes noise for an immature granulocyte, and plain grey for nothing much.
    noise = np.random.default_rng(1).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    grey = np.full((128, 128, 3), 200, np.uint8)
    live = registry.live("wbc")
    shutil.copy(live.path.with_suffix(".onnx"), model.path.with_suffix(".onnx"))
    fitted = uncertainty_of(live)
    assert fitted is not None
    classes = model.card.classes

    def called(crop, shift, limit):
        shifts = tuple(shift if name in CRITICAL_CLASSES else 0.0 for name in classes)
        changes = {
            "label_shift": LabelShift(beyond=0.0, shift=shifts),
            "critical": CriticalRule(limit=limit),
        }
        save_uncertainty(model, fitted.card.model_copy(update=changes), fitted.tensors)
        (call,) = call_crops([crop], model)
        share = sum(p for name, p in call.probabilities.items() if name in CRITICAL_CLASSES)
        return share, any(flag.code == "critical_cell" for flag in call.flags)

    share, _ = called(grey, 0.0, 1.0)
    assert 0 < share < 0.5
    weighed_share, flagged = called(grey, -30.0, share * 0.9)
    assert weighed_share < share * 1e-6 and flagged
    assert not called(grey, -30.0, share * 1.1)[1]
    assert called(noise, 0.0, 1.0)[0] > 0.5
    assert called(noise, -30.0, 1.0)[1]


def test_limits_hold_for_their_group_only(model, uncertainty):
    assert calibration_of(model, uncertainty, False).set_limit == 0.9
    assert calibration_of(model, uncertainty, True).temperature == 2.0
    plain = calibration_of(model, None, True)
    assert plain.set_limit == plain.wide_limit == model.card.set_limit


def test_nearest_cells_by_class_and_cosine(uncertainty):
    found = nearest(np.array([2, 0.1], np.float32), "monocyte", uncertainty)
    assert [one.file for one in found] == ["a.jpg", "b.jpg"]
    # cosine of the angle to (1, 0): 2 / sqrt(4.01)
    assert found[0].distance == pytest.approx(1 - 2 / np.sqrt(4.01), abs=1e-3)
    assert nearest(np.array([1, 0], np.float32), "blast", uncertainty) == []


def test_a_neighbour_leads_nowhere_else(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "data" / "a.jpg").write_bytes(b"x")
    assert Neighbour("monocyte", "a.jpg", 0).picture(tmp_path / "data") is not None
    assert Neighbour("monocyte", "../secret.jpg", 0).picture(tmp_path / "data") is None
    assert Neighbour("monocyte", "absent.jpg", 0).picture(tmp_path / "data") is None


def test_attributes_are_the_best_of_each_head(uncertainty):
    (row,) = attributes_of(np.array([[2, -1]], np.float32), uncertainty)
    assert [(one.name, one.value) for one in row] == [
        ("granularity", "yes"),
        ("granule_colour", "nil"),
    ]
    assert row[0].probability == pytest.approx(np.exp(2) / (np.exp(2) + np.exp(-2)), abs=1e-3)
    bare = Uncertainty(card(attributes={}), tensors())
    assert attributes_of(np.zeros((2, 2), np.float32), bare) == [(), ()]


def cell(**values):
    return [Attribute(name, value, 0.95) for name, value in values.items()]


def test_words_under_the_cell():
    said = cell(
        nucleus_shape="segmented-multilobed",
        granularity="yes",
        granule_type="small",
        granule_colour="pink",
        cytoplasm_colour="light blue",
        cytoplasm_texture="clear",
    )
    assert in_words(said) == (
        "segmented nucleus with several lobes, small pink granules, light blue cytoplasm"
    )
    assert in_words(cell(granularity="no", granule_type="nil")) == "no granules"


def test_contradictions_are_said_where_sure():
    band = cell(nucleus_shape="segmented-bilobed")
    assert contradictions("band_neutrophil", band) == [
        "a segmented nucleus with two lobes is unusual for a band neutrophil"
    ]
    assert contradictions("segmented_neutrophil", band) == []
    assert contradictions("eosinophil", cell(granule_colour="pink")) == [
        "granule colour pink is unusual for an eosinophil"
    ]
    unsure = [Attribute("nucleus_shape", "segmented-bilobed", 0.5)]
    assert contradictions("band_neutrophil", unsure) == []


def test_features_are_what_the_last_layer_reads():
    live = registry.live("wbc")
    crops = list(np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), dtype=np.uint8))
    found = answers_of(crops, live)
    assert isinstance(live.module, CellClassifier)
    layer = live.module.last_layer()
    again = found.features @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    assert again == pytest.approx(found.logits, abs=1e-3)
    assert answers_of([], live).features.shape == (0, layer.in_features)


def test_the_shipped_extras_fit_the_shipped_network():
    live = registry.live("wbc")
    found = uncertainty_of(live)
    assert found is not None, "run python -m core fit-uncertainty: the network was trained anew"
    assert isinstance(live.module, CellClassifier)
    width = live.module.last_layer().in_features
    assert found.tensors["novelty.weight"].shape == (width,)
    assert found.card.index is not None
    assert len(found.card.index.files) == len(found.tensors["index.label"])


@pytest.mark.parametrize(
    ("by_parent", "limit", "abstained"),
    [(False, 0.5, True), (True, 0.5, False), (True, 0.95, True)],
)
def test_a_call_abstains_by_its_class_or_by_its_parent(model, by_parent, limit, abstained):
    """Segmented 0.4 and band 0.35: which of them is unsure, that it is a neutrophil is not."""
    shares = {"segmented_neutrophil": 0.4, "band_neutrophil": 0.35}
    classes = model.card_as(WhiteCellCard).classes
    rest = 0.25 / (len(classes) - 2)
    row = np.array([shares.get(name, rest) for name in classes])
    limits = Calibration(1.0, 0.3, 0.05, limit, by_parent)
    assert _call(row, row, model, limits).abstained == abstained


def test_the_nearest_cells_by_both_networks_where_there_are_two(uncertainty):
    stored = np.array([[0, 1], [1, 0], [0, 0]], np.float16)
    both = Uncertainty(uncertainty.card, {**uncertainty.tensors, "index.foundation": stored})
    feature = np.array([2, 0.1], np.float32)
    assert [n.file for n in nearest(feature, "monocyte", both)] == ["a.jpg", "b.jpg"]
    beside = np.array([5, 0], np.float32)
    by_both = nearest(feature, "monocyte", both, beside=beside)
    alone = {one.file: one.distance for one in nearest(feature, "monocyte", both)}
    unit = stored.astype(float) - stored.astype(float).mean(axis=0)
    wanted = beside - stored.astype(float).mean(axis=0)
    for one in by_both:
        row = unit[["a.jpg", "b.jpg"].index(one.file)]
        cosine = row @ wanted / np.linalg.norm(row) / np.linalg.norm(wanted)
        assert one.distance == pytest.approx((alone[one.file] + 1 - cosine) / 2, abs=1e-3)


@pytest.fixture(scope="module")
def noise():
    """What the network takes for an immature granulocyte."""
    return np.random.default_rng(1).integers(0, 255, (128, 128, 3), dtype=np.uint8)


def _staged(model, crop, familiar_limit, limit):
    """The call of a crop with a head that knows myelocytes only, and the shipped limits."""
    live = registry.live("wbc")
    shutil.copy(live.path.with_suffix(".onnx"), model.path.with_suffix(".onnx"))
    fitted = uncertainty_of(live)
    assert fitted is not None
    novelty = fitted.card.novelty.model_copy(
        update={"not_a_cell_limit": 1.0, "familiar_limit": familiar_limit}
    )
    limits = fitted.card.calibration.familiar.model_copy(update={"abstain_below": 0.0})
    changes = {
        "novelty": novelty,
        "calibration": fitted.card.calibration.model_copy(update={"familiar": limits}),
        "label_shift": None,
        "stages": StageHeadCard(stages=STAGES, limit=limit, aimed_accuracy=0.9, strength=1.0),
    }
    arrays = {
        **fitted.tensors,
        WEIGHT: np.zeros((3, len(fitted.tensors["novelty.weight"])), np.float32),
        BIAS: np.array([0.0, 3.0, 0.0], np.float32),
    }
    save_uncertainty(model, fitted.card.model_copy(update=changes), arrays)
    (call,) = call_crops([crop], model)
    return call


def test_a_stage_is_named_where_it_is_sure_and_the_laboratory_known(model, noise):
    sure = np.exp(3) / (np.exp(3) + 2)
    named = _staged(model, noise, familiar_limit=1e6, limit=0.9)
    assert named.label == "immature_granulocyte" and named.stage == "myelocyte"
    assert named.stage_probabilities["myelocyte"] == pytest.approx(sure, abs=1e-4)
    abroad = named.in_foreign_laboratory()
    assert (abroad.stage, abroad.stage_probabilities) == ("", named.stage_probabilities)
    assert _staged(model, noise, familiar_limit=1e6, limit=0.95).stage == ""
    far = _staged(model, noise, familiar_limit=0.0, limit=0.9)
    assert far.unfamiliar and far.stage == "" and far.stage_probabilities
    # Grey is called something else, which has no stage.
    grey = np.full((128, 128, 3), 200, np.uint8)
    other = _staged(model, grey, familiar_limit=1e6, limit=0.9)
    assert other.label != "immature_granulocyte" and not other.stage_probabilities


def test_a_head_without_its_arrays_is_refused(model):
    stages = StageHeadCard(stages=STAGES, limit=0.9, aimed_accuracy=0.9, strength=1.0)
    save_uncertainty(model, card(stages=stages), tensors())
    with pytest.raises(WeightsRefused, match=r"stages\.weight"):
        uncertainty_of(model)


def test_the_shipped_model_names_stages():
    found = uncertainty_of(registry.live("wbc"))
    assert found is not None and found.card.stages is not None
    assert found.card.stages.stages == STAGES
