"""Sessions of ONNX Runtime, with the number of threads always said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from routoo.data.errors import BundleError
from routoo.export import older_formats
from routoo.export.graph_check import check_graph
from routoo.export.layout import ATTRIBUTES_INPUT, GRAPH_INPUTS, GRAPH_OUTPUTS

Ids = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float32]


class Outputs(NamedTuple):
    """The outputs of a graph, each ``(n_prompts, n_models)``, as `GRAPH_OUTPUTS` names them."""

    p_correct: Matrix
    logit_std: Matrix
    output_tokens: Matrix
    latency_s: Matrix

    @classmethod
    def join(cls, parts: Sequence[Outputs]) -> Outputs:
        """The outputs of several batches, one after the other."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def rows(self, index: npt.NDArray[np.intp]) -> Outputs:
        """The outputs for these prompts."""
        return Outputs(*(column[index] for column in self))


class Graph(Protocol):
    """What a graph computes."""

    def __call__(
        self, ids: Ids, mask: Ids, domain: Ids | None = None, attributes: Ids | None = None
    ) -> Outputs:
        """The outputs for ids and mask ``(n_prompts, length)``, domain ``(n_prompts,)``, and attributes."""
        ...


_ERRORS_ONLY = 3
_LARGEST = float(np.finfo(np.float32).max)
_MOST = {"p_correct": 1.0, "logit_std": _LARGEST, "output_tokens": _LARGEST, "latency_s": np.inf}


def open_graph(model: bytes, *, threads: int) -> Graph:
    """The function that a graph computes.

    Args:
        model: The graph, as ONNX writes it.
        threads: Threads that one call may use. ONNX Runtime on its own would take every core of the host.

    Raises:
        BundleError: It is no graph that ONNX Runtime can run, or not one of ours, or it reads other files.
    """
    check_graph(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # A thread that spins while it waits takes the core from the service that asks: twice the time when busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")  # the one that was checked
    try:
        session = ort.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=False,  # which prints, and tries the same again
            disabled_optimizers=["SkipLayerNormFusion"],  # the fused kernel is slower: 11 % of an int8 MiniLM
        )
    except Exception as error:  # the errors of ONNX Runtime have no root of their own
        raise BundleError(f"ONNX Runtime cannot load the graph: {error}") from error
    inputs = {value.name: value for value in session.get_inputs()}
    names = {*inputs, *(value.name for value in session.get_outputs())}
    if missing := {*GRAPH_INPUTS, *GRAPH_OUTPUTS} - names:
        raise BundleError(f"the graph lacks {', '.join(sorted(missing))}")

    further = next(
        (name for name in (ATTRIBUTES_INPUT, older_formats.ATTRIBUTES_INPUT) if name in inputs), None
    )
    n_attributes = 0 if further is None else inputs[further].shape[1]

    def run(ids: Ids, mask: Ids, domain: Ids | None = None, attributes: Ids | None = None) -> Outputs:
        unknown = np.full((len(ids), 1 + n_attributes), -1, np.int64)
        given = dict(zip(GRAPH_INPUTS, (ids, mask, unknown[:, 0] if domain is None else domain), strict=True))
        if further is not None:
            given[further] = unknown[:, 1:] if attributes is None else attributes
        try:
            found = Outputs(*session.run(GRAPH_OUTPUTS, given))
        except Exception as error:  # the errors of ONNX Runtime have no root of their own
            raise BundleError(f"the graph cannot read what the tokenizer makes: {error}") from error
        _check_outputs(found, len(ids))
        return found

    return run


def _check_outputs(found: Outputs, n_prompts: int) -> None:
    """Refuses what no graph of ours says: other shapes, numbers out of range; NaN is what nobody knows."""
    shape = (n_prompts, *np.shape(found.p_correct)[1:2])
    for name, output in found._asdict().items():
        if getattr(output, "dtype", None) != np.float32 or output.shape != shape or len(shape) != 2:
            raise BundleError(f"the graph gives {name} in another form than a number a prompt and model")
        least, most = (
            np.fmin.reduce(output, axis=None),
            np.fmax.reduce(output, axis=None),
        )  # NaN where all are
        if least < 0 or most > _MOST[name] or (name == "p_correct" and np.isnan(output).any()):
            raise BundleError(f"the graph gives {name} out of range: from {least:g} to {most:g}")
