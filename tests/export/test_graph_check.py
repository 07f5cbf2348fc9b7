"""A graph reads nothing beside itself, wherever in it a tensor is hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routoo.data.errors import BundleError
from routoo.export.bundle import Bundle
from routoo.export.graph_check import check_graph
from routoo.export.layout import LAYOUT
from routoo.export.session import open_graph

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto


def _elsewhere() -> TensorProto:
    from onnx import StringStringEntryProto, TensorProto

    return TensorProto(
        name="secret",
        data_type=TensorProto.FLOAT,
        dims=[1],
        data_location=TensorProto.EXTERNAL,
        external_data=[StringStringEntryProto(key="location", value="secret.bin")],
    )


def _attribute(**fields: object) -> AttributeProto:
    from onnx import AttributeProto

    return AttributeProto(name="value", **fields)  # type: ignore[arg-type]  # any of its fields


def _node(**fields: object) -> NodeProto:
    from onnx import NodeProto

    return NodeProto(op_type="Constant", output=["secret"], attribute=[_attribute(**fields)])


def _graph(node: NodeProto | None = None) -> GraphProto:
    from onnx import GraphProto

    return (
        GraphProto(name="g", initializer=[_elsewhere()])
        if node is None
        else GraphProto(name="g", node=[node])
    )


def _hide(model: ModelProto, where: str) -> None:
    from onnx import FunctionProto, SparseTensorProto, TrainingInfoProto

    sparse = SparseTensorProto(values=_elsewhere())
    hidden: dict[str, Callable[[], object]] = {
        "initializer": lambda: model.graph.initializer.append(_elsewhere()),
        "sparse values": lambda: model.graph.sparse_initializer.append(sparse),
        "sparse indices": lambda: model.graph.sparse_initializer.append(
            SparseTensorProto(indices=_elsewhere())
        ),
        "constant": lambda: model.graph.node.append(_node(t=_elsewhere())),
        "constants": lambda: model.graph.node.append(_node(tensors=[_elsewhere()])),
        "sparse constant": lambda: model.graph.node.append(_node(sparse_tensor=sparse)),
        "sparse constants": lambda: model.graph.node.append(_node(sparse_tensors=[sparse])),
        "subgraph": lambda: model.graph.node.append(_node(g=_graph())),
        "subgraphs": lambda: model.graph.node.append(_node(graphs=[_graph(_node(t=_elsewhere()))])),
        "function": lambda: model.functions.append(FunctionProto(name="f", node=[_node(t=_elsewhere())])),
        "default": lambda: model.functions.append(
            FunctionProto(attribute_proto=[_attribute(t=_elsewhere())])
        ),
        "training": lambda: model.training_info.append(TrainingInfoProto(algorithm=_graph())),
        "start": lambda: model.training_info.append(TrainingInfoProto(initialization=_graph())),
    }
    hidden[where]()


@pytest.mark.parametrize(
    "where",
    [
        *("initializer", "sparse values", "sparse indices"),
        *("constant", "constants", "sparse constant", "sparse constants", "subgraph", "subgraphs"),
        *("function", "default", "training", "start"),
    ],
)
def test_weights_in_another_file_are_refused(bundle: Bundle, where: str) -> None:
    import onnx

    model = onnx.load_from_string(bundle.content(LAYOUT.graph))
    check_graph(model.SerializeToString())
    _hide(model, where)
    for refusing in (check_graph, lambda content: open_graph(content, threads=1)):
        with pytest.raises(BundleError, match="the graph has weights in another file, which it may not read"):
            refusing(model.SerializeToString())


def test_a_large_file_beside_the_graph_is_not_read(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ONNX itself writes, and ONNX Runtime would open."""
    import onnx

    model = onnx.load_from_string(bundle.content(LAYOUT.graph))
    onnx.save(
        model, tmp_path / "model.onnx", save_as_external_data=True, location="secret.bin", size_threshold=0
    )
    assert (tmp_path / "secret.bin").stat().st_size > 1000
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="may not read"):
        open_graph((tmp_path / "model.onnx").read_bytes(), threads=1)


@pytest.mark.parametrize(
    "content",
    [
        b"no graph",
        b"\x3a",  # a graph without a length
        b"\x3a\x05ab",  # a graph that is longer than the file
        b"\x3a" + b"\xff" * 12,  # a length without an end
        b"\x3b\x3c",  # a group, which no writer of ONNX makes
        b"\xba\x80\x80\x80\x10\x02ab",  # the number of a field that some readers cut to another
    ],
)
def test_what_is_no_model(content: bytes) -> None:
    with pytest.raises(BundleError, match="it is no ONNX model, or cut off"):
        check_graph(content)


def test_the_other_format_of_onnx_runtime_is_not_opened(bundle: Bundle, tmp_path: Path) -> None:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(bundle.content(LAYOUT.graph), options, providers=["CPUExecutionProvider"])
    with pytest.raises(BundleError):
        open_graph((tmp_path / "model.ort").read_bytes(), threads=1)
