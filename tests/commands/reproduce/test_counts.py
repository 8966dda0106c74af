"""The tables of the count paper as they are printed, and what a missing set says."""

from typer.testing import CliRunner

from core.cli import app
from core.commands.reproduce.counts import PAPER, as_markdown
from core.studies.papers.counts_result import LabelErrors, MeanErrors, PaperCounts


def _row(rbc, wbc, platelet) -> MeanErrors:
    mean = (rbc + wbc + platelet) / 3
    return {
        "rbc": rbc,
        "wbc": wbc,
        "platelet": platelet,
        "mean": mean,
        "mean_low": mean - 0.1,
        "mean_high": mean + 0.1,
    }


_ERRORS: LabelErrors = {
    "without": _row(4.0, 0.2, 1.0),
    "with": _row(2.0, 0.1, 1.0),
    "constant": _row(2.6, 0.02, 1.05),
    "locator": _row(9.75, 0.0, 0.28),
    "n": 60,
}
_RESULT: PaperCounts = {
    "setting": "REDUCED for this test",
    "reduced": True,
    "split": {
        "training": 240,
        "validation": 60,
        "left_out_as_copies_of_test_fields": 0,
        "test": 60,
    },
    "start": "random weights",
    "curves": {
        "without": [[1, 9.0, 5.0], [2, 7.0, 4.2], [3, 6.0, 4.5]],
        "with": [[1, 8.0, 3.0]],
    },
    "seconds": {"without": 30.0, "with": 100.0},
    "learning_rates": {"without": 1e-5, "with": 1e-5},
    "cbc_labels": _ERRORS,
    "txl_labels": _ERRORS,
}


def test_ours_stand_beside_the_papers_the_constant_and_the_locator():
    text = as_markdown(_RESULT)
    assert [f"### Table {n}" in text for n in (1, 2, 3, 4)] == [True] * 4
    rows = [line for line in text.splitlines() if line.startswith("| RBC |")]
    assert rows[0] == "| RBC | 6.15 | 4.00 | 2.60 | 9.75 |"
    assert rows[1] == "| RBC | 2.55 | 2.77 | 2.00 | 2.60 | 9.75 |"
    # The paper prints 58.59 %; ours halves.
    assert rows[2] == "| RBC | 58.6 % | 50.0 % |"
    assert rows[3] == "| RBC | 2.55 | 4.42 | 2.75 | 2.08 | 2.00 | 2.60 | 9.75 |"
    assert "REDUCED" in text and "Start: random weights" in text
    assert "| without | 1e-05 | 3 | 4.20 | 2 | 30 s |" in text


def test_a_training_at_a_found_rate_has_a_column_of_its_own_and_an_unfinished_one_none():
    rows: LabelErrors = {**_ERRORS, "with, found rate": _row(1.0, 0.1, 1.0)}
    del rows["without"]
    rates = {"with": 1e-5, "with, found rate": 3e-4}
    text = as_markdown(
        {**_RESULT, "cbc_labels": rows, "txl_labels": rows, "learning_rates": rates, "curves": {}}
    )
    assert "| | paper | constant | our locator |" in text
    assert "ours, PBC | ours, PBC, rate 3e-04 | constant |" in text


def test_the_papers_means_are_those_of_its_rows():
    for *kinds, mean in PAPER.values():
        assert abs(sum(kinds) / 3 - mean) < 0.001


def test_without_the_set_one_sentence_and_status_2(tmp_path):
    ran = CliRunner().invoke(
        app, ["reproduce", "counts", "--data", str(tmp_path), "--to", str(tmp_path / "out")]
    )
    assert ran.exit_code == 2
    assert "CBC part 'Training' not found" in ran.output
    assert "Traceback" not in ran.output
