from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from routoo.data.errors import BundleError
from routoo.export import writer
from routoo.export.bundle import Bundle, write_files
from routoo.export.card import model_card
from routoo.export.layout import LAYOUT
from routoo.export.parity import ParityReport, Tolerance
from routoo.export.runtime import Runtime
from routoo.export.writer import describe, read_trained, torch_graph, write_bundle, write_trained
from routoo.predictor import Predictor
from routoo.router import Router
from tests.export.test_older_formats import written_in

if TYPE_CHECKING:
    from routoo.models.training.trained_network import TrainedNetwork


@pytest.fixture
def _traced_before(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares a test the tracing of `trained`, whose graph `bundle` already holds."""
    monkeypatch.setattr(writer, "to_onnx", lambda network: onnx.load(bundle.folder / LAYOUT.graph))


def test_a_bundle_is_written_whole(written: tuple[Bundle, ParityReport], trained: TrainedNetwork) -> None:
    bundle, report = written
    assert {path.name for path in bundle.folder.iterdir()} == set(LAYOUT.names) - {LAYOUT.sample}
    assert bundle.description.pool == trained.pool
    assert bundle.description.policy == trained.tokenizer.policy
    assert bundle.description.input_token_ratio == pytest.approx((1, 1.1, 1.3))
    assert bundle.description.output_tokens_known
    assert not bundle.description.latency_known
    assert bundle.metrics()["val_brier"] == 0.2
    assert (bundle.split().seed, bundle.split().parts) == (2, trained.split.parts)
    assert bundle.metrics()["parity"] == json.loads(json.dumps(report.to_dict()))


def test_the_report_is_of_several_lengths(written: tuple[Bundle, ParityReport]) -> None:
    report = written[1]
    assert report.prompts == 8 + 3
    assert report.lengths == (4, 48)
    assert report.fp32.p_max <= 1e-4
    assert report.int8 is not None
    assert 0 < report.int8.p_mean < report.int8.p_max < 0.02
    assert report.fp32.usage_max is not None


def test_evidence_heads_that_were_fitted_are_exported(trained: TrainedNetwork, tmp_path: Path) -> None:
    from routoo.models.evidence.fit import fit_evidence
    from routoo.models.network.predicting import features_of
    from routoo.models.training.targets import Targets

    draw = np.random.default_rng(0)
    network = trained.network
    texts = [" ".join(draw.choice(["sum", "code", "rain", "blue", "prove"], 6)) for _ in range(60)]
    features = features_of(network, trained.tokenizer.encode(texts), np.arange(60))
    domain = np.arange(60) % 2
    score = (draw.random((60, 3)) < np.where(domain, 0.8, 0.3)[:, None]).astype(np.float32)
    targets = Targets(score, np.log(1 + 99 * score), None, domain, ("a", "b"))
    with torch.inference_mode():
        said = network.head_predictions(torch.from_numpy(features))
    layers = len(network.config.layers)
    fitted = fit_evidence(features, said, targets, layers=layers, seed=0)
    made = dataclasses.replace(trained, network=network.attach(fitted.evidence), domains=("a", "b"))
    report = write_bundle(made, tmp_path / "b", sample_prompts=["Why is the sky blue?", "2 + 2?"])
    assert report.fp32.p_max < 1e-5
    assert report.fp32.std_max is not None
    assert report.fp32.std_max < 1e-5
    served = Runtime(Bundle.read(tmp_path / "b"), int8=False)
    inferred, observed = (served.predict(texts[:5], domains=known).p_correct for known in (None, ["b"] * 5))
    ids, mask = made.tokenizer.encode(texts[:5]).batch(np.arange(5))
    for found, number in ((inferred, -1), (observed, 1)):
        expected = torch_graph(made.network)(ids, mask, np.full(5, number)).p_correct
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(observed - inferred).max() > 0.1


def as_before_evidence(bundle: Bundle, folder: Path) -> Bundle:
    """The bundle as the fifth format had it, whose network knew no evidence heads."""
    network = {key: value for key, value in bundle.description.network.items() if key != "evidence"}
    contents = {name: (bundle.folder / name).read_bytes() for name in bundle.files}
    return written_in(5, folder, dataclasses.replace(bundle.description, network=network), contents)


def test_an_older_bundle_is_served_and_no_longer_changed(bundle: Bundle, tmp_path: Path) -> None:
    older = as_before_evidence(bundle, tmp_path / "older")
    assert json.loads((older.folder / LAYOUT.router).read_text())["format_version"] == 5
    texts = ["Why is the sky blue?", "2 + 2?"]
    found, expected = (Router.from_pretrained(each.folder).predict(texts) for each in (older, bundle))
    np.testing.assert_array_equal(found.p_correct, expected.p_correct)
    words = "its network is of an older or another kind, which is served but not changed: train it again"
    with pytest.raises(BundleError, match=words):
        Predictor.from_pretrained(older.folder)


def test_the_card_has_front_matter_and_the_pool(bundle: Bundle) -> None:
    card = (bundle.folder / LAYOUT.card).read_text()
    front, body = card.split("---\n")[1:3]
    assert "library_name: routoo\n" in front
    assert "base_model" not in front
    assert "| medium | 1 | 2 |" in body
    assert "- data: made up" in body
    assert "| int8 |" in body


def test_the_card_of_a_nano_names_what_it_has_of_the_encoder(trained: TrainedNetwork) -> None:
    record = {**trained.trained_on, "encoder": "team/large", "teacher": {"added": [{"model": "small"}]}}
    card = model_card(describe(dataclasses.replace(trained, trained_on=record)), None)
    assert "- encoder: token vectors of team/large alone, distilled from" in card
    assert '- teacher: {"added": [{"model": "small"}]}' in card
    plain = model_card(describe(trained), None)
    assert "- encoder: tiny\n" in plain


def test_the_network_comes_back(bundle: Bundle, trained: TrainedNetwork) -> None:
    back = read_trained(bundle)
    for name, value in trained.network.state_dict().items():
        assert torch.equal(back.network.state_dict()[name], value), name
    encoded = back.tokenizer.encode(["Why is the sky blue?"])
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
        assert again.files[name].record == bundle.files[name].record, name
    assert not again.has_int8


def test_weights_of_another_network_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    contents = {name: (bundle.folder / name).read_bytes() for name in bundle.files}
    for weights in (b"", b"no weights at all, but long enough to have a header"):
        other = write_files(tmp_path / "other", bundle.description, contents | {LAYOUT.weights: weights})
        with pytest.raises(BundleError, match=r"model\.safetensors is not of the network in router\.json"):
            read_trained(other)


@pytest.mark.usefixtures("_traced_before")
def test_beyond_the_tolerance_nothing_is_written(trained: TrainedNetwork, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"int8 p_correct is off by .*int8=False leaves int8 out"):
        write_bundle(
            trained, tmp_path / "bundle", sample_prompts=["Why?"], tolerance=Tolerance(int8_max=1e-9)
        )
    assert not (tmp_path / "bundle").exists()


@pytest.mark.usefixtures("_traced_before")
def test_general_prompts_are_compared_when_none_are_given(trained: TrainedNetwork, tmp_path: Path) -> None:
    report = write_bundle(trained, tmp_path / "bundle", int8=False)
    assert report.prompts == 8 + 3
    assert not (tmp_path / "bundle" / LAYOUT.sample).exists()


def test_a_saved_network_comes_back_with_its_sample(trained: TrainedNetwork, tmp_path: Path) -> None:
    write_trained(trained, tmp_path / "saved", sample_prompts=["Why?", "日本"])
    saved = Bundle.read(tmp_path / "saved")
    assert set(saved.files) == {*LAYOUT.required, LAYOUT.sample, LAYOUT.split}
    assert saved.sample_prompts() == ("Why?", "日本")
    assert read_trained(saved).metrics == trained.metrics
    assert read_trained(saved).split.parts == trained.split.parts
    assert "Exported graphs" not in (saved.folder / LAYOUT.card).read_text()
    with pytest.raises(BundleError, match=r"has no model\.onnx: `routoo export` writes one"):
        Runtime(saved)
    with pytest.raises(BundleError, match="was saved and not exported"):
        saved.push_to_hub("team/router")


def test_an_export_replaces_what_was_saved(bundle: Bundle, trained: TrainedNetwork, tmp_path: Path) -> None:
    write_trained(trained, tmp_path / "saved", sample_prompts=["a secret"])
    contents = {name: (bundle.folder / name).read_bytes() for name in bundle.files}
    write_files(tmp_path / "saved", bundle.description, contents)
    assert Bundle.read(tmp_path / "saved").sample_prompts() == ()
    assert not (tmp_path / "saved" / LAYOUT.sample).exists()


def test_a_sample_that_is_none(trained: TrainedNetwork, tmp_path: Path) -> None:
    write_trained(trained, tmp_path / "saved")
    saved = Bundle.read(tmp_path / "saved")
    assert saved.sample_prompts() == ()
    contents = {name: (saved.folder / name).read_bytes() for name in saved.files}
    broken = write_files(
        tmp_path / "saved", saved.description, contents | {LAYOUT.sample: b'{"prompts": [1]}'}
    )
    with pytest.raises(BundleError, match=r"sample_prompts\.json holds no list of prompts"):
        broken.sample_prompts()
