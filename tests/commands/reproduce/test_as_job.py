"""A repeated paper is a job: seen, stopped and resumed from elsewhere."""

from pathlib import Path

import pytest
import typer

from core.access.people import Person
from core.access.rights import NotAllowed
from core.commands.reproduce.as_job import as_job
from core.jobs import folder_lock, job
from core.store.run_records import Epoch
from core.training.loop.history import write_history
from core.training.loop.recipe import Progress
from core.training.runs import repetitions

OPTIONS = {"full": True, "epochs": 3, "weights": None, "reduced": False}


def test_its_text_is_printed_and_kept(tmp_path, capsys):
    as_job(tmp_path / "wbc", "wbc", OPTIONS, False, lambda reporter: "a table")
    assert capsys.readouterr().out == "a table\n"
    done = job.read(tmp_path / "wbc")
    assert done.state == "done"
    assert done.task == {"system": "wbc", "arguments": ["--full", "--epochs", "3"]}


def test_a_path_is_kept_so_that_it_can_be_resumed_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    as_job(Path("out"), "wbc", {"to": Path("out")}, False, lambda reporter: "a table")
    assert job.read(tmp_path / "out").task["arguments"] == ["--to", str(tmp_path / "out")]


def test_a_request_to_stop_pauses_the_training_and_the_command_says_how_to_go_on(tmp_path, capsys):
    orders = []

    def study(reporter):
        control = reporter.control("ResNet-18", 32)
        orders.append(control(Progress(0, 3, 1, 10, 0.5, 1e-3, 20.0)))
        assert job.read(tmp_path).state == "running"
        job.ask_to_stop(tmp_path, "Ada")
        orders.append(control(Progress(0, 3, 2, 10, 0.5, 1e-3, 20.0)))
        reporter.stop_if_requested()
        return "never"

    with pytest.raises(typer.Exit) as left:
        as_job(tmp_path, "wbc", OPTIONS, False, study)
    assert left.value.exit_code == 130
    assert orders == ["go", "pause"]
    assert "The same command resumes" in capsys.readouterr().err
    stopped = job.read(tmp_path)
    assert (stopped.state, stopped.message) == ("stopped", "Ada stopped it")


def test_what_cannot_be_used_is_one_sentence(tmp_path, capsys):
    def study(reporter):
        raise ValueError("the set is missing")

    with pytest.raises(typer.Exit) as left:
        as_job(tmp_path, "palm", {}, False, study)
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == "the set is missing\n"
    assert job.read(tmp_path).state == "failed"


def test_one_at_a_time_in_a_folder(tmp_path, capsys):
    with folder_lock.take(tmp_path), pytest.raises(typer.Exit) as left:
        as_job(tmp_path, "palm", {}, False, lambda reporter: "never")
    assert left.value.exit_code == 2
    assert "a job is going on" in capsys.readouterr().err


def test_the_screen_lists_it_with_the_curve_of_each_training(own_var):
    folder = own_var / "reproduce" / "counts"
    as_job(folder, "counts", {}, False, lambda reporter: "tables")
    rows = [Epoch(0, 2.0, {"score": -1.0, "loss": 1.0}, 1e-3, 4.0)]
    write_history(folder, rows)
    (folder / "with").mkdir()
    write_history(folder / "with", rows)
    (found,) = repetitions.repetitions()
    assert "Adinugroho" in found.title
    assert {name: len(epochs) for name, epochs in found.trainings.items()} == {
        "training": 1,
        "with": 1,
    }


def test_only_those_who_may_train_stop_or_resume_it(tmp_path):
    as_job(tmp_path, "wbc", {}, False, lambda reporter: "done")
    reader = Person("Rita", "technologist", "test:rita")
    for act in (repetitions.ask_to_stop, repetitions.resume):
        with pytest.raises(NotAllowed):
            act(job.read(tmp_path), reader)
