"""What adapting brings, on a laboratory that nothing was trained or chosen on.

For each seed at most so many cells of a class are drawn and adapted to; the others are the test.
Neither the drawn cells nor other pictures of them count. The original laboratory is measured on
PBC's test part.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import other_labs, pbc
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.features import Answers, answers_of
from core.inference.white_cell.framing import largest_white_cell
from core.inference.white_cell.local_head import generic_features
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models.cards import WhiteCellCard
from core.models.cards.white_cell_figures import AdaptationDraw, AdaptationFigures
from core.models.classifier import CellClassifier
from core.models.foundation import installed_foundation
from core.models.weights import LoadedModel
from core.records import Field, RgbImage
from core.statistics.classes import accuracy_row
from core.taxonomy import parent_of
from core.training.white_cells.adaptation.laboratory_cells import draw_cells, same_cells
from core.training.white_cells.adaptation.laboratory_head import (
    head_of,
    is_local,
    labels_with_head,
    local_cells,
)
from core.training.white_cells.adaptation.last_blocks import (
    features_of,
    fine_tuned,
    first_maps,
)
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.adaptation.rehearsal_cells import rehearsal_cells
from core.training.white_cells.cell_examples import centre_crop

Array = npt.NDArray[np.float32]


def measure_adaptation(
    live: LoadedModel,
    locator: LoadedModel,
    data: Path,
    *,
    per_class: int = 10,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    deep: bool = False,
    report: Callable[[str], None] = lambda words: None,
) -> AdaptationFigures:
    """Accuracy before and after on ``wbc_other_lab``, and what is kept on PBC's test part.

    Raises:
        FileNotFoundError: if a set is missing.
        AdaptRefused: if the live model has no fitted uncertainty, or the deep way is not
            possible.
    """
    uncertainty = uncertainty_of(live)
    if uncertainty is None:
        raise AdaptRefused("run python -m core fit-uncertainty first")
    remembered = rehearsal_cells(uncertainty, data, locator) if deep else None
    report("locating the cells of the other laboratory")
    cells, crops = _located(other_labs.deepbionet(data / "wbc_other_lab"), locator)
    truth = [str(cell.label) for cell in cells]
    foundation = installed_foundation()
    here, same = answers_of(crops, live), same_cells(crops)
    generic = generic_features(crops, foundation)
    test = [c for c in pbc.split(pbc.load(data / "pbc"))[2] if c.label and not c.odd_background]
    report(f"features of {len(test)} test cells of PBC")
    home_crops = [centre_crop(read_rgb(cell.path)) for cell in test]
    home, home_generic = answers_of(home_crops, live), generic_features(home_crops, foundation)
    home_truth = [str(cell.label) for cell in test]
    before_names, home_before_names = (
        [call.label for call in call_crops(part, live)] for part in (crops, home_crops)
    )
    before, home_before = _right(before_names, truth), _right(home_before_names, home_truth)
    # The first blocks stay as they are, so their maps serve every draw.
    assert isinstance(live.module, CellClassifier)
    maps = [first_maps(live.module, part) for part in (crops, home_crops)] if deep else []
    rows: list[AdaptationDraw] = []
    accuracies: list[float] = []
    refused = ""
    for seed in seeds:
        began = time.monotonic()
        drawn, rest = (
            {cell.path for cell in part} for part in draw_cells(cells, per_class, seed, same)
        )
        inside = [i for i, cell in enumerate(cells) if cell.path in drawn]
        outside = [i for i, cell in enumerate(cells) if cell.path in rest]
        labels = [truth[i] for i in inside]
        drawn_crops = [crops[i] for i in inside]
        if remembered is None:
            refused = ""
            try:
                part = Answers(here.logits[inside], here.features[inside])
                cells_read = local_cells(part, generic[inside], labels, same[inside], uncertainty)
                head = head_of(cells_read, live, uncertainty, seed)
            except AdaptRefused as refusal:
                # Nobody would get this adaptation, so the model stays as it was.
                refused, names, home_names = str(refusal), before_names, home_before_names
            else:
                names, home_names = (
                    labels_with_head(
                        answers,
                        features[local],
                        local,
                        head,
                        live.card_as(WhiteCellCard).classes,
                        predicted,
                    )
                    for answers, features, predicted in (
                        (here, generic, before_names),
                        (home, home_generic, home_before_names),
                    )
                    for local in (is_local(answers, head, uncertainty),)
                )
            seconds = time.monotonic() - began
        else:
            module = fine_tuned(live.module, remembered, drawn_crops, labels, seed)
            seconds = time.monotonic() - began
            moved = [features_of(module, part).numpy() for part in maps]
            names, home_names = (_labels(part, module) for part in moved)
        after = _right([names[i] for i in outside], [truth[i] for i in outside])
        home_after = _right(home_names, home_truth)
        row: AdaptationDraw = {
            "seed": seed,
            "learnt_from": len(inside),
            "before": accuracy_row(before[outside]),
            "after": accuracy_row(after),
            "original_after": accuracy_row(home_after),
            "kept": float(home_after.mean() / home_before.mean()),
            "seconds": round(seconds, 1),
        }
        if refused:
            row["refused"] = refused
        rows.append(row)
        accuracies.append(float(after.mean()))
        report(f"seed {seed}: {before[outside].mean():.3f} -> {after.mean():.3f}")
    return {
        "set": "wbc_other_lab",
        "deep": deep,
        "per_class": per_class,
        "located": len(cells),
        "before": accuracy_row(before),
        "original_before": accuracy_row(home_before),
        "mean_after": float(np.mean(accuracies)),
        "least_after": min(accuracies),
        "mean_kept": float(np.mean([row["kept"] for row in rows])),
        "draws": rows,
    }


def _located(
    cells: Sequence[LabelledCell], locator: LoadedModel
) -> tuple[list[LabelledCell], list[RgbImage]]:
    located, crops = [], []
    for cell in cells:
        crop = largest_white_cell(Field(cell.path.name, read_rgb(cell.path), ""), locator)
        if crop is not None:
            located.append(cell)
            crops.append(crop)
    return located, crops


def _labels(features: Array, module: Any) -> list[str]:
    layer = module.last_layer()
    weight, bias = (part.detach().numpy() for part in (layer.weight, layer.bias))
    return [module.classes[i] for i in (features @ weight.T + bias).argmax(axis=1)]


def _right(predicted: Sequence[str], truth: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Is each cell called right; a neutrophil where that is all that is known."""
    return np.array([t in (p, parent_of(p)) for p, t in zip(predicted, truth, strict=True)])
