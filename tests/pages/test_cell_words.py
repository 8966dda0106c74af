from core.records import Flag, WbcCall
from pages.parts.smear import cell_words

SAID = {"band_neutrophil": 0.6, "segmented_neutrophil": 0.39, "monocyte": 0.01}


def call(**changes):
    given = {
        "label": "band_neutrophil",
        "probability": 0.6,
        "probabilities": SAID,
        "prediction_set": (),
        "abstained": False,
        "model": "m",
    }
    return WbcCall(**{**given, **changes})


def test_the_parent_is_said_where_only_its_classes_are_left():
    both = ("band_neutrophil", "segmented_neutrophil")
    words = cell_words.alternatives(call(wide_set=both, reported_as="neutrophil"))
    assert words == "Neutrophil: could be band neutrophil or segmented neutrophil"


def test_an_empty_conformal_set_takes_no_words_away():
    both = ("band_neutrophil", "monocyte")
    words = cell_words.alternatives(call(wide_set=both, reported_as="band_neutrophil"))
    assert words == "Could be band neutrophil or monocyte"
    assert cell_words.alternatives(call(prediction_set=both)) == words
    assert cell_words.alternatives(call(wide_set=("band_neutrophil",))) == ""


def test_critical_is_the_flag_not_the_class():
    assert "critical" not in cell_words.badges(call())
    assert "critical" in cell_words.badges(call(flags=(Flag("critical_cell", "could be a blast"),)))


def test_json_keeps_its_keys_and_tells_the_rest():
    said = call(wide_set=("band_neutrophil",), reported_as="neutrophil")
    row = said.in_full()
    assert said.as_json().items() <= row.items()
    former = {"class", "probability", "set", "probabilities", "abstained", "flags", "model"}
    assert said.as_json().keys() == former | {"could_be", "reported_as", "critical", "stage"}
    assert row["stage"] is None
    assert row["set"] == [] and row["could_be"] == row["set_wide"] == ["band_neutrophil"]
    assert row["class"] == "band_neutrophil" and row["reported_as"] == "neutrophil"


def test_the_stage_is_a_second_word_where_it_is_sure():
    shares = {"promyelocyte": 0.02, "myelocyte": 0.92, "metamyelocyte": 0.06}
    sure = call(label="immature_granulocyte", stage="myelocyte", stage_probabilities=shares)
    assert cell_words.stage_words(sure) == "Stage: myelocyte 92 %"
    assert sure.as_json()["stage"] == {"class": "myelocyte", "probabilities": shares}
    unsure = call(label="immature_granulocyte", stage_probabilities=shares)
    assert cell_words.stage_words(unsure).startswith("Stage not sure")
    assert unsure.as_json()["stage"] == {"class": None, "probabilities": shares}
    assert cell_words.stage_words(call()) == ""
