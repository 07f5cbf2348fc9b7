"""The network as an ONNX graph, in float32 and with its encoder in int8."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from routoo.export.layout import ATTRIBUTES_INPUT, GRAPH_INPUTS, GRAPH_OUTPUTS

if TYPE_CHECKING:
    from routoo.models.network.network import RouterNetwork

_ENCODER = "encoder"
_IN_FLOAT = 2
_TOKENS = {0: "n_prompts", 1: "length"}
_PROMPTS = {0: "n_prompts"}
_SCOPES = "pkg.torch.onnx.name_scopes"


def to_onnx(network: RouterNetwork) -> onnx.ModelProto:
    """The graph of the network in evaluation mode: pooling, heads and evidence heads are part of it.

    Number of prompts and length are free. Nodes of the encoder have names that begin with ``encoder/``.

    Args:
        network: Left as it is; a copy is traced.
    """
    # Written-out attention: the fused kind exports with checks for fully masked rows that cost time.
    network = copy.deepcopy(network).cpu().float().eval()
    network.encoder.set_attn_implementation("eager")
    ids = torch.arange(1, 25).reshape(2, 12)
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0
    given, names = [ids, mask, torch.tensor([0, -1])], [*GRAPH_INPUTS]
    axes = [_TOKENS, _TOKENS, _PROMPTS]
    if network.config.heads.attributes:
        given.append(torch.tensor([[0], [-1]]).repeat(1, len(network.config.heads.attributes)))
        names.append(ATTRIBUTES_INPUT)
        axes.append(_PROMPTS)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            network,
            tuple(given),
            input_names=names,
            output_names=GRAPH_OUTPUTS,
            dynamic_shapes=dict(zip(names, axes, strict=True)),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # for the type checker: None only comes from the older exporter
    model = program.model_proto
    _name_by_part(model.graph)
    _strip(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def to_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with the encoder's weights in int8 and its activations quantised as they come.

    Heads and pooling stay in float. Scales are kept per output channel: one scale per matrix moves
    predictions three times as far. Weights take seven bits, since eight overflow in the 16-bit sums of
    processors without VNNI: a graph would pass its check on the machine that exports, and fail elsewhere.

    The first two layers keep the matrix that narrows their feed-forward part in float: a few of its inputs
    are many times the others, which coarsens all scales, and later layers build on the result. On a MiniLM
    that takes a tenth more time and changes half as many choices.

    Args:
        model: A graph of `to_onnx`.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    weights = {
        node.name: (node.op_type, shapes[name])
        for node in model.graph.node
        if node.name.startswith(f"{_ENCODER}/") and node.op_type in ("MatMul", "Gather")
        for name in node.input
        if name in shapes
    }
    matrices = {
        name: shape for name, (kind, shape) in weights.items() if kind == "MatMul" and len(shape) == 2
    }
    widest = max((shape[0] for shape in matrices.values()), default=0)
    narrowing = [name for name, shape in matrices.items() if shape[0] == widest > shape[1]]
    chosen = [name for name in weights if name not in narrowing[:_IN_FLOAT]]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            copy.deepcopy(model),
            path,
            op_types_to_quantize=["MatMul", "Gather"],
            nodes_to_quantize=chosen,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        int8 = onnx.load(path)
    _strip(int8)
    return int8


def _name_by_part(graph: onnx.GraphProto) -> None:
    """Puts the part of the network that a node came from before its name."""
    for node in graph.node:
        scopes = next((entry.value for entry in node.metadata_props if entry.key == _SCOPES), "")
        part = _ENCODER if f"'{_ENCODER}'" in scopes else "heads"
        node.name = f"{part}/{node.name}"


def _strip(model: onnx.ModelProto) -> None:
    """Removes the exporter's notes: source paths, and shapes that quantising would make wrong."""
    del model.graph.value_info[:]
    for part in (
        *model.graph.node,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
        model.graph,
    ):
        del part.metadata_props[:]
    del model.metadata_props[:]
    model.producer_name = "routoo"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps from people what exporter and quantiser tell their own developers."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
