"""A tiny trained network, the bundle made of it, and a bundle of files that only look like one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from routoo.data.pool import Pool, PoolModel
from routoo.data.splits import Split, fingerprint
from routoo.data.text import PromptTokenizer, TextPolicy
from routoo.export.bundle import Bundle, write_files
from routoo.export.description import BundleDescription
from routoo.export.layout import LAYOUT

if TYPE_CHECKING:
    from routoo.export.parity import ParityReport
    from routoo.models.training.trained_network import TrainedNetwork

MAX_TOKENS = 48
PROMPTS = [
    "What is the capital of Australia?",
    "Prove that the square root of two is irrational, and say where the proof uses that two is prime.",
    "Translate into French: good morning.",
    "2 + 2?",
    "Write a haiku about a slow train in the rain, then explain each line of it in plain words.",
    "Which planet is the largest?",
    "Summarise the plot of Hamlet in three sentences, without naming any of the characters in it at all.",
    "Why is the sky blue?",
]


@pytest.fixture(scope="session", autouse=True)
def _no_network_is_traced_twice(traced_once: None) -> None: ...


@pytest.fixture(scope="session")
def pool() -> Pool:
    """Three models; only `medium` has a listed speed."""
    return Pool(
        (
            PoolModel(name="small", usd_per_1m_input=0.1, usd_per_1m_output=0.2),
            PoolModel(
                name="medium",
                usd_per_1m_input=1,
                usd_per_1m_output=2,
                time_to_first_token_s=0.5,
                tokens_per_second=100,
            ),
            PoolModel(name="large", usd_per_1m_input=10, usd_per_1m_output=30),
        )
    )


def _make_trained(pool: Pool, *, output_tokens: bool, latency: bool) -> TrainedNetwork:
    """A tiny network of random weights whose predictions differ from prompt to prompt."""
    import torch

    from routoo.models.encoder.encoder import encoder_config, load_encoder
    from routoo.models.encoder.features import default_layers
    from routoo.models.evidence.evidence import Evidence, EvidenceConfig
    from routoo.models.network.heads import HeadConfig
    from routoo.models.network.network import NetworkConfig, RouterNetwork
    from routoo.models.training.trained_network import TrainedNetwork

    encoder = load_encoder("tiny", texts=PROMPTS)
    layers = default_layers(encoder.n_layers)
    heads = HeadConfig(
        n_features=encoder.width * len(layers) + 1,
        n_models=len(pool),
        n_domains=2,
        width=16,
        members=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = RouterNetwork(encoder.model, NetworkConfig(encoder_config(encoder), layers, heads))
        network.heads.level.data.normal_()
        network.heads.score.weight.data.normal_(std=0.1)
        evidence = Evidence(
            EvidenceConfig(
                n_features=heads.n_features,
                skipped=encoder.width,
                n_centres=5,
                n_heads=len(pool),
                inferred=heads.inferred,
                n_models=len(pool),
                output_tokens=output_tokens,
                latency=latency,
            )
        )
        evidence.basis.copy_(torch.eye(len(evidence.basis)))
        evidence.level.copy_(torch.tensor([0.4, 0.5, 0.6]))
        evidence.spread.fill_(0.01)
        evidence.unlike.fill_(0.02)
        evidence.kernel.centres.normal_(std=0.1)
        evidence.kernel.root.add_(0.1 * torch.randn_like(evidence.kernel.root))
        for weight in (evidence.weight, evidence.table, evidence.tokens, evidence.latency):
            weight.normal_(std=0.1)
        evidence.tokens[-1] += 4.0
    return TrainedNetwork(
        network.attach(evidence),
        PromptTokenizer(encoder.tokenizer, TextPolicy(MAX_TOKENS)),
        pool,
        np.array([1.0, 1.1, 1.3], np.float32),
        {"data": "made up", "encoder": "tiny", "seed": 1, "domains": ["a", "b"]},
        {"val_brier": 0.2},
        split=Split(2, {fingerprint(PROMPTS[0]): "train", fingerprint(PROMPTS[1]): "test"}),
    )


@pytest.fixture(scope="session")
def trained(pool: Pool) -> TrainedNetwork:
    return _make_trained(pool, output_tokens=True, latency=False)


@pytest.fixture(scope="session")
def make_trained(pool: Pool) -> Callable[[bool, bool], TrainedNetwork]:
    """Makes a tiny network that was told output tokens, latency, or not."""
    return lambda output_tokens, latency: _make_trained(pool, output_tokens=output_tokens, latency=latency)


@pytest.fixture(scope="session")
def written(trained: TrainedNetwork, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, ParityReport]:
    """The bundle of `trained`, with the report of its writing."""
    from routoo.export.writer import write_bundle

    folder = tmp_path_factory.mktemp("written") / "bundle"
    report = write_bundle(trained, folder, sample_prompts=PROMPTS)
    return Bundle.read(folder), report


@pytest.fixture
def bundle(written: tuple[Bundle, ParityReport]) -> Bundle:
    return written[0]


@pytest.fixture(scope="session")
def _hollow(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hollow") / "bundle"
    contents = {name: f"content of {name}".encode() for name in (*LAYOUT.required, *LAYOUT.optional)}
    contents[LAYOUT.metrics] = b'{"val_brier": 0.2}'
    write_files(folder, BundleDescription(pool, TextPolicy(), (1, 1, 1)), contents)
    return folder


@pytest.fixture
def hollow(_hollow: Path, tmp_path: Path) -> Path:
    """A folder with every file of a bundle, to be broken at will: reading it looks at hashes alone."""
    return Path(shutil.copytree(_hollow, tmp_path / "bundle"))
