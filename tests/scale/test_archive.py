"""A folder analysed into one file: complete, equal to the command line, resumable after a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from core.scale import journal
from core.scale.journal import Answer, Journal, Line, OtherQuestion
from tests.fixtures.paths import ROOT

run = CliRunner().invoke
_FIELDS = 6


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fields")
    for seed in range(_FIELDS):
        item = synthetic.draw(900 + seed, width=400, height=300, wbc=["lymphocyte"])
        (folder / f"{seed}.png").write_bytes(synthetic.png_bytes(item.field))
    (folder / "3a.png").write_bytes(b"no picture")
    return folder


def rows_of(file):
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    return [_without_nulls(row) for row in pq.read_table(file).to_pylist(maps_as_pydicts="strict")]


def _without_nulls(value):
    """A column that a row does not have is null in Parquet; ``stage`` is null in JSON too."""
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None or k == "stage"}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_file_holds_what_the_command_line_prints(fields, own_var, tmp_path, ending):
    printed = run(app, ["analyse", str(fields), "--json"])
    to = tmp_path / f"results.{ending}"
    written = run(app, ["analyse", str(fields), "--to", str(to)])
    assert printed.exit_code == written.exit_code == 1  # one picture is none
    assert rows_of(to) == [json.loads(line) for line in printed.stdout.splitlines()]


def test_what_is_finished_is_not_done_again_and_new_pictures_are_added(fields, own_var, tmp_path):
    to = tmp_path / "results.jsonl"
    some = [str(fields / f"{seed}.png") for seed in range(3)]
    run(app, ["analyse", *some[:2], "--to", str(to)])
    again = run(app, ["analyse", *some, "--to", str(to)])
    assert "3 fields, 0 refused, 1 files read now" in again.stdout
    assert len(rows_of(to)) == 3
    other = run(app, ["analyse", *some, "--to", str(to), "--method", "regression"])
    assert other.exit_code == 2
    assert "method locator" in other.stderr
    assert len(rows_of(to)) == 3


def test_killed_in_the_middle_it_goes_on_and_nothing_is_lost(fields, own_var, tmp_path):
    to, whole = tmp_path / "results.jsonl", tmp_path / "whole.jsonl"
    command = [sys.executable, "-m", "core", "analyse", str(fields), "--to", str(to)]
    kept = tmp_path / "results.jsonl.job" / "journal.jsonl"
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "HEMADESK_VAR": str(own_var)})
    while not kept.is_file() or kept.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not to.exists()
    finished = kept.read_bytes().count(b"\n") - 1
    result = run(app, ["analyse", str(fields), "--to", str(to)])
    run(app, ["analyse", str(fields), "--to", str(whole)])
    assert f"{_FIELDS + 1 - finished} files read now" in result.stdout
    assert to.read_bytes() == whole.read_bytes()


def test_a_line_that_was_cut_off_is_taken_out(tmp_path):
    file, asked = tmp_path / "journal.jsonl", {"models": "a"}
    one, two = (Line(f"{n}.png", 1, 2, (Answer(f"{n}.png", finding="{}"),)) for n in (1, 2))
    kept = Journal(file, asked)
    kept.add(one)
    kept.add(two)
    kept.close()
    whole = file.read_bytes()
    for cut in range(1, len(whole)):
        file.write_bytes(whole[:cut])
        again = Journal(file, asked)
        lines = whole[:cut].count(b"\n")
        assert len(again) == max(0, lines - 1)
        again.add(two)
        again.close()
        reopened = Journal(file, asked)
        assert reopened.has("2.png", 1, 2)
        assert reopened.has("1.png", 1, 2) == (lines >= 2)
        assert reopened.answers("2.png") == two.answers
        assert not reopened.has("2.png", 1, 3)
        reopened.close()


def test_answers_of_other_models_are_not_mixed(tmp_path):
    Journal(tmp_path / "journal.jsonl", {"models": "a"}).close()
    with pytest.raises(OtherQuestion, match="models a"):
        Journal(tmp_path / "journal.jsonl", {"models": "b"})


def test_a_file_that_is_no_journal_is_left_alone(tmp_path):
    (tmp_path / journal.__name__).write_text("something else\n")
    with pytest.raises(ValueError, match="no journal"):
        Journal(tmp_path / journal.__name__, {})
    assert (tmp_path / journal.__name__).read_text() == "something else\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--to", "results.csv"], ".jsonl or .parquet"), (["--to", "a.jsonl", "--json"], "one of")],
)
def test_wrong_arguments_get_one_sentence(arguments, word):
    result = run(app, ["analyse", "x.png", *arguments])
    assert result.exit_code == 2
    assert word in result.stderr
