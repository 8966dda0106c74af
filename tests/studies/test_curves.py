"""The picture and the sentence on how a repeated training went."""

from __future__ import annotations

from xml.etree import ElementTree

from core.store.run_records import Epoch
from core.studies.papers import curves


def epochs(*accuracies: float) -> list[Epoch]:
    return [
        Epoch(n, 1 / (n + 1), {"score": a, "accuracy": a, "loss": 1.0 - a}, 1e-3, 90.0)
        for n, a in enumerate(accuracies)
    ]


def test_the_kept_epoch_and_the_time_are_said():
    said = curves.in_words(epochs(0.5, 0.75, 0.7), "accuracy")
    assert "Epoch 2 of 3 was kept: accuracy 0.750" in said and "took 4 minutes" in said
    assert "No epoch" in curves.in_words([], "accuracy")


def test_both_parts_are_drawn_and_a_loss_of_zero_is_no_obstacle():
    assert curves.loss_curve_svg(epochs(0.5), "x") is None
    for accuracies in ((0.5, 0.75), (0.5, 1.0)):
        picture = curves.loss_curve_svg(epochs(*accuracies), "Trained anew")
        assert picture is not None
        words = "".join(ElementTree.fromstring(picture).itertext())
        assert "training part" in words and "validation part" in words
