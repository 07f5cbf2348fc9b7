from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from routoo.export.bundle import Bundle
from routoo.export.layout import LAYOUT
from routoo.export.onnx import to_int8, to_onnx
from routoo.export.session import open_graph
from routoo.export.writer import torch_graph

if TYPE_CHECKING:
    from routoo.models.training.trained_network import TrainedNetwork

SHAPES = [(1, 2), (1, 48), (2, 12), (5, 7), (16, 33)]


@pytest.fixture
def model(bundle: Bundle) -> onnx.ModelProto:
    return onnx.load(bundle.folder / LAYOUT.graph)


@pytest.fixture
def int8_model(bundle: Bundle) -> onnx.ModelProto:
    return onnx.load(bundle.folder / LAYOUT.int8_graph)


def inputs(n_prompts: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and a mask of rows of unlike length."""
    generator = np.random.default_rng(n_prompts)
    ids = generator.integers(4, 100, (n_prompts, length))
    mask = (np.arange(length) < generator.integers(2, length + 1, (n_prompts, 1))).astype(np.int64)
    return ids * mask, mask


@pytest.mark.parametrize("shape", SHAPES)
def test_float32_is_the_network(
    trained: TrainedNetwork, model: onnx.ModelProto, shape: tuple[int, int]
) -> None:
    ids, mask = inputs(*shape)
    expected = torch_graph(trained.network)(ids, mask)
    found = open_graph(model.SerializeToString(), threads=1)(ids, mask)
    np.testing.assert_allclose(found.p_correct, expected.p_correct, atol=1e-5)
    np.testing.assert_allclose(found.logit_std, expected.logit_std, atol=1e-5)
    np.testing.assert_allclose(found.output_tokens, expected.output_tokens, rtol=1e-4)
    assert np.isnan(found.latency_s).all()
    assert found.p_correct.shape == (shape[0], 3)


def test_a_known_domain_counts(trained: TrainedNetwork, model: onnx.ModelProto) -> None:
    ids, mask = inputs(4, 9)
    graph, network = open_graph(model.SerializeToString(), threads=1), torch_graph(trained.network)
    observed = np.array([0, 1, -1, 0])
    np.testing.assert_allclose(
        graph(ids, mask, observed).p_correct, network(ids, mask, observed).p_correct, atol=1e-5
    )
    inferred, known = graph(ids, mask).p_correct, graph(ids, mask, observed).p_correct
    np.testing.assert_array_equal(inferred[2], known[2])
    assert (np.abs(inferred - known).max(1)[[0, 1, 3]] > 1e-4).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_int8_is_near(trained: TrainedNetwork, int8_model: onnx.ModelProto, shape: tuple[int, int]) -> None:
    ids, mask = inputs(*shape)
    expected = torch_graph(trained.network)(ids, mask).p_correct
    found = open_graph(int8_model.SerializeToString(), threads=1)(ids, mask).p_correct
    off = np.abs(found - expected)
    assert 0 < off.max() < 0.02


def test_the_encoder_is_quantised_and_the_heads_are_not(
    model: onnx.ModelProto, int8_model: onnx.ModelProto
) -> None:
    quantised = {node.name for node in int8_model.graph.node if node.op_type == "MatMulInteger"}
    assert len(quantised) == 10  # two layers: query, key, value, output, and what widens the feed-forward
    assert all(name.startswith("encoder/") for name in quantised)
    kept = [node for node in int8_model.graph.node if node.name.startswith("heads/")]
    before = [node for node in model.graph.node if node.name.startswith("heads/")]
    assert sorted(node.op_type for node in kept) == sorted(node.op_type for node in before)
    assert int8_model.ByteSize() < model.ByteSize() / 2


def test_quantising_leaves_the_float32_graph_alone(model: onnx.ModelProto) -> None:
    before = model.SerializeToString(deterministic=True)
    to_int8(model)
    assert model.SerializeToString(deterministic=True) == before


def test_the_graph_says_nothing_of_the_machine(model: onnx.ModelProto, int8_model: onnx.ModelProto) -> None:
    for proto in (model, int8_model):
        content = proto.SerializeToString()
        assert b"stack_trace" not in content
        assert b"site-packages" not in content
        assert __file__.encode() not in content


def test_both_axes_are_free(model: onnx.ModelProto) -> None:
    axes = [[dim.dim_param for dim in value.type.tensor_type.shape.dim] for value in model.graph.input]
    assert axes == [["n_prompts", "length"], ["n_prompts", "length"], ["n_prompts"]]


def test_the_network_is_left_as_it_was(trained: TrainedNetwork) -> None:
    network = trained.network
    attention = network.encoder.config._attn_implementation
    state = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    to_onnx(network)
    assert network.training
    network.eval()
    assert network.encoder.config._attn_implementation == attention
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name])


def test_an_encoder_of_another_kind() -> None:
    """ModernBERT: rotary positions, and attention that is global in one layer and local in the other."""
    from transformers import ModernBertConfig, ModernBertModel

    from routoo.models.evidence.evidence import EvidenceConfig
    from routoo.models.network.heads import HeadConfig
    from routoo.models.network.network import NetworkConfig, RouterNetwork

    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=64, local_attention=8,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
    )  # fmt: skip
    heads = HeadConfig(n_features=32 * 2 + 1, n_models=3, width=8)
    known = EvidenceConfig(n_features=65, skipped=32, n_centres=4, n_heads=3, inferred=(), n_models=3)
    network = RouterNetwork(ModernBertModel(config), NetworkConfig({}, (1, 2), heads, known)).eval()
    evidence = network.fitted
    evidence.basis.copy_(torch.eye(len(evidence.basis)))
    evidence.weight.normal_(std=0.2)
    evidence.level.fill_(0.5)
    model = to_onnx(network)
    graphs = [open_graph(m.SerializeToString(), threads=1) for m in (model, to_int8(model))]
    for shape in SHAPES:
        expected = torch_graph(network)(*inputs(*shape)).p_correct
        np.testing.assert_allclose(graphs[0](*inputs(*shape)).p_correct, expected, atol=1e-5)
        np.testing.assert_allclose(graphs[1](*inputs(*shape)).p_correct, expected, atol=0.02)


def test_heads_that_were_never_recorded_are_nan(
    make_trained: Callable[[bool, bool], TrainedNetwork],
) -> None:
    made = make_trained(False, False)
    found = open_graph(to_onnx(made.network).SerializeToString(), threads=1)(*inputs(3, 9))
    assert np.isfinite(found.p_correct).all()
    assert (found.logit_std > 0).all()
    assert np.isnan(found.output_tokens).all()
    assert np.isnan(found.latency_s).all()
