"""The screens Lab acceptance and Agreement, driven without a browser."""

import pytest

from core.access.people import Person
from core.imaging import synthetic
from core.models import registry
from core.review.acceptance import records
from core.review.case import cases
from core.review.reading import answers, cells
from core.review.reading.box_confirmations import confirm_boxes
from core.review.record import roster
from core.review.record.review_store import review_store
from core.review.signature import signing
from core.settings import settings
from core.taxonomy import title
from tests.fixtures.screens import opened, words

WHO = Person("local user", "local", "local")


@pytest.fixture
def here(own_var):
    """The store of an installation of the test's own, which the pages use too."""
    return review_store()


@pytest.fixture(scope="module")
def slides():
    """Three drawn fields as somebody would send them, and their results."""
    files, counts, classes = [], ["file,rbc,wbc"], ["file,class,x0,y0,x1,y1"]
    for n in range(3):
        item = synthetic.draw(310 + n, width=480, height=360, wbc=["monocyte"])
        name = f"S{n}_1.png"
        files.append((name, synthetic.png_bytes(item.field), "image/png"))
        kinds = [cell.kind for cell in item.cells]
        counts.append(f"{name},{kinds.count('rbc')},{kinds.count('wbc')}")
        classes += [
            f"{name},{cell.label}," + ",".join(f"{v:.0f}" for v in cell.box_xyxy_px)
            for cell in item.cells
            if cell.kind == "wbc"
        ]
    tables = [
        ("counts.csv", "\n".join(counts).encode(), "text/csv"),
        ("classes.csv", "\n".join(classes).encode(), "text/csv"),
    ]
    return files, tables


def test_slides_are_analysed_judged_and_signed(here, slides):
    app = opened("lab_acceptance")
    assert "have no acceptance in this laboratory yet" in words(app)
    assert app.button(key="acceptance_analyse").disabled
    files, tables = slides
    app.file_uploader[0].set_value(files)
    app.file_uploader[1].set_value(tables).run()
    assert not app.exception
    app.button(key="acceptance_analyse").click().run()
    assert not app.exception
    said = words(app)
    assert "3 fields of 3 slides" in said
    assert "Every chosen limit is met" in said or "Not every chosen limit is met" in said
    app.text_input[0].set_value("November")
    next(b for b in app.button if b.label.startswith("Sign as")).click().run()
    assert not app.exception
    kept = records.every(here, WHO)
    assert [one.title for one in kept] == ["November"]
    assert kept[0].wbc_model == registry.live("wbc").identity
    assert "Acceptance 1 is signed and kept" in words(app)
    assert "have no acceptance" not in words(opened("lab_acceptance"))
    said = words(opened("models"))
    assert "Lab acceptance November" in said
    met = "accepted by" if kept[0].accepted else "failed the lab acceptance of"
    # Of the locator and of the white-cell model; the others are not tested.
    assert said.count(f"{met} this laboratory on") >= 2
    assert said.count("does not test this kind") == 3


def test_what_was_called_differently_is_shown_with_both_labels(here, slides):
    files, (counts, _) = slides
    app = opened("lab_acceptance")
    app.file_uploader[0].set_value(files)
    name = files[0][0]
    wrong = ("classes.csv", f"file,class\n{name},blast\n".encode(), "text/csv")
    app.file_uploader[1].set_value([counts, wrong]).run()
    app.button(key="acceptance_analyse").click().run()
    assert not app.exception
    said = words(app)
    assert "White cells called differently" in said and "Laboratory: blast" in said


def test_a_file_of_results_that_cannot_be_used_is_told_at_once(here, slides):
    app = opened("lab_acceptance")
    app.file_uploader[0].set_value(slides[0])
    app.file_uploader[1].set_value([("wrong.csv", b"patient,age\nx,3\n", "text/csv")]).run()
    assert not app.exception
    assert "wrong.csv has the columns patient, age" in words(app)
    assert not [b for b in app.button if b.key == "acceptance_analyse" and not b.disabled]


def test_a_viewer_may_look_and_not_sign(here, slides, monkeypatch):
    monkeypatch.setattr(settings(), "local_role", "viewer")
    app = opened("lab_acceptance")
    app.file_uploader[0].set_value(slides[0])
    app.file_uploader[1].set_value(slides[1]).run()
    assert app.button(key="acceptance_analyse").disabled


def test_who_may_not_sign_sees_who_can(here, slides, monkeypatch):
    monkeypatch.setattr(settings(), "local_role", "technologist")
    roster.add(here, WHO, subject="d@lab", name="Dora Director", role="director")
    app = opened("lab_acceptance")
    app.file_uploader[0].set_value(slides[0])
    app.file_uploader[1].set_value(slides[1]).run()
    app.button(key="acceptance_analyse").click().run()
    assert not app.exception
    said = words(app)
    assert "role pathologist or director: here Dora Director" in said
    assert not [b for b in app.button if b.label.startswith("Sign as")]


def test_agreement_is_empty_until_a_case_is_signed(here):
    assert "No case was signed in this period" in words(opened("agreement"))


def test_agreement_of_the_verified_classes_with_the_program(here):
    from core.inference.smear import analyse

    case = cases.create(here, WHO, "A-1")
    for seed in (1, 2, 3):
        field = synthetic.draw(seed, width=320, height=240, wbc=["monocyte", "lymphocyte"]).field
        cases.keep_field(here, WHO, case.id, field, analyse(field, registry.smear_models()))
    white = cells.cells(here, WHO, case.id)
    answers.answer(here, WHO, case.id, [answers.NewAnswer(c.id, "monocyte") for c in white])
    for picture in cases.case_pictures_of(here, WHO, case.id):
        confirm_boxes(here, WHO, case.id, picture.id)  # only what a person looked at is evidence
    signing.sign(here, WHO, case.id)
    app = opened("agreement")
    said = words(app)
    assert f"1 signed case, 3 fields, {len(white)} white cells" in said
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Cohen's kappa"] == "0.00"  # one reader only ever says one thing
    right = sum(
        c.call is not None and c.call.label == "monocyte" for c in cells.cells(here, WHO, case.id)
    )
    assert f"{right} of {len(white)} cells" in said
    app.selectbox(key="agreement_class").set_value("monocyte").run()
    assert not app.exception and title("monocyte") in str(app.selectbox(key="agreement_class"))
    app.segmented_control(key="agreement_kind").set_value("wbc").run()
    assert not app.exception
    assert "Bias +0.00 cells per field" in words(app).replace("*", "")
