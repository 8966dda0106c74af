"""ONNX graphs without weights, kept in the cache: tracing a network takes seconds, every time.

A graph depends on the network's code and on the shapes of its weights, not on their values. The
fine-tuned model of a run, and every adaptation, has a graph that was traced before.
"""

import hashlib
import inspect
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import onnx
import onnx_ir
import onnxscript
import torch
import torchvision
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from torch import nn

from core.files import atomic_path
from core.settings import settings

FOLDER: Final = "onnx_graphs"
"""Below the cache folder."""

_LOG = logging.getLogger(__name__)


def graph_of(
    module: nn.Module, example: torch.Tensor, dynamic_shape: Mapping[int, Any]
) -> torch.onnx.ONNXProgram:
    """The graph of ``module`` with its weights, not optimised; traced where the cache lacks it.

    Args:
        module: in evaluation mode.
        example: an input, ``(B, C, H, W)``.
        dynamic_shape: dimension -> ``torch.export.Dim`` of what may vary.

    Raises:
        RuntimeError: if the module cannot be exported.
    """
    file = settings().cache_folder / FOLDER / f"{_key(module, example, dynamic_shape)}.onnx"
    model = _cached(file)
    if model is None:
        proto = _trace(module, example, dynamic_shape)
        _keep(proto, file)
        # From the file's form, as a kept one is: the names are the same either way.
        model = onnx_ir.from_proto(proto)
    # No program of torch belongs to it any more, which only comparisons of the two would need.
    program = torch.onnx.ONNXProgram(model, exported_program=None)
    held = program.model.graph.initializers
    program.apply_weights({k: v for k, v in module.state_dict().items() if k in held})
    return program


def _trace(
    module: nn.Module, example: torch.Tensor, dynamic_shape: Mapping[int, Any]
) -> onnx.ModelProto:
    """The graph without the values of the weights."""
    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        dynamic_shapes=(dict(dynamic_shape),),
        external_data=False,
        verbose=False,
        optimize=False,
    )
    if program is None:
        raise RuntimeError(f"{type(module).__name__} could not be exported to ONNX")
    # The exporter notes the source file and line of every step, paths of this machine included.
    # A step's output may have the name of a weight, which a file does not allow.
    weights = program.model.graph.initializers
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
        for output in node.outputs:
            if output.name in weights:
                output.name = f"{output.name}_of_{node.name}"
    proto = onnx_ir.to_proto(program.model)
    names = set(module.state_dict())
    for weight in proto.graph.initializer:
        if weight.name in names:
            weight.ClearField("raw_data")
    return proto


def _key(module: nn.Module, example: torch.Tensor, dynamic_shape: Mapping[int, Any]) -> str:
    """A hash of all that a graph depends on: code, versions, shapes, and what is no weight."""
    classes = {type(part) for part in module.modules()}
    sources = {
        sys.modules[one.__module__].__name__: Path(inspect.getfile(one)).read_bytes()
        for one in classes
        if one.__module__.startswith("core.")
    }
    sources[__name__] = Path(__file__).read_bytes()
    state = module.state_dict()
    # Buffers outside the state dict and plain attributes, for their values are in the graph.
    constants = {k: v.tolist() for k, v in module.named_buffers() if k not in state}
    description = {
        "versions": [m.__version__ for m in (torch, torchvision, onnx, onnx_ir, onnxscript)],
        "sources": {name: hashlib.sha256(text).hexdigest() for name, text in sources.items()},
        "modules": repr(module),
        "attributes": [
            {k: repr(v) for k, v in vars(part).items() if not k.startswith("_")}
            for part in module.modules()
        ],
        "weights": {key: [str(value.dtype), *value.shape] for key, value in state.items()},
        "constants": constants,
        "example": list(example.shape),
        "dynamic": {number: repr(size) for number, size in dynamic_shape.items()},
    }
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:32]


def _cached(file: Path) -> onnx_ir.Model | None:
    try:
        model = onnx_ir.from_proto(onnx.ModelProto.FromString(file.read_bytes()))
        if not model.graph.outputs:
            raise ValueError("it holds no graph")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, DecodeError, onnx_ir.serde.SerdeError) as error:
        _LOG.warning("%s cannot be read, the network is traced again: %s", file, error)
        return None
    return model


def _keep(proto: onnx.ModelProto, file: Path) -> None:
    """Save a graph; a full disk costs only the time that it would have saved."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(file) as temporary:
            temporary.write_bytes(proto.SerializeToString())
    except OSError as error:
        _LOG.warning("an ONNX graph is not kept in %s: %s", file.parent, error)
