from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from routoo.data.errors import BundleError, InputError
from routoo.export.bundle import LAYOUT, Bundle, write_files
from routoo.export.parity import ParityReport, Tolerance
from routoo.export.writer import read_trained, torch_graph, write_bundle

if TYPE_CHECKING:
    from routoo.models.training import TrainedNetwork


def test_a_bundle_is_written_whole(written: tuple[Bundle, ParityReport], trained: TrainedNetwork) -> None:
    bundle, report = written
    assert {path.name for path in bundle.folder.iterdir()} == set(LAYOUT.names)
    assert bundle.description.pool == trained.pool
    assert bundle.description.policy == trained.encoder.policy
    assert bundle.description.input_token_ratio == pytest.approx((1, 1.1, 1.3))
    assert bundle.description.output_tokens_known
    assert not bundle.description.latency_known
    assert bundle.description.calibration["slope"] == pytest.approx([1.5, 1.0, 0.7])
    assert bundle.metrics()["val_brier"] == 0.2
    assert bundle.metrics()["parity"] == json.loads(json.dumps(report.to_dict()))


def test_the_report_is_of_several_lengths(written: tuple[Bundle, ParityReport]) -> None:
    report = written[1]
    assert report.prompts == 8 + 3
    assert report.lengths == (4, 48)
    assert report.fp32.p_max <= 1e-4
    assert report.int8 is not None
    assert 0 < report.int8.p_mean < report.int8.p_max < 0.02
    assert report.fp32.usage_max is not None


def test_the_card_has_front_matter_and_the_pool(bundle: Bundle) -> None:
    card = bundle.path(LAYOUT.card).read_text()
    front, body = card.split("---\n")[1:3]
    assert "library_name: routoo\n" in front
    assert "base_model" not in front
    assert "| medium | 1 | 2 |" in body
    assert "- data: made up" in body
    assert "| int8 |" in body


def test_the_network_comes_back(bundle: Bundle, trained: TrainedNetwork) -> None:
    back = read_trained(bundle)
    for name, value in trained.network.state_dict().items():
        assert torch.equal(back.network.state_dict()[name], value), name
    encoded = back.encoder.encode(["Why is the sky blue?"])
    np.testing.assert_array_equal(
        torch_graph(back.network)(*encoded.batch([0]))[0],
        torch_graph(trained.network)(*encoded.batch([0]))[0],
    )
    assert back.trained_on == trained.trained_on
    assert back.metrics == trained.metrics
    assert back.input_token_ratio.tolist() == trained.input_token_ratio.tolist()


def test_a_network_that_came_back_is_exported_the_same(bundle: Bundle, tmp_path: Path) -> None:
    write_bundle(read_trained(bundle), tmp_path / "again", sample_prompts=["Why?"], int8=False)
    again = Bundle.read(tmp_path / "again")
    for name in (LAYOUT.graph, LAYOUT.weights, LAYOUT.tokenizer):
        assert again.files[name] == bundle.files[name], name
    assert not again.has_int8


def test_weights_of_another_network_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    contents = {name: bundle.path(name).read_bytes() for name in bundle.files}
    for weights in (b"", b"no weights at all, but long enough to have a header"):
        other = write_files(tmp_path / "other", bundle.description, contents | {LAYOUT.weights: weights})
        with pytest.raises(BundleError, match=r"model\.safetensors is not of the network in router\.json"):
            read_trained(other)


def test_beyond_the_tolerance_nothing_is_written(trained: TrainedNetwork, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"int8 p_correct is off by .*int8=False leaves int8 out"):
        write_bundle(
            trained, tmp_path / "bundle", sample_prompts=["Why?"], tolerance=Tolerance(int8_max=1e-9)
        )
    assert not (tmp_path / "bundle").exists()


def test_parity_needs_prompts(trained: TrainedNetwork, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sample prompts"):
        write_bundle(trained, tmp_path / "bundle", sample_prompts=[], int8=False)
