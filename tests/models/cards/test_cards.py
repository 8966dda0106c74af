"""Every form of card is read, unknown keys stay, and damage is a sentence."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from core.models.cards import (
    CardPart,
    CountCard,
    CountRegressorArchitecture,
    JsonObject,
    LocatorCard,
    PalmCard,
    PalmCnnArchitecture,
    PalmCnnCard,
    UncertaintyCard,
    WhiteCellCard,
    parse_model_card,
    read_model_card,
    read_uncertainty_card,
    upgrade,
)
from core.models.cards.model_card import CARDS, FORMAT
from core.models.cards.preprocessing import WholeFieldInput
from core.models.cards.read import checked
from core.models.cards.uncertainty_card import UNCERTAINTY_FORMAT
from core.models.refusal import WeightsRefused
from core.taxonomy import CellKind
from tests.fixtures.paths import ROOT

OLD = sorted((Path(__file__).parent / "old").glob("*.json"))
SHIPPED = [ROOT / "weights" / f"{name}.json" for name in ("locator", "wbc", "counts", "palm")]
EXTRAS = ROOT / "weights" / "wbc.extras.json"
HASHES: JsonObject = {"name": "m", "sha256": "0" * 64, "onnx_sha256": "1" * 64}


def parsed(raw: JsonObject, file: str = "m.json") -> CardPart:
    """The card of a model or of its uncertainty."""
    if "model_sha256" in raw:
        return UncertaintyCard.model_validate(upgrade(raw, file))
    return parse_model_card(raw, file)


@pytest.mark.parametrize("file", [*OLD, *SHIPPED, EXTRAS], ids=lambda file: file.name)
def test_every_card_that_was_ever_shipped_is_read_and_written_back_whole(file):
    raw = json.loads(file.read_text())
    assert parsed(raw).as_json() == upgrade(raw)
    assert json.loads(file.read_text()) == raw  # upgrading leaves the argument as it is


def test_shipped_cards_are_in_todays_format():
    for file in SHIPPED:
        assert read_model_card(file).as_json() == json.loads(file.read_text())


def test_an_uncalibrated_prototype_claims_as_little_as_possible():
    card = parse_model_card({**HASHES, "architecture": "resnet18", "classes": ["a", "b"]}, "m.json")
    assert isinstance(card, WhiteCellCard)
    assert card.format == FORMAT and card.classes == ("a", "b")
    assert card.architecture.backbone == "resnet18" and card.architecture.network_px == 128
    # Every class stays possible, and every call goes to a person.
    assert (card.temperature, card.set_limit, card.abstain_below) == (1.0, 0.0, 1.0)


def test_a_prototype_keeps_the_limits_it_has():
    old: JsonObject = {**HASHES, "architecture": "resnet18", "classes": ["a"]}
    card = parse_model_card({**old, "abstain_below": 0.4}, "m.json")
    assert isinstance(card, WhiteCellCard) and card.abstain_below == 0.4


def test_an_old_locator_without_a_width_had_sixty_four_channels():
    ones: JsonObject = {"rbc": 1.0, "wbc": 1.0, "platelet": 1.0}
    old = {**HASHES, "architecture": "locator", "interval_scale": ones, "thresholds": ones}
    card = parse_model_card(old, "m.json")
    assert isinstance(card, LocatorCard)
    assert (card.architecture.width, card.max_iou) == (64, 0.6)


@pytest.mark.parametrize("name", ["locator", "counts", "wbc", "palm"])
def test_a_card_of_format_2_gets_the_one_preprocessing_of_its_network(name):
    raw = json.loads((Path(__file__).parent / "old" / f"{name}-format-2.json").read_text())
    assert "preprocessing" not in raw
    shipped = json.loads((ROOT / "weights" / f"{name}.json").read_text())
    assert upgrade(raw)["preprocessing"] == shipped["preprocessing"]


def test_what_an_older_card_states_of_its_preprocessing_stays():
    stated: JsonObject = {**HASHES, "format": 2, "architecture": {"kind": "cell_classifier"}}
    stated["preprocessing"] = {"channels": "BGR"}
    upgraded = upgrade(stated)["preprocessing"]
    assert isinstance(upgraded, dict)
    assert upgraded["channels"] == "BGR" and upgraded["input_px"] == 128


def test_a_counter_cannot_have_the_input_of_another_network():
    ones: dict[CellKind, float] = {"rbc": 1.0, "wbc": 1.0, "platelet": 1.0}
    network = CountRegressorArchitecture(backbone="resnet18", hidden=8)
    with pytest.raises(ValueError, match="preprocessing is not that of a count_regressor"):
        CountCard(architecture=network, interval_scale=ones)
    card = CountCard(architecture=network, interval_scale=ones, preprocessing=WholeFieldInput())
    assert card.as_json()["preprocessing"] == {
        "channels": "RGB",
        "layout": "NCHW",
        "range": [0, 1],
        "mean_and_std": "inside the network",
        "colour_normalisation": "none",
        "scale": "the whole field",
        "input_px": 224,
    }


def test_the_label_shift_was_once_called_elsewhere():
    raw = json.loads(EXTRAS.read_text())
    old = {key: value for key, value in raw.items() if key != "label_shift"}
    old |= {"format": 1, "elsewhere": {"beyond": 4.0, "shift": [-1.0, 0.0]}}
    card = UncertaintyCard.model_validate(upgrade(old))
    assert card.format == UNCERTAINTY_FORMAT == 2
    assert card.label_shift is not None and card.label_shift.shift == (-1.0, 0.0)
    assert "elsewhere" not in card.as_json()
    assert upgrade(card.as_json()) == card.as_json()


@pytest.mark.parametrize("file", [*SHIPPED, EXTRAS], ids=lambda file: file.name)
def test_unknown_keys_stay_in_every_part(file):
    raw = json.loads(file.read_text())
    remark = {"by": "the laboratory", "rows": [1, 2.5, None]}
    for part in (raw, raw.get("architecture"), raw.get("data"), raw.get("novelty")):
        if part is not None:
            part["remark"] = remark
    card = parsed(raw)
    assert card.as_json() == upgrade(raw)
    assert card.model_copy(update={"seed": 7}).as_json()["remark"] == remark


def leaves(value, path=()) -> Iterator[tuple[str | int, ...]]:
    """Paths to every value of a card; of a list only the first entry."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))


@contextmanager
def damage(raw, path, value):
    """Another value at the path, for a while; ``KeyError`` removes what is there."""
    owner = raw
    for key in path[:-1]:
        owner = owner[key]
    before = owner[path[-1]] if path[-1] in owner or isinstance(owner, list) else None
    if value is KeyError:
        del owner[path[-1]]
    else:
        owner[path[-1]] = value
    yield
    if isinstance(owner, list) and value is KeyError:
        owner.insert(path[-1], before)
    else:
        owner[path[-1]] = before


def sentence_of(raw, file):
    """Why a card is refused; an empty text where it is not."""
    try:
        if "extras" in file:
            checked(UncertaintyCard, upgrade(raw, file), file)
        else:
            parse_model_card(raw, file)
    except WeightsRefused as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("file", [*SHIPPED, EXTRAS], ids=lambda file: file.name)
def test_whatever_is_damaged_there_is_a_sentence_or_a_whole_card(file):
    raw = json.loads(file.read_text())
    refused = 0
    for path in list(leaves(raw)):
        for value in (None, "?", -1, float("nan"), [], {}, [None], {"?": "?"}, True, KeyError):
            with damage(raw, path, value):
                sentence = sentence_of(raw, file.name)
            assert not sentence or sentence.startswith(file.name), sentence
            assert "\n" not in sentence
            refused += bool(sentence)
    assert refused > 100


@pytest.mark.parametrize(
    ("name", "path", "value", "sentence"),
    [
        ("wbc", ["temperature"], KeyError, "wbc.json: temperature is missing"),
        ("wbc", ["temperature"], "0.7", "wbc.json: temperature must be a number, got '0.7'"),
        ("wbc", ["temperature"], 0, "wbc.json: temperature must be greater than 0, got 0"),
        ("wbc", ["architecture", "classes"], [], "architecture.classes must not be empty"),
        ("wbc", ["architecture", "classes"], ["a", "a"], "must not name anything twice"),
        (
            "wbc",
            ["architecture", "backbone"],
            "vgg",
            "backbone must be 'mobilenet_v2'",
        ),
        ("wbc", ["architecture", "kind"], "forest", "unknown architecture 'forest'; this version"),
        ("wbc", ["preprocessing"], {"channels": "BGR"}, "preprocessing.channels must be 'RGB'"),
        ("counts", ["preprocessing", "channels"], "BGR", "preprocessing.channels must be 'RGB'"),
        ("palm", ["preprocessing", "input_px"], 256, "preprocessing.input_px must be 224"),
        ("wbc", ["task"], "locator", "wbc.json: task must be 'wbc', got 'locator'"),
        ("wbc", ["format"], FORMAT + 1, "wbc.json has format 4; this version reads up to 3"),
        ("wbc", ["format"], "two", "wbc.json: format must be a whole number, got 'two'"),
        ("wbc", ["sha256"], KeyError, "wbc.json lacks sha256"),
        ("locator", ["thresholds", "wbc"], KeyError, "locator.json: thresholds: lacks wbc"),
        ("locator", ["thresholds", "rbc"], 1.5, "thresholds.rbc must be less than or equal to 1"),
        ("locator", ["architecture", "width"], 10**9, "architecture.width must be less than"),
        ("counts", ["architecture", "width"], "48", "architecture.width must be a whole number"),
        ("counts", ["interval_scale"], [1, 1, 1], "interval_scale must be a JSON object"),
        ("palm", ["calibration", "slope"], float("inf"), "calibration.slope must be a finite"),
        ("palm", ["clear_below"], 0.99, "clear_below must not lie above suspect_from"),
        ("palm", ["evaluation", "locked", "auroc", "n"], "78", "evaluation.locked.auroc.n must be"),
        ("wbc.extras", ["critical"], KeyError, "wbc.extras.json: critical is missing"),
        ("wbc.extras", ["novelty", "bias"], "x", "novelty.bias must be a number, got 'x'"),
        ("wbc.extras", ["label_shift", "shift"], 3, "label_shift.shift must be a list, got 3"),
        ("wbc.extras", ["format"], 3, "wbc.extras.json has format 3"),
    ],
)
def test_the_sentence_names_file_and_field(name, path, value, sentence, tmp_path):
    raw = json.loads((ROOT / "weights" / f"{name}.json").read_text())
    file = tmp_path / f"{name}.json"
    with damage(raw, path, value):
        file.write_text(json.dumps(raw))
    read: Callable[[Path], object] = read_model_card
    if name == "wbc.extras":
        read = partial(read_uncertainty_card, model_sha256=raw["model_sha256"])
    with pytest.raises(WeightsRefused) as refusal:
        read(file)
    assert sentence in str(refusal.value) and file.name in str(refusal.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"format": 2}']
)
def test_a_file_that_is_no_card_is_named(content, tmp_path):
    file = tmp_path / "some.json"
    file.write_bytes(content)
    with pytest.raises(WeightsRefused, match=r"^some\.json "):
        read_model_card(file)
    with pytest.raises(WeightsRefused, match=r"^some\.json "):
        read_uncertainty_card(file, "0" * 64)


def test_a_card_of_other_weights_says_nothing_even_where_it_is_damaged(tmp_path):
    file = tmp_path / "wbc.extras.json"
    shutil.copy(EXTRAS, file)
    file.write_text(json.dumps({**json.loads(file.read_text()), "critical": None}))
    assert read_uncertainty_card(file, "f" * 64) is None


def test_every_architecture_has_a_card_and_its_kind_stands_in_the_file():
    card = PalmCnnCard(architecture=PalmCnnArchitecture(width=40, height=30))
    assert card.as_json()["architecture"] == {"kind": "palm_cnn", "width": 40, "height": 30}
    for kind, one in CARDS.items():
        assert kind in str(one.model_json_schema()), kind


def test_figures_are_checked_before_they_are_written():
    card = read_model_card(ROOT / "weights" / "palm.json")
    assert isinstance(card, PalmCard)
    part = card.evaluation["locked"]
    other = card.with_evaluation({"locked": part, "of_a_later_version": {"any": 1}})
    assert other.as_json()["evaluation"] == {"locked": part, "of_a_later_version": {"any": 1}}
    with pytest.raises(ValueError, match="auroc"):
        card.with_evaluation({"locked": {**part, "auroc": 0.7}})
