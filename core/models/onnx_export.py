"""A model as an ONNX file: dynamic batch, and for a locator dynamic height and width.

A classifier's file gives ``logits`` and, second, ``features``: what its last layer reads. Novelty,
attributes and the nearest cells rest on them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.models.classifier import CROP_RBC_DIAMETERS, INPUT_PX, CellClassifier
from core.models.density import DENSITY_MULTIPLE, DensityCounter
from core.models.palm_classifier import PALM_PX, PalmClassifier
from core.models.paper_palm_cnn import PaperPalmCnn
from core.models.regressor import INPUT_PX as FIELD_PX
from core.models.regressor import CountRegressor


def export_onnx(module: nn.Module, target: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write ``module`` (in evaluation mode) to ``target``; ``metadata`` goes into the file.

    Raises:
        RuntimeError: if the module cannot be exported.
    """
    batch = torch.export.Dim("batch", min=1, max=4096)
    shape: dict[int, Any] = {0: batch}
    if isinstance(module, CellClassifier):
        example = torch.rand(2, 3, INPUT_PX, INPUT_PX)
    elif isinstance(module, PalmClassifier):
        example = torch.rand(2, 3, PALM_PX, PALM_PX)
    elif isinstance(module, PaperPalmCnn):
        width, height = module.size_px
        example = torch.rand(2, 3, height, width)
    elif isinstance(module, CountRegressor):
        example = torch.rand(2, 3, FIELD_PX, FIELD_PX)
    else:
        example = torch.rand(2, 3, 240, 320)
        step = DENSITY_MULTIPLE if isinstance(module, DensityCounter) else 8
        shape |= {
            2: step * torch.export.Dim("rows", min=4, max=1024),
            3: step * torch.export.Dim("columns", min=4, max=1024),
        }
    program = torch.onnx.export(
        module.eval(),
        (example,),
        dynamo=True,
        dynamic_shapes=(shape,),
        external_data=False,
        verbose=False,
    )
    if program is None:
        raise RuntimeError(f"{type(module).__name__} could not be exported to ONNX")
    # The exporter notes the source file and line of every step, paths of this machine included.
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
    if isinstance(module, CellClassifier):
        _add_features(program.model.graph)
    program.model.metadata_props.update(metadata or {})
    program.save(str(target))


def metadata_of(card: Mapping[str, Any]) -> dict[str, str]:
    """What a program that has only the ONNX file needs to use it, as its metadata.

    ``preprocessing`` says how an input is made: a square round the cell, RGB, in [0, 1]; the
    means and spreads of ImageNet are inside the network.
    """
    architecture = card["architecture"]
    said: dict[str, Any] = {
        "task": card.get("task", ""),
        "intended_use": card.get("intended_use", ""),
        "licence": card.get("licence", ""),
    }
    if architecture.get("kind") == "cell_classifier":
        said |= {
            "classes": list(architecture["classes"]),
            "temperature": card.get("temperature", 1.0),
            "preprocessing": {
                "input_px": INPUT_PX,
                "crop_side_in_red_cell_diameters": CROP_RBC_DIAMETERS,
                "channels": "RGB",
                "layout": "NCHW",
                "range": [0, 1],
                "mean_and_std": "inside the network",
                "colour_normalisation": card.get("colour_normalisation", "none"),
            },
        }
    return {key: one if isinstance(one, str) else json.dumps(one) for key, one in said.items()}


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
