"""A model as an ONNX file with a dynamic batch; locators and counters also take any size.

A classifier's file has two outputs: ``logits``, and the ``features`` that its last layer reads.
Novelty, attributes and the nearest cells are computed from the features.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from core.models.cards import ModelCard, RedCellCard, WhiteCellCard
from core.models.classifier import INPUT_PX, CellClassifier
from core.models.density import DENSITY_MULTIPLE, DensityCounter
from core.models.locator import Locator
from core.models.onnx_files.graph import graph_of
from core.models.palm_classifier import PALM_PX, PalmClassifier
from core.models.paper_palm_cnn import PaperPalmCnn
from core.models.red_cell import INPUT_PX as RED_CELL_PX
from core.models.red_cell import RedCellClassifier
from core.models.regressor import INPUT_PX as FIELD_PX
from core.models.regressor import CountRegressor

_SIDES: Final[dict[type[nn.Module], tuple[int, int]]] = {
    CellClassifier: (INPUT_PX, INPUT_PX),
    PalmClassifier: (PALM_PX, PALM_PX),
    CountRegressor: (FIELD_PX, FIELD_PX),
    RedCellClassifier: (RED_CELL_PX, RED_CELL_PX),
    Locator: (240, 320),
    DensityCounter: (240, 320),
}
"""Network -> height and width of the example that is exported."""

_MULTIPLES: Final[dict[type[nn.Module], int]] = {Locator: 8, DensityCounter: DENSITY_MULTIPLE}
"""Networks that take any height and width, and of what both must be multiples."""


def export_onnx(module: nn.Module, target: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write ``module`` (in evaluation mode) to ``target``; ``metadata`` goes into the file.

    Raises:
        RuntimeError: if the module cannot be exported.
    """
    shape: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=4096)}
    height, width = (
        module.size_px[::-1] if isinstance(module, PaperPalmCnn) else _SIDES[type(module)]
    )
    if multiple := _MULTIPLES.get(type(module)):
        shape |= {
            2: multiple * torch.export.Dim("rows", min=4, max=1024),
            3: multiple * torch.export.Dim("columns", min=4, max=1024),
        }
    example = torch.rand(2, 3, height, width)
    program = graph_of(module.eval(), example, shape)
    program.optimize()
    if isinstance(module, CellClassifier):
        _add_features(program.model.graph)
    program.model.metadata_props.update(metadata or {})
    program.save(str(target))


def metadata_of(card: ModelCard) -> dict[str, str]:
    """What a program that has only the ONNX file needs to use it, as its metadata.

    ``preprocessing`` says how an input is made; see :mod:`core.models.cards.preprocessing`.
    """
    metadata = {
        "task": card.task,
        "intended_use": card.intended_use,
        "licence": card.licence,
        "preprocessing": json.dumps(card.preprocessing.as_json()),
    }
    if isinstance(card, WhiteCellCard | RedCellCard):
        metadata |= {
            "classes": json.dumps(card.classes),
            "temperature": json.dumps(card.temperature),
        }
    return metadata


def _add_features(graph: Any) -> None:
    """Give the last layer's input as a second output."""
    logits = graph.outputs[0]
    last = logits.producer()
    # A linear layer becomes one Gemm; some versions write MatMul and Add instead.
    while last is not None and last.op_type not in ("Gemm", "MatMul"):
        last = last.inputs[0].producer()
    if last is None:
        raise RuntimeError("the exported classifier has no linear last layer")
    features = last.inputs[0]
    logits.name, features.name = "logits", "features"
    graph.outputs.append(features)
