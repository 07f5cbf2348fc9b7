"""What a graph would read beside itself: nothing, or it is refused before ONNX Runtime sees it.

Tensors of an ONNX model may lie in other files, which no hash covers, anywhere on the disk. The model is a
protobuf message; this walks from it to every tensor, through graphs, nodes, attributes and functions, and
knows no more of the format than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from routoo.data.errors import BundleError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_TAG = 2**32 - 1

_TENSOR: Final = "TensorProto"
_LOCATED = (13, 14)
"""Fields of a tensor that say where else its data are: `external_data` and `data_location`."""

_FIELDS: Final[Mapping[str, Mapping[int, str]]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: _TENSOR, 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: _TENSOR,
        6: "GraphProto",
        10: _TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: _TENSOR, 2: _TENSOR},
}
"""By message, the fields through which a tensor can be reached, as `onnx.proto` numbers them."""


def check_graph(model: bytes) -> None:
    """Refuses a graph that reads other files.

    Raises:
        BundleError: One of its tensors lies elsewhere, or it is no graph.
    """
    found: list[tuple[str, int, int]] = [("ModelProto", 0, len(model))]
    try:
        while found:
            kind, start, stop = found.pop()
            below = _FIELDS.get(kind, {})
            for field, wire, first, last in _fields(model, start, stop):
                if kind == _TENSOR and field in _LOCATED and (wire == _BYTES or model[first:last] != b"\0"):
                    raise BundleError("the graph has weights in another file, which it may not read")
                if wire == _BYTES and field in below:
                    found.append((below[field], first, last))
    except IndexError:
        raise BundleError("the graph cannot be read: it is no ONNX model, or cut off") from None


def _fields(model: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, start and end of each field of a message; IndexError where it is none."""
    while start < stop:
        tag, start = _varint(model, start)
        if tag > _MOST_TAG:  # readers differ in what they make of such a one
            raise IndexError
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, end = _varint(model, start)
        elif wire == _BYTES:
            length, start = _varint(model, start)
            end = start + length
        elif wire in (_FIXED32, _FIXED64):
            end = start + (4 if wire == _FIXED32 else 8)
        else:
            raise IndexError
        if end > stop:
            raise IndexError
        yield field, wire, start, end
        start = end


def _varint(model: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number = shift = 0
    while True:
        byte = model[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise IndexError
