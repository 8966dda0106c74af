"""Two classifiers of white cells on a locked set, each cell through the product's own path."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.evaluation.calibration import expected_calibration_error
from core.evaluation.paired import paired_accuracy
from core.inference.wbc import call_crops, single_cell_crop
from core.models import registry
from core.models.weights import LoadedModel
from core.records import Field, RgbImage, WbcCall
from core.taxonomy import parent_of
from core.training import locked_sets
from core.training.evidence import OnOneSet, PromotionRefused


def on_cells(
    file: Path,
    champion: LoadedModel,
    challenger: LoadedModel,
    report: Callable[[str], None] = lambda _: None,
) -> OnOneSet:
    """Both models on the locked set in a file.

    Where only a parent is known (neutrophil), either of its children is right. ``report`` hears
    which set it is, before the work.

    Raises:
        PromotionRefused: if the set is empty.
        TestSetBroken: if its pictures were changed.
        WeightsRefused: if the locator that finds the cells is missing.
    """
    name, cells, sha256 = locked_sets.read(file)
    if not cells:
        raise PromotionRefused(f"the test set {name} is empty")
    report(f"{name}, {len(cells):,} cells")
    truth = np.array([str(cell.label) for cell in cells])
    paths = tuple(cell.path for cell in cells)
    crops = _crops(paths, sha256, registry.live("locator").identity)
    said = [call_crops(crops, model) for model in (champion, challenger)]
    right = [_right(calls, truth) for calls in said]
    recalls = {
        str(label): (
            float(right[0][truth == label].mean()),
            float(right[1][truth == label].mean()),
            int((truth == label).sum()),
        )
        for label in np.unique(truth)
    }
    return OnOneSet(
        title=name,
        sha256=sha256,
        accuracy=paired_accuracy(right[0], right[1]),
        champion=float(right[0].mean()),
        challenger=float(right[1].mean()),
        recalls=recalls,
        calibration=(_calibration(said[0], right[0]), _calibration(said[1], right[1])),
        asked=(_share(said[0], ""), _share(said[1], "")),
        novel=(_share(said[0], "novel_cell"), _share(said[1], "novel_cell")),
    )


@lru_cache(maxsize=3)
def _crops(paths: tuple[Path, ...], _sha256: str, _locator: str) -> list[RgbImage]:
    """What the classifier sees of each picture; kept for the next challenger."""
    return [single_cell_crop(Field(path.name, read_rgb(path), ""))[0] for path in paths]


def _right(calls: Sequence[WbcCall], truth: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    pairs = zip(calls, truth.tolist(), strict=True)
    return np.array([label in (call.label, parent_of(call.label)) for call, label in pairs])


def _calibration(calls: Sequence[WbcCall], hits: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error of top answers, by a two-class table: right or not."""
    top = np.array([call.probability for call in calls])
    table = np.stack([top, -np.ones_like(top)], axis=1)
    return expected_calibration_error(table, np.where(hits, 0, 1))


def _share(calls: Sequence[WbcCall], code: str) -> float:
    """Cells with that flag, or with none given those the model would rather not decide."""
    marked = [
        any(flag.code == code for flag in call.flags) if code else call.abstained for call in calls
    ]
    return float(np.mean(marked))
