"""The screen Fine-tune, driven without a browser; runs are real rows, one is really trained."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.access.people import Person
from core.jobs import job
from core.models import registry
from core.settings import settings
from core.store.runs import Epoch
from core.training.loop.history import write_history
from core.training.loop.settings import LoopSettings
from core.training.runs import lifecycle
from tests.fixtures.cells import draw_cells
from tests.fixtures.screens import HUNG_AFTER_S, opened, words

ADA = Person("Ada", "trainer", "test:ada")
BUTTONS = ("pause", "resume", "stop", "discard")


@pytest.fixture
def cells(tmp_path):
    """Two classes of twelve drawn cells, one file that is none, and a folder nobody knows."""
    root = tmp_path / "our cells"
    for label, colour in (
        ("Monocytes", (60, 60, 160)),
        ("LYT", (200, 90, 60)),
        ("Dunno", (0, 0, 0)),
    ):
        (root / label).mkdir(parents=True)
        for number in range(12):
            seed = number + sum(map(ord, label))
            small = np.random.default_rng(seed).integers(170, 250, (9, 9, 3)).astype(np.uint8)
            picture = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
            cv2.circle(picture, (32, 32), 14, colour, -1)
            cv2.imwrite(str(root / label / f"{number}.png"), picture)
    (root / "LYT" / "broken.png").write_bytes(b"no picture")
    return root


def _without_what_vanishes(app):
    """Confirm that a class of which nothing can be learnt is meant to be left out."""
    next(box for box in app.checkbox if box.label.startswith("Train without")).check().run()


def _field(app, name):
    """The text field of a setting; its key ends with how often settings were put in."""
    return next(field for field in app.text_input if (field.key or "").startswith(f"set_{name}_"))


def _run(state="queued", title="ours", epochs=0, **more):
    """A run in a state, with that many epochs, made through the store as a worker would."""
    chosen = LoopSettings(epochs=200, workers=0, **more)
    run = lifecycle.submit("wbc", Path("somewhere"), chosen, {}, who=ADA, title=title)
    book = lifecycle.book()
    for number in range(epochs):
        metrics = {"loss": 1 / (number + 1), "accuracy": 0.5, "score": 0.5, "recall_blast": 0.1}
        book.add_epoch(run.id, Epoch(number, 2 / (number + 1), metrics, 1e-3, 2.0, 64))
    if state == "queued":
        return run
    held = book.claim(99, "elsewhere", only=run.id)
    assert held is not None
    if state == "lost":
        book.mark_lost(-timedelta(hours=1))
    elif state != "running":
        book.release(run.id, held.attempt, state, "it broke" if state == "failed" else "")
    return book.get(run.id)


def _enabled(app):
    return {name for name in BUTTONS if not app.button(key=f"do_{name}").disabled}


def test_the_empty_screen_offers_the_first_step(own_var):
    app = opened("fine_tune")
    assert "No run yet" in words(app)
    assert app.button(key="start_training").disabled
    assert "Training needs data that can be trained on" in words(app)


def test_the_intake_says_what_it_found_and_what_not(own_var, cells):
    app = opened("fine_tune")
    app.text_input(key="data_folder").input(str(cells)).run()
    assert "**24 pictures** of 2 kinds, 13 files left out" in words(app)
    assert "Split: 16 training, 6 validation, 2 test" in words(app)
    left_out = app.dataframe[0].value
    assert "LYT/broken.png" in set(left_out["File"])
    # The folder that nobody knows stops the start until a person says that this is meant.
    assert app.button(key="start_training").disabled
    _without_what_vanishes(app)
    assert not app.button(key="start_training").disabled
    app.selectbox(key="class_of_Dunno").select("blast").run()
    assert "**36 pictures** of 3 kinds, 1 file left out" in words(app)


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("epochs", "0", "Epochs must be from 1 to 10000, got 0"),
        ("epochs", "3.5", "Epochs must be a whole number from 1 to 10000, got '3.5'"),
        ("batch_size", "many", "Batch size must be a whole number from 1 to 1024"),
        ("learning_rate", "2", "Learning rate must be from 1e-08 to 1, got 2"),
        ("learning_rate", "nan", "Learning rate must be from 1e-08 to 1, got nan"),
        ("weight_decay", "-1", "Weight decay must be from 0 to 1, got -1"),
        ("averaging", "1", "Averaging of weights must be from 0 to 0.99999, got 1"),
        ("patience", "", "Patience must be a whole number from 1 to 10000, got ''"),
        ("seed", "-3", "Seed must be from 0 to 2147483647, got -3"),
        ("workers", "99", "Loader processes must be from 0 to 64, got 99"),
        ("accumulation", "0", "Batches a step must be from 1 to 256, got 0"),
        ("warmup_steps", "1e9", "Warm-up steps must be a whole number from 0 to 100000"),
    ],
)
def test_a_value_out_of_its_range_gets_its_sentence(own_var, cells, name, typed, sentence):
    app = opened("fine_tune")
    app.text_input(key="data_folder").input(str(cells)).run()
    _field(app, name).input(typed).run()
    assert sentence in words(app)
    assert app.button(key="start_training").disabled


@pytest.mark.parametrize("folder", ["/nowhere/at/all", "EMPTY"])
def test_a_folder_without_cells_is_refused(own_var, tmp_path, folder):
    app = opened("fine_tune")
    app.text_input(key="data_folder").input(folder.replace("EMPTY", str(tmp_path))).run()
    assert "Nothing to train on" in words(app)
    assert app.button(key="start_training").disabled


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("running", {"pause", "stop", "discard"}),
        ("paused", {"resume", "stop", "discard"}),
        ("lost", {"resume", "stop", "discard"}),
        ("failed", {"resume", "stop", "discard"}),
        ("done", {"discard"}),
        ("stopped", {"discard"}),
    ],
)
def test_the_buttons_that_can_be_pressed(own_var, state, enabled):
    _run(state, epochs=3)
    assert _enabled(opened("fine_tune")) == enabled


def test_a_lost_run_says_so_and_can_be_discarded(own_var):
    run = _run("lost", epochs=2)
    app = opened("fine_tune")
    assert "The run was lost: its process died" in words(app)
    app.button(key="do_discard").click().run()
    assert not app.exception
    assert lifecycle.book().get(run.id).state == "discarded"
    assert not lifecycle.folder_of(run).exists()
    assert "No run yet" in words(app)


def test_pressing_pause_asks_the_worker(own_var):
    run = _run("running", epochs=1)
    app = opened("fine_tune")
    app.button(key="do_pause").click().run()
    assert lifecycle.book().get(run.id).request == "pause"
    assert "Asked to pause" in words(app)
    assert app.button(key="do_pause").disabled


def test_a_runs_settings_are_copied_into_a_new_one(own_var):
    _run("done", epochs=1, learning_rate=0.0123, seed=77, schedule="constant")
    app = opened("fine_tune")
    assert _field(app, "seed").value == "0"
    app.button(key="copy_settings").click().run()
    shown = {name: _field(app, name).value for name in ("learning_rate", "seed")}
    assert shown == {"learning_rate": "0.0123", "seed": "77"}
    assert app.session_state.run_settings.loop.schedule == "constant"


def test_ten_runs_of_two_hundred_epochs_over_each_other(own_var):
    made = [_run("done", title=f"try {n}", epochs=200 if n < 2 else 5) for n in range(10)]
    app = opened("fine_tune")
    app.multiselect(key="runs_beside").set_value([run.name for run in made[:5]]).run()
    assert not app.exception
    assert "All runs (10 runs)" in [e.label for e in app.expander]


def test_started_here_it_trains_and_is_found_again(own_var, cells):
    app = opened("fine_tune")
    app.text_input(key="data_folder").input(str(cells)).run()
    for name, value in {"epochs": "2", "batch_size": "8", "workers": "0"}.items():
        _field(app, name).input(value).run()
    next(b for b in app.selectbox if b.label == "Begin with").select("random").run()
    _without_what_vanishes(app)
    app.button(key="start_training").click().run()
    assert not app.exception
    run = lifecycle.book().all()[0]
    deadline = time.monotonic() + HUNG_AFTER_S
    while run.state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.1)
        run = lifecycle.book().get(run.id)
    assert run.state == "done", lifecycle.read_log(run)
    later = opened("fine_tune")  # another session, as after closing the browser
    assert ":green-badge[done]" in words(later)
    assert str(run.model_identity).split("@")[1] in words(later)
    assert [metric.value for metric in later.metric][:1] == ["2 of 2"]


def test_without_its_database_the_screen_says_so(own_var, monkeypatch):
    monkeypatch.setenv("HEMADESK_DATABASE_URL", "mysql://somewhere/else")
    settings.cache_clear()
    assert "postgresql or sqlite, got mysql" in words(opened("fine_tune"))


def test_verified_cells_of_one_case_stand_beside_the_public_set(own_var, tmp_path, monkeypatch):
    """Signed as a laboratory signs, without the public set and with it."""
    from core.imaging import synthetic
    from core.inference.smear import analyse
    from core.review.case import cases
    from core.review.reading import answers
    from core.review.reading import cells as review_cells
    from core.review.reading.answers import NewAnswer
    from core.review.record.review_store import review_store
    from core.review.signature import signing

    monkeypatch.setattr(settings(), "data", tmp_path / "data")
    me = Person("local user", "local", "local")
    case = cases.create(review_store(), me, "H-7")
    drawn = synthetic.draw(3, wbc=["lymphocyte", "monocyte", "eosinophil"])
    cases.keep_field(
        review_store(), me, case.id, drawn.field, analyse(drawn.field, registry.smear_models())
    )
    found = review_cells.cells(review_store(), me, case.id)
    assert found
    given = [NewAnswer(cell.id, "lymphocyte") for cell in found]
    answers.answer(review_store(), me, case.id, given)
    signing.sign(review_store(), me, case.id)

    app = opened("fine_tune")
    app.segmented_control(key="place_wbc").set_value("Verified").run()
    app.button(key="make_set").click().run()
    assert not app.exception
    said = f"lymphocyte {len(found)} of 1 patient"
    assert said in words(app) and "Sign more cases, or get the public set PBC" in words(app)
    assert app.button(key="start_training").disabled

    draw_cells(tmp_path / "data" / "pbc")
    del app.session_state["intake"]
    app.run()
    assert not app.exception
    assert said in words(app) and "validation and test are PBC's own" in words(app)
    assert not app.button(key="start_training").disabled
    chosen = app.session_state["run_data"]
    assert chosen.options == {"layout": "verified cells"}
    assert chosen.folder.name == "verified-cells-v1"


def test_a_published_system_trained_anew_shows_and_can_be_resumed(own_var):
    folder = own_var / "reproduce" / "wbc"
    task = {"system": "wbc", "arguments": ["--full"]}
    with job.order(folder, task, "Ada"):
        write_history(folder, [Epoch(0, 2.0, {"score": 0.4, "loss": 1.5}, 1e-3, 4.0)])
    app = opened("fine_tune")
    assert "Published systems trained anew (1)" in words(app)
    assert "White-cell classification by ResNet-18" in words(app)
    assert "its process died" in words(app).lower()
    assert "1 epoch; least validation loss 1.5 in epoch 1" in words(app)
    assert "Resume" in [button.label for button in app.button if button.key == "resume_wbc"]
