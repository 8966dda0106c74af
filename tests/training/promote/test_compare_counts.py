"""Two models that count on a locked set of fields; expected figures are worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.datasets.intake.fields import CountedField
from core.imaging.synthetic import draw, png_bytes
from core.models import registry
from core.models.cards import CountCard, LocatorCard
from core.taxonomy import KINDS
from core.training.promote.compare_counts import on_fields
from core.training.promote.evidence import PromotionRefused
from core.training.promote.locked_sets import LockedSet

RED = (6, 9, 12)


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    root = tmp_path_factory.mktemp("locked")
    fields = []
    for seed, red in enumerate(RED):
        drawn = draw(
            40 + seed, width=240, height=240, rbc=red, wbc=[], platelets=1, rbc_diameter_px=45
        )
        file = root / f"{seed}.png"
        file.write_bytes(png_bytes(drawn.field))
        fields.append(CountedField(file, np.array([drawn.count(kind) for kind in KINDS])))
    return LockedSet("our fields", fields, "0" * 64)


@pytest.fixture(scope="module")
def live():
    return registry.smear_models()


def test_a_locator_that_sees_nothing_is_wrong_by_every_cell(locked, live):
    card = live.locator.card_as(LocatorCard)
    blind = card.model_copy(update={"thresholds": dict.fromkeys(KINDS, 1.0)})
    steps: list[tuple[int, int]] = []
    found = on_fields(
        locked,
        "locator",
        live,
        replace(live.locator, card=blind),
        lambda words, done, total: steps.append((done, total)),
    )
    truth = np.stack([field.counts() for field in locked.items])
    assert found.errors.challenger == pytest.approx(truth.sum() / len(RED))
    for place, kind in enumerate(KINDS):
        assert found.kinds[kind].challenger == pytest.approx(truth[:, place].mean())
    assert found.errors.champion < found.errors.challenger
    assert found.errors.difference == found.errors.challenger - found.errors.champion
    # Always the median (9 red cells): 3, 0 and 3 wrong; the other kinds do not vary.
    assert found.constant == pytest.approx(2.0)
    assert steps == [(done, 6) for done in range(6)]


def test_intervals_are_those_of_the_model_that_counts(locked, live):
    card = live.counts.card_as(CountCard)
    certain = card.model_copy(update={"interval_scale": dict.fromkeys(KINDS, 1e6)})
    found = on_fields(locked, "counts", live, replace(live.counts, card=certain))
    # The same counts, so no difference; intervals from 0 to millions hold every truth.
    assert found.errors.difference == 0
    assert found.covered[1] == 1.0 and found.covered[0] <= 1.0


def test_an_empty_set_proves_nothing(live):
    with pytest.raises(PromotionRefused, match="the test set our fields is empty"):
        on_fields(LockedSet("our fields", [], "0" * 64), "locator", live, live.locator)
