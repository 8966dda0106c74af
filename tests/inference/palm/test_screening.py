import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core import cli
from core.datasets.fields import read_rgb
from core.datasets.public.ghana_palms import load, usable
from core.datasets.public.palm_splits import lock_away
from core.imaging.palm_quality import assess_palm, blur_px, looks_like_skin
from core.imaging.synthetic import draw
from core.imaging.white_balance import ReferenceRefused, balance, reference_colour
from core.inference.palm.crop import PalmRefused
from core.inference.palm.screening import can_be_judged, decide, read_palm
from core.models import registry
from core.models.cards import PalmCard
from core.records import Field, PalmCall
from core.slide.palm_words import BLOOD_TEST, CANNOT_BE_JUDGED, GOOD_PHOTO
from core.statistics.palm_scores import at_prevalence


@pytest.fixture(scope="module")
def palms(data_dir):
    photos = usable(load(data_dir / "palm"))
    return [photos[i] for i in lock_away(photos).held_out]


def skin(seed=0, colour=(205, 150, 120), side=200):
    """Drawn skin: a colour, soft shade, grain and creases."""
    rng = np.random.default_rng(seed)
    shade = cv2.GaussianBlur(rng.normal(0, 60, (side, side)), (0, 0), 25) * 2
    grain = rng.normal(0, 5, (side, side))
    pixels = np.array(colour, float) + (shade + grain)[..., None]
    picture = np.clip(pixels, 0, 255).astype(np.uint8)
    for offset in (50, 90, 140):
        cv2.line(picture, (0, offset), (side, offset + 30), (120, 75, 60), 2)
    return picture


def codes(pixels):
    return {flag.code for flag in assess_palm(pixels, calibrated=True)}


def test_good_skin_has_no_flag():
    assert codes(skin()) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: cv2.GaussianBlur(p, (0, 0), 4), "out_of_focus"),
        (lambda p: (p * 0.25).astype(np.uint8), "too_dark"),
        (lambda p: np.clip(p * 0.4 + 160, 0, 240).astype(np.uint8), "too_bright"),
        (lambda p: np.clip(p * [0.6, 0.8, 1.5], 0, 255).astype(np.uint8), "coloured_light"),
        (lambda p: np.where(np.arange(200)[:, None, None] < 12, 255, p).astype(np.uint8), "glare"),
    ],
)
def test_bad_photos_are_flagged_and_get_no_verdict(change, expected):
    pixels = change(skin())
    assert expected in codes(pixels)
    if not looks_like_skin(pixels):  # light so coloured that it is no skin at all
        assert expected == "coloured_light"
        with pytest.raises(PalmRefused, match="does not look like skin"):
            read_palm(Field("p", pixels, ""), registry.live("palm"), "crop")
        return
    assert read_palm(Field("p", pixels, ""), registry.live("palm"), "crop").call.decision == "refer"


def test_blur_is_measured_in_the_pixels_of_a_fixed_size():
    board = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((112, 112))) * 80 + 90
    sharp = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    one, two = (blur_px(cv2.GaussianBlur(sharp, (0, 0), sigma)) for sigma in (4, 8))
    # 448 pixels are seen as 224: sigmas of 4 and 8 are 2 and 4 there.
    assert one == pytest.approx(2, rel=0.2)
    assert two == pytest.approx(4, rel=0.2)


def test_a_neutral_reference_takes_the_light_out():
    true = np.full((100, 100, 3), (200, 150, 120), np.uint8)
    true[:30, :30] = 200  # a sheet of paper
    light = np.array([1.0, 0.8, 0.55])

    def linear(v):  # IEC 61966-2-1, written anew
        v = v / 255
        return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)

    def encoded(v):
        return 255 * np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)

    seen = np.round(encoded(linear(true) * light)).astype(np.uint8)
    corrected = balance(seen, reference_colour(seen, 15, 15)).astype(float)
    paper, palm = corrected[15, 15], corrected[70, 70]
    assert np.ptp(paper) <= 2
    # Colour is back up to brightness: ratios in linear light are those of the true scene.
    back, before = linear(palm), linear(np.array([200.0, 150.0, 120.0]))
    assert back / back[0] == pytest.approx(before / before[0], rel=0.04)


@pytest.mark.parametrize(
    ("colour", "place", "words"),
    [
        ((255, 255, 255), (50, 50), "burnt out"),
        ((20, 20, 20), (50, 50), "too dark"),
        ((240, 120, 90), (50, 50), "too coloured"),
        ((200, 200, 200), (500, 50), "outside"),
    ],
)
def test_what_cannot_be_a_reference_is_refused(colour, place, words):
    picture = np.full((100, 100, 3), colour, np.uint8)
    with pytest.raises(ReferenceRefused, match=words):
        reference_colour(picture, *place)


def test_an_answer_with_its_interval():
    call = read_palm(Field("p.png", skin(), ""), registry.live("palm"), "crop").call
    assert 0 <= call.low <= call.anemia_probability <= call.high <= 1
    assert {flag.code for flag in call.flags} >= {"uncalibrated_colour"}
    assert set(call.as_json()) == {
        "file",
        "anemia_probability",
        "low",
        "high",
        "decision",
        "prevalence",
        "research_result",
        "flags",
        "model",
    }


def test_prevalence_moves_the_probability_and_not_the_decision():
    field = Field("p.png", skin(), "")
    half, rare = (
        read_palm(field, registry.live("palm"), "crop", prevalence=p).call for p in (0.5, 0.05)
    )
    assert rare.anemia_probability == pytest.approx(at_prevalence(half.anemia_probability, 0.05))
    assert rare.decision == half.decision


def test_decisions_follow_the_cards_limits():
    limits = {"clear_below": 0.3, "suspect_from": 0.7}
    card = registry.live("palm").card_as(PalmCard).model_copy(update=limits)
    said = [decide(p, card) for p in (0.29, 0.3, 0.69, 0.7)]
    assert said == ["not_suspected", "refer", "refer", "anemia_suspected"]


def test_the_same_crop_turned_gets_nearly_the_same_answer():
    # Four views are averaged; a quarter turn is among them up to a mirror.
    field, turned = skin(3), np.ascontiguousarray(skin(3)[::-1, ::-1])
    one, two = (
        read_palm(Field("p", p, ""), registry.live("palm"), "crop").call.anemia_probability
        for p in (field, turned)
    )
    assert one == pytest.approx(two, abs=0.25)


def test_a_smear_is_no_palm():
    for kind in ("auto", "crop"):
        with pytest.raises(PalmRefused) as refused:
            read_palm(draw(3).field, registry.live("palm"), kind)
        assert refused.value.code in ("no_palm", "no_hand_models", "not_skin")


def other_things():
    """Pictures whose colours could be skin's and that show none."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    stripes = np.sin(np.linspace(0, 60, 640))[None, :, None] * 14
    grain = stripes + rng.normal(0, 6, (480, 640, 1))
    wood = np.clip(np.array([196.0, 150, 110]) + grain, 0, 255)
    text = np.full((480, 640, 3), (235, 205, 185), np.uint8)
    for row in range(6):
        cv2.putText(text, "Haemoglobin 11.2 g/dL", (20, 60 + 70 * row), 0, 1.5, (60, 30, 20), 3)
    paper = np.full((300, 300, 3), (222, 170, 150), np.uint8)
    return {"noise": noise, "wood": wood.astype(np.uint8), "text": text, "paper": paper}


@pytest.mark.parametrize("kind", ["auto", "crop"])
def test_noise_is_no_skin(kind):
    with pytest.raises(PalmRefused) as refused:
        read_palm(Field("noise.png", other_things()["noise"], ""), registry.live("palm"), kind)
    assert refused.value.code in ("no_palm", "no_hand_models", "not_skin")


@pytest.mark.parametrize("name", ["wood", "text", "paper"])
def test_what_has_the_colour_of_skin_and_is_none_gets_no_verdict(name):
    call = read_palm(Field(name, other_things()[name], ""), registry.live("palm"), "crop").call
    assert call.decision == "refer" and not can_be_judged(call.flags)


def test_a_call_that_contradicts_itself_cannot_be_made():
    with pytest.raises(ValueError, match="not a probability"):
        PalmCall("p", 0.5, 0.6, 0.7, "refer", (), "m")
    with pytest.raises(ValueError, match="unknown decision"):
        PalmCall("p", 0.5, 0.4, 0.7, "maybe", (), "m")  # type: ignore[arg-type]


def test_the_card_says_what_was_measured(palms):
    """The locked figures of the card, measured again on every sixth locked photo's score."""
    card = registry.live("palm").card_as(PalmCard)
    evaluation = card.evaluation
    assert set(evaluation) == {"cross_validated", "locked", "held_out"}
    for part in (evaluation["cross_validated"], evaluation["locked"], evaluation["held_out"]):
        row = part["auroc"]
        assert row["low"] <= row["value"] <= row["high"]
    assert evaluation["locked"]["auroc"]["n"] == len(palms)
    assert {p.session_block for p in palms} == set(card.data.locked_blocks)
    block = next(r for r in evaluation["locked"]["per_block"] if r["photos"] < 10)
    said = []
    for photo in palms:
        if photo.session_block == block["block"]:
            call = read_palm(
                Field(photo.path.name, read_rgb(photo.path), ""), registry.live("palm"), "crop"
            ).call
            said.append(call.anemia_probability)
    assert np.mean(said) == pytest.approx(block["mean_probability"], abs=0.02)


def test_the_command_prints_one_object_a_line(tmp_path):
    good, bad = tmp_path / "palm.png", tmp_path / "smear.png"
    cv2.imwrite(str(good), skin()[..., ::-1])
    cv2.imwrite(str(bad), draw(3).field.pixels[..., ::-1])
    ran = CliRunner().invoke(cli.app, ["palm", str(bad), str(good), "--json"])
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.exit_code == 1 and len(rows) == 2
    assert rows[0]["file"] == str(bad) and set(rows[0]["error"]) == {"code", "message"}
    assert rows[1]["decision"] in ("anemia_suspected", "not_suspected", "refer")


def test_the_command_gives_no_figure_for_a_photo_that_cannot_be_judged(tmp_path, palms):
    sharp = next(p for p in palms if can_be_judged(assess_palm(read_rgb(p.path))))
    soft = tmp_path / "soft.png"
    cv2.imwrite(str(soft), cv2.GaussianBlur(skin(), (0, 0), 4)[..., ::-1])
    ran = CliRunner().invoke(cli.app, ["palm", str(sharp.path), str(soft), "--kind", "crop"])
    lines = ran.stdout.splitlines()
    assert f"{soft}: {CANNOT_BE_JUDGED} {BLOOD_TEST}" in lines
    assert any(
        line.startswith(f"{sharp.path}: {GOOD_PHOTO}") and "where 50 % of all people" in line
        for line in lines
    )


@pytest.mark.parametrize("wrong", [["--kind", "foot"], ["--prevalence", "1"]])
def test_the_command_says_what_an_option_takes(wrong, tmp_path):
    ran = CliRunner().invoke(cli.app, ["palm", str(tmp_path), *wrong])
    assert ran.exit_code == 2 and wrong[0] in ran.stderr
