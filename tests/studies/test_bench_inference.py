"""The bench times every step of an analysis with the live models."""

from core.studies.benchmarks.inference import time_steps


def test_every_step_is_timed_and_its_median_lies_between_the_ends():
    rows = time_steps(runs=2)
    assert [row.step for row in rows] == [
        "decode",
        "locate and count",
        "classify one cell",
        "Grad-CAM of one cell",
        "whole field, without Grad-CAM",
        "locator network, one field",
        "locator network, batch of eight",
    ]
    for row in rows:
        assert 0 < row.fastest_ms <= row.median_ms <= row.slowest_ms
        assert row.runs == 2
