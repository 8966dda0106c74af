"""The screen Analyse smear, driven without a browser."""

import re

import pytest

from core.access.people import AT_THE_TERMINAL
from core.explain.gradcam import explain_class
from core.imaging import synthetic
from core.inference.smear import analyse
from core.models import registry
from core.review.case import cases
from core.review.record.review_store import review_store
from core.settings import Settings, settings
from core.slide.tables import cells_csv, findings_csv, findings_json
from tests.fixtures.screens import opened, wait_for_batch, words


@pytest.fixture
def app():
    return opened("analyse_smear")


@pytest.fixture
def analysed(monkeypatch):
    """Names of the fields that were really analysed, one for each computation."""
    names = []

    def counted(field, models):
        names.append(field.name)
        return analyse(field, models)

    monkeypatch.setattr("core.inference.batch.analyse", counted)
    return names


@pytest.fixture(scope="module")
def field_file():
    """A drawn field as somebody would send it."""
    item = synthetic.draw(41, wbc=["lymphocyte", "monocyte"], platelets=1)
    return "field.png", synthetic.png_bytes(item.field), "image/png"


def send(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    app.button(key="analyse").click().run()
    return wait_for_batch(app)


def counts(app):
    return {
        metric.label: metric.value for metric in app.metric if metric.label.endswith("per field")
    }


def test_an_empty_screen_offers_the_first_step(app):
    assert not app.exception
    assert app.button(key="analyse").disabled
    assert not app.button(key="synthetic").disabled


def test_the_foot_says_what_this_is_for_which_models_and_who():
    foot = words(opened())
    assert "Research use: a qualified person decides." in foot
    assert re.search(r"Models: locator@[0-9a-f]{8}, wbc@[0-9a-f]{8}", foot)
    assert "Signed in: local user" in foot


def test_drawn_fields_are_offered_no_case(app):
    app.button(key="synthetic").click().run()
    wait_for_batch(app)
    assert "drawn by the program: no case can hold them" in words(app)
    assert not [button.key for button in app.button if button.key == "keep"]
    # Photographs of blood take their place, and may be kept.
    send(app, ("field.png", synthetic.png_bytes(synthetic.draw(42).field), "image/png"))
    assert [button.key for button in app.button if button.key == "keep"]


def test_the_synthetic_button_gives_counts_and_the_next_press_the_next_seed(app, analysed):
    app.button(key="synthetic").click().run()
    wait_for_batch(app)
    assert set(counts(app)) == {"RBC per field", "WBC per field", "Platelets per field"}
    assert int(counts(app)["RBC per field"]) > 5
    app.button(key="synthetic").click().run()
    wait_for_batch(app)
    assert analysed == ["synthetic-0001.png", "synthetic-0002.png"]
    assert len(app.session_state["smear"].order) == 2


def test_several_synthetic_fields_are_drawn_at_once(app):
    app.number_input(key="drawn").set_value(2).run()
    assert app.button(key="synthetic").label == "Analyse 2 synthetic fields"
    app.button(key="synthetic").click().run()
    assert len(wait_for_batch(app).session_state["smear"].order) == 2


def test_bad_files_are_named_and_the_good_one_is_analysed(app, field_file, analysed):
    name, data, mime = field_file
    send(
        app,
        ("report *final*.png", b"%PDF-1.7 not a picture", mime),
        ("cut.png", data[: len(data) // 2], mime),
        field_file,
        ("nothing.jpg", b"", "image/jpeg"),
        ("copy.png", data, mime),
    )
    text = words(app)
    assert analysed == [name]
    assert "4 files were not analysed. The others were analysed." in text
    assert "report *final*.png is a PDF document" in text
    assert "cut.png" in text
    assert "nothing.jpg is empty" in text
    assert "copy.png is the same picture as field.png; it is counted once." in text
    assert int(counts(app)["WBC per field"]) >= 1


def test_only_bad_files_leave_the_first_step_on_the_screen(app):
    send(app, ("noise.png", b"\x00\x01\x02" * 500, "image/png"))
    assert "1 file was not analysed." in words(app)
    assert "noise.png" in words(app)
    assert app.button(key="analyse").disabled


def test_nothing_shown_is_computed_again(app, field_file, analysed, monkeypatch):
    maps = []

    def counted(crop, label, model):
        maps.append(label)
        return explain_class(crop, label, model)

    monkeypatch.setattr("pages.parts.smear.why.explain_class", counted)
    send(app, field_file)
    show_tab(app, "Why")
    assert len(maps) == 1
    strength = next(slider for slider in app.slider if slider.label.startswith("Strength"))
    strength.set_value(25).run()
    for tab in ("Fields", "Differential", "White cells", "Why"):
        show_tab(app, tab)
    assert len(maps) == 1
    send(app, field_file)
    app.button(key="clear").click().run()
    send(app, field_file)
    assert counts(app)
    assert analysed == ["field.png"]


def show_tab(app, name):
    app.session_state["tabs"] = name
    app.run()
    assert not app.exception


def test_the_counting_rule_changes_the_counts_and_not_the_cells(app, field_file, analysed):
    send(app, field_file)
    smear = app.session_state["smear"]
    before, cells = int(counts(app)["RBC per field"]), smear.finding().cells
    app.segmented_control(key="counting_rule").set_value("chamber").run()
    assert int(counts(app)["RBC per field"]) < before
    assert smear.finding().cells == cells
    assert "chamber" in findings_csv(smear.findings())
    app.segmented_control(key="counting_rule").set_value("all_visible").run()
    assert int(counts(app)["RBC per field"]) == before
    assert len(analysed) == 1


def test_downloads_have_a_row_for_each_field_and_cell(app, field_file):
    send(app, field_file)
    assert [button.label for button in app.get("download_button")] == [
        "Result as Excel",
        "Result as PDF",
        "Fields CSV",
        "Cells CSV",
        "JSON",
    ]
    smear = app.session_state["smear"]
    assert len(findings_csv(smear.findings()).splitlines()) == 2
    assert len(cells_csv(smear.findings()).splitlines()) == 1 + len(smear.finding().cells)
    assert '"file": "field.png"' in findings_json(smear.findings())


def test_a_slide_named_first_is_kept_by_one_click(app, field_file, analysed):
    accession = f"T-{id(app)}"
    app.text_input(key="intake_accession").set_value(accession)
    send(app, field_file)
    app.button(key="keep_now").click().run()
    assert not app.exception
    case = cases.find_accession(review_store(), AT_THE_TERMINAL, accession)
    assert case is not None
    assert [one.key for one in app.button if one.key == "keep_now"] == []
    assert "Open the case" in [link.label for link in app.get("page_link")]
    # The next slide is another one.
    app.button(key="clear").click().run()
    assert app.session_state["smear"].accession == ""


def test_a_reload_finds_what_was_there(own_var, field_file):
    app = opened("analyse_smear")
    app.text_input(key="intake_accession").set_value("R-1")
    send(app, field_file)
    found = app.session_state["smear"].findings()
    # Another session of the same person, as a reload is.
    again = opened("analyse_smear")
    assert "Continue where you were" in words(again) and "R-1" in words(again)
    again.button(key="draft_continue").click().run()
    assert not again.exception
    smear = again.session_state["smear"]
    assert smear.findings() == found and smear.accession == "R-1"
    assert counts(again)
    # Its pictures are there too, so that it can still be kept.
    again.button(key="keep_now").click().run()
    assert "Open the case" in [getattr(link, "label", "") for link in again.get("page_link")]
    again.button(key="clear").click().run()
    assert "Continue where you were" not in words(opened("analyse_smear"))


def test_a_stopped_batch_goes_on_with_the_rest(app, field_file, analysed):
    name, _, mime = field_file
    other = synthetic.png_bytes(synthetic.draw(43).field)
    app.file_uploader[0].set_value([field_file, ("second.png", other, mime)]).run()
    app.button(key="analyse").click()
    app.run()
    smear = app.session_state["smear"]
    if smear.batch is not None:
        smear.stop()
        app.run()
    done = len(smear.order)
    if done < 2:
        assert f"Go on with the other {2 - done}" in [one.label for one in app.button]
        app.button(key="go_on").click().run()
        wait_for_batch(app)
    assert [finding.file for finding in smear.findings()] == [name, "second.png"]
    assert "go_on" not in [one.key for one in app.button]


def test_more_files_than_are_taken_at_once_are_said_before_the_start(app, field_file, monkeypatch):
    monkeypatch.setattr(settings(), "max_files", 1)
    name, data, mime = field_file
    app.file_uploader[0].set_value([field_file, ("b.png", data, mime), (f"c{name}", data, mime)])
    app.run()
    assert "These are 3 files, and at most 1 are taken at once: the last 2" in words(app)


def test_every_tab_can_be_opened(app, field_file):
    send(app, field_file)
    assert "white cell" in words(app)
    show_tab(app, "Differential")
    assert "Rests on" in words(app)
    assert app.table[0].value["Class"].iloc[0] == "Neutrophils, all"
    show_tab(app, "Fields")
    assert list(app.dataframe[0].value["Field"]) == ["field.png"]
    assert "RBC in all fields" in [metric.label for metric in app.metric]
    show_tab(app, "Why")
    for kind in ("rbc", "wbc", "platelet"):
        app.segmented_control(key="why_subject").set_value(kind).run()
        assert not app.exception
        assert any("What led to" in caption for caption in image_captions(app))
    app.segmented_control(key="why_source").set_value("Grad-CAM").run()
    assert not app.exception


def image_captions(app):
    return [caption for image in app.get("image") for caption in image.captions]


def test_drawn_fields_are_not_counted_with_photographs(app, field_file):
    app.button(key="synthetic").click().run()
    wait_for_batch(app)
    send(app, field_file)
    assert [finding.file for finding in app.session_state["smear"].findings()] == ["field.png"]
    assert "never counted together" in words(app)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("wbc.safetensors", b"damaged", "is not the file its sidecar describes"),
        ("wbc.json", b"\xff\xfe\x80", "wbc.json is not valid JSON"),
        ("wbc.json", b"[]", "wbc.json does not describe anything: it is no JSON object"),
        ("wbc.json", b"{}", "wbc.json lacks name, sha256, onnx_sha256, architecture"),
        ("locator.json", None, "locator.safetensors needs both"),
    ],
)
def test_a_damaged_model_is_a_sentence_and_no_traceback(file, content, said, tmp_path, monkeypatch):
    for part in settings().weights.iterdir():
        (tmp_path / part.name).write_bytes(part.read_bytes())
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    monkeypatch.setattr(registry, "settings", lambda: Settings(weights=tmp_path))
    app = opened("analyse_smear")
    assert not app.exception
    assert "The models cannot be used" in words(app)
    assert said in words(app)
    assert "Models: not available" in words(opened())


def test_help_is_a_page(app):
    app.switch_page("pages/help.py").run()
    assert not app.exception
    assert app.title[0].value == "Help"
