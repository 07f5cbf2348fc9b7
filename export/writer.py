"""A trained network to a bundle, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import torch as tensors

from routoo.data.errors import BundleError
from routoo.data.storage.foreign import library_errors
from routoo.data.text import EncodedPrompts
from routoo.export.bundle import Bundle, write_files
from routoo.export.card import model_card
from routoo.export.description import BundleDescription
from routoo.export.layout import LAYOUT
from routoo.export.manifest import to_json
from routoo.export.older_formats import newer_weights
from routoo.export.onnx import to_int8, to_onnx
from routoo.export.parity import Matrix, ParityReport, Tolerance, compare
from routoo.export.runtime import read_tokenizer
from routoo.export.session import Graph, Ids, Outputs, open_graph

if TYPE_CHECKING:
    from routoo.models.network.network import RouterNetwork
    from routoo.models.training.trained_network import TrainedNetwork

_MAX_SAMPLE = 64
_GENERAL_PROMPTS = (
    "What is the capital of Australia?",
    "Prove that the square root of two is irrational.",
    "Write a Python function that merges two sorted lists in linear time, with type hints and a doctest.",
    "A train leaves at 14:05 and arrives at 17:50. It covers 300 km. What is its mean speed in km/h?",
    "Übersetze ins Englische: Der frühe Vogel fängt den Wurm.",
    "Which of these is a noble gas? (A) nitrogen (B) argon (C) chlorine (D) hydrogen. Answer with a letter.",
    "Summarise the causes of the French Revolution for a reader of twelve, in five short sentences.",
    "hi",
)


def write_bundle(
    trained: TrainedNetwork,
    folder: str | Path,
    *,
    sample_prompts: Sequence[str] = (),
    int8: bool = True,
    tolerance: Tolerance | None = None,
    threads: int = 1,
) -> ParityReport:
    """How near the graphs of the bundle that was written are to the network.

    Args:
        trained: What was trained.
        folder: Where to write, in one step; a bundle that was there is replaced.
        sample_prompts: Prompts like those to be routed, validation's say, of which the first 64 are compared;
            a few general ones when none are given. The bundle does not keep them.
        int8: Whether to write the graph with the encoder in int8 too.
        tolerance: How far the graphs may be from the network.
        threads: Threads to compare with.

    Raises:
        InputError: The folder holds files that are no bundle's.
        BundleError: A graph is beyond the tolerance, or the disk is full; what was there before stands.
    """
    encoded = _sample(trained, sample_prompts)
    model = to_onnx(trained.network)
    contents = {LAYOUT.graph: model.SerializeToString(deterministic=True)}
    if int8:
        contents[LAYOUT.int8_graph] = to_int8(model).SerializeToString(deterministic=True)
    description = describe(trained)
    report = _parity(trained, contents, encoded, tolerance=tolerance, threads=threads)
    report.check()
    write_files(folder, description, contents | _common(trained, description, report))
    return report


def write_trained(trained: TrainedNetwork, folder: str | Path, *, sample_prompts: Sequence[str] = ()) -> None:
    """Writes a bundle without graphs: what `read_trained` reads back, to train on or to export later.

    Args:
        trained: What was trained.
        folder: Where to write, in one step; a bundle that was there is replaced.
        sample_prompts: Kept for the export, see `write_bundle`.

    Raises:
        InputError: The folder holds files that are no bundle's.
        BundleError: The disk is full; what was there before stands.
    """
    description = describe(trained)
    contents = _common(trained, description, None)
    if sample_prompts:
        contents[LAYOUT.sample] = to_json({"prompts": list(sample_prompts)})
    write_files(folder, description, contents)


def _common(
    trained: TrainedNetwork, description: BundleDescription, report: ParityReport | None
) -> dict[str, bytes]:
    """The files that every bundle has."""
    parity = {} if report is None else {"parity": report.to_dict()}
    return {
        LAYOUT.tokenizer: trained.tokenizer.backend.to_str(pretty=True).encode(),
        LAYOUT.weights: _weights(trained.network),
        LAYOUT.metrics: to_json({**trained.metrics, **parity}),
        LAYOUT.card: model_card(description, report).encode(),
        **({LAYOUT.split: to_json(trained.split.to_dict())} if trained.split.parts else {}),
    }


def describe(trained: TrainedNetwork) -> BundleDescription:
    """What a bundle of this network says of itself."""
    network = trained.network
    output_tokens_known, latency_known = network.predicts_usage
    return BundleDescription(
        pool=trained.pool,
        policy=trained.tokenizer.policy,
        input_token_ratio=tuple(trained.input_token_ratio.tolist()),
        output_tokens_known=output_tokens_known,
        latency_known=latency_known,
        domains=trained.domains,
        attributes=trained.attributes,
        unrecorded=trained.unrecorded,
        network=network.config.to_dict(),
        trained_on=trained.trained_on,
        validation=trained.validation,
        answer_model=trained.answer_model,
    )


def read_trained(bundle: Bundle) -> TrainedNetwork:
    """The trained network that a bundle was written from, to train on or to export again.

    Raises:
        BundleError: The weights do not fit the network that the bundle describes, or it is of an older kind.
    """
    from routoo.models.network.network import NetworkConfig, RouterNetwork
    from routoo.models.training.trained_network import TrainedNetwork

    description = bundle.description
    if "evidence" not in description.network:
        raise BundleError(
            f"{bundle.folder}: its network is of an older or another kind, which is served but not changed: "
            "train it again"
        )
    words = f"{bundle.folder}: {LAYOUT.weights} is not of the network in {LAYOUT.router}"
    with library_errors(BundleError, words):
        network = RouterNetwork.from_config(NetworkConfig.from_dict(dict(description.network))).eval()
        weights = tensors.load(bundle.content(LAYOUT.weights))
        network.load_state_dict(newer_weights(weights))
        with torch.inference_mode():  # what cannot be computed is found here, and not with the first prompt
            network(torch.zeros((1, 2), dtype=torch.int64), torch.ones((1, 2), dtype=torch.int64))
    metrics = bundle.metrics()
    metrics.pop("parity", None)
    return TrainedNetwork(
        network,
        read_tokenizer(bundle),
        description.pool,
        np.array(description.input_token_ratio, np.float32),
        dict(description.trained_on),
        metrics,
        description.domains,
        description.attributes,
        bundle.split(),
        description.unrecorded,
        description.validation,
        description.answer_model,
    )


def torch_graph(network: RouterNetwork) -> Graph:
    """The network as a function of arrays, to compare with a graph."""

    def run(ids: Ids, mask: Ids, domain: Ids | None = None, attributes: Ids | None = None) -> Outputs:
        given = (
            None if array is None else torch.from_numpy(array) for array in (ids, mask, domain, attributes)
        )
        with torch.inference_mode():
            return Outputs(*(found.numpy() for found in network(*given)))

    return run


def _sample(trained: TrainedNetwork, prompts: Sequence[str]) -> EncodedPrompts:
    return trained.tokenizer.encode((prompts or _GENERAL_PROMPTS)[:_MAX_SAMPLE])


def _parity(
    trained: TrainedNetwork,
    contents: dict[str, bytes],
    encoded: EncodedPrompts,
    *,
    tolerance: Tolerance | None,
    threads: int,
) -> ParityReport:
    def cost_of(input_tokens: Matrix, output_tokens: Matrix) -> Matrix:
        return trained.pool.cost_usd(input_tokens * trained.input_token_ratio, output_tokens)

    int8 = contents.get(LAYOUT.int8_graph)
    return compare(
        torch_graph(trained.network.eval()),
        open_graph(contents[LAYOUT.graph], threads=threads),
        None if int8 is None else open_graph(int8, threads=threads),
        encoded=encoded,
        cost_of=cost_of,
        n_domains=trained.network.config.heads.n_domains,
        attributes=trained.network.config.heads.attributes,
        max_tokens=trained.tokenizer.policy.max_tokens,
        tolerance=tolerance,
    )


def _weights(network: RouterNetwork) -> bytes:
    state: dict[str, Any] = network.state_dict()  # tensors, which torch does not say
    return tensors.save({name: value.detach().cpu().contiguous().clone() for name, value in state.items()})
