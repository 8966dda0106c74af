"""Folds: every cell is a test cell once, what belongs together stays so, and all are compared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.files import write_json
from core.store.run_records import Epoch
from core.training.loop.settings import LoopSettings
from core.training.presets import checked_options
from core.training.promote import promotion
from core.training.promote.promotion import PromotionRefused
from core.training.recipes import prepare
from core.training.runs import folds, lifecycle
from core.training.white_cells.folds import fold_of, fold_parts
from core.training.white_cells.recipe import WbcRecipe
from tests.fixtures.cells import draw_cells
from tests.fixtures.models import ADA, finished_run


@given(
    sizes=st.lists(st.integers(5, 40), min_size=2, max_size=4),
    of=st.sampled_from((3, 5)),
    seed=st.integers(0, 9),
)
def test_each_is_tested_once_and_classes_are_spread(sizes: list[int], of: int, seed: int) -> None:
    labels = [f"class {n}" for n, size in enumerate(sizes) for _ in range(size)]
    cuts = [fold_parts(labels, range(len(labels)), fold, of, seed) for fold in range(1, of + 1)]
    tested = Counter(i for _, _, test in cuts for i in test)
    assert set(tested) == set(range(len(labels))) and set(tested.values()) == {1}
    for train, validation, test in cuts:
        assert sorted((*train, *validation, *test)) == list(range(len(labels)))
        for number, size in enumerate(sizes):
            share = sum(labels[i] == f"class {number}" for i in test)
            assert share in (size // of, -(-size // of))
    # The validation part of one fold is the test part of the next.
    assert cuts[0][1] == cuts[1][2] and cuts[-1][1] == cuts[0][2]


def test_what_belongs_together_is_never_cut() -> None:
    groups = [n // 4 for n in range(60)]
    for fold in (1, 2, 3):
        parts = fold_parts(["a", "b"] * 30, groups, fold, 3)
        sides = [{groups[i] for i in part} for part in parts]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_a_class_with_fewer_pictures_than_folds_is_refused() -> None:
    with pytest.raises(ValueError, match="there are rare 2"):
        fold_parts(["rare"] * 2 + ["common"] * 9, range(11), 1, 3)
    with pytest.raises(ValueError, match="no fold 6 of 5"):
        fold_parts(["a"] * 9, range(9), 6, 5)
    assert fold_of("2 of 5") == (2, 5) and fold_of("no") is None


def test_a_fold_learns_from_the_others(site: Path) -> None:
    draw_cells(site / "cells")
    tested: list[str] = []
    for fold in (1, 2, 3):
        options = checked_options("wbc", {"layout": "folders", "fold": f"{fold} of 3"})
        folder = site / f"run{fold}"
        folder.mkdir()
        ready = prepare("wbc", site / "cells", LoopSettings(), options | {"start": "live"}, folder)
        assert isinstance(ready.recipe, WbcRecipe)
        learnt = {f"{p.parent.name}/{p.name}" for p in ready.recipe.pictures()}
        everything = {f"{p.parent.name}/{p.name}" for p in (site / "cells").rglob("*.jpg")}
        tested += sorted(everything - learnt)
    assert len(tested) == len(set(tested)) == 42


def _fold(models: dict[str, Path], label: str, site: Path, **cells: int) -> str:
    run = finished_run(models, label, site, **cells)
    lifecycle.book().add_epoch(
        run.id, Epoch(0, 0.5, {"accuracy": cells["lymphocyte"] / 10, "score": 1.0}, 1e-3, 10.0, 20)
    )
    return run.name


def test_all_folds_are_compared_together(site: Path, known_models: dict[str, Path]) -> None:
    """The live model says monocyte. Two folds' models say lymphocyte, the third's monocyte."""
    names = [
        _fold(known_models, "lymphocyte", site, lymphocyte=4, monocyte=1),
        _fold(known_models, "lymphocyte", site, lymphocyte=6),
        _fold(known_models, "monocyte", site, lymphocyte=2, monocyte=2),
    ]
    runs = [lifecycle.find(name) for name in names]
    for run in runs:
        write_json(lifecycle.folder_of(run) / folds.FILE, {"runs": names})
    own = promotion.compare(runs[1]).own
    assert isinstance(own, promotion.OnOneSet)
    assert (own.accuracy.items, own.accuracy.only_challenger, own.accuracy.only_champion) == (
        *(15, 10),
        1,
    )
    assert own.folds == ((0.0, 1.0), (0.2, 0.8), (0.5, 0.5)) and "all 3 folds" in own.title
    found = folds.scores(runs, "accuracy")
    assert found is not None
    assert found.scores == (0.4, 0.6, 0.2) and found.mean == pytest.approx(0.4)
    assert found.spread == pytest.approx(0.2)  # by hand: sqrt((0 + 0.04 + 0.04) / 2)


def test_a_fold_without_a_model_stops_the_comparison(
    site: Path, known_models: dict[str, Path]
) -> None:
    draw_cells(site / "cells")
    made = finished_run(known_models, "lymphocyte", site, lymphocyte=4)
    others = folds.submit_folds("wbc", site / "cells", LoopSettings(), {}, 3, who=ADA, title="ours")
    assert [one.title for one in others] == [f"ours, fold {n} of 3" for n in (1, 2, 3)]
    assert [one.options["fold"] for one in others] == ["1 of 3", "2 of 3", "3 of 3"]
    assert folds.siblings(others[2]) == others and folds.siblings(made) == ()
    write_json(lifecycle.folder_of(made) / folds.FILE, {"runs": [made.name, others[0].name]})
    with pytest.raises(PromotionRefused, match="fold 1 of 3 #2 has no model"):
        promotion.compare(made)
    with pytest.raises(ValueError, match="one of 3, 5, 10"):
        folds.submit_folds("wbc", site, LoopSettings(), {}, 4, who=ADA)
