"""A model as an ONNX file: dynamic batch, and for a locator dynamic height and width."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.models.classifier import INPUT_PX, CellClassifier


def export_onnx(module: nn.Module, target: Path) -> None:
    """Write ``module`` (in evaluation mode) to ``target``.

    Raises:
        RuntimeError: if the module cannot be exported.
    """
    batch = torch.export.Dim("batch", min=1, max=4096)
    shape: dict[int, Any] = {0: batch}
    if isinstance(module, CellClassifier):
        example = torch.rand(2, 3, INPUT_PX, INPUT_PX)
    else:
        example = torch.rand(2, 3, 240, 320)
        shape |= {
            2: 8 * torch.export.Dim("rows", min=4, max=1024),
            3: 8 * torch.export.Dim("columns", min=4, max=1024),
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
    program.save(str(target))
