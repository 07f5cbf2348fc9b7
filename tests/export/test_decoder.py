"""A causal language model as the encoder: it is trained on, exported, checked and served like an encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from routoo import Router
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.export.layout import LAYOUT
from routoo.export.writer import write_bundle
from routoo.models.encoder import encoder as encoders
from routoo.models.encoder.encoder import load_encoder
from routoo.models.training.options import TrainOptions
from routoo.models.training.train import train_network

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

KINDS = ("llama", "qwen2")
TEXTS = [f"{verb} {at} and {at + 7}" for at in range(20) for verb in ("add", "sort", "translate")]


def _tokenizer() -> Tokenizer:
    """Bytes and a few pairs of them, without special tokens around a text: as decoders have it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


@pytest.fixture(scope="module", params=KINDS)
def decoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a decoder of two layers and fresh weights in bfloat16, and its output layer."""
    from transformers import AutoConfig, AutoModelForCausalLM

    folder: Path = tmp_path_factory.mktemp("decoder") / request.param
    tokenizer = _tokenizer()
    config = AutoConfig.for_model(
        request.param,
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    model.to(torch.bfloat16).save_pretrained(folder)  # type: ignore[arg-type]  # transformers' own stub
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _outcomes() -> Outcomes:
    rng = np.random.default_rng(0)
    prompts = pl.DataFrame({"prompt_id": [f"p{at}" for at in range(len(TEXTS))], "prompt": TEXTS})
    rows = [
        {"prompt_id": f"p{at}", "model": model, "score": float(rng.random() < skill), "output_tokens": 20}
        for at, text in enumerate(TEXTS)
        for model, skill in (("small", 0.9 if text.startswith("add") else 0.3), ("large", 0.8))
    ]
    return Outcomes(prompts, pl.DataFrame(rows), "sums").with_split(val=0.2, test=0.2)


def test_from_a_folder_to_a_choice(decoder: Path, pool: Pool, tmp_path: Path) -> None:
    two = Pool(tuple(model for model in pool.models if model.name != "medium"))
    options = TrainOptions(
        encoder=str(decoder), members=2, width=8, epochs=3, progress=False, cache_dir=None, accelerator="cpu"
    )
    trained = train_network(_outcomes(), two, options)
    assert trained.network.encoder.dtype == torch.float32
    report = write_bundle(trained, tmp_path / "bundle", sample_prompts=TEXTS)
    assert max(report.fp32.p_max, report.fp32.padded_p_max) < 1e-5
    assert report.int8 is not None
    assert report.int8.p_mean < 0.02
    graph = onnx.load(tmp_path / "bundle" / LAYOUT.int8_graph).graph
    in_float = [tuple(kept.dims) for kept in graph.initializer if kept.data_type == onnx.TensorProto.FLOAT]
    assert in_float.count((64, 32)) == 2  # what narrows the feed-forward part of the first two layers

    router = Router.from_pretrained(tmp_path / "bundle")
    alone = np.concatenate([router.predict([text]).p_correct for text in TEXTS[:9]])
    np.testing.assert_allclose(router.predict(TEXTS[:9]).p_correct, alone, atol=0.02)  # padding tells nothing
    assert router.select(TEXTS[0], price=0.0).model in two.names


def test_loading_is_silent_about_the_output_layer(decoder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    encoder = load_encoder(str(decoder))
    assert (encoder.n_layers, encoder.width, encoder.model.config.use_cache) == (2, 32, False)
    assert capfd.readouterr() == ("", "")


def test_weights_that_are_absent_are_named(decoder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((decoder / name).read_bytes())
    weights = load_file(decoder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks layers\.1\.mlp\.up_proj\.weight$"):
        load_encoder(str(tmp_path))


def test_one_that_no_graph_can_hold_is_refused(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "_MOST_BYTES", 1000)
    with pytest.raises(InputError, match="an ONNX file holds"):
        load_encoder(str(decoder))


def test_an_encoder_with_a_decoder_is_refused(decoder: Path, tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=50, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((decoder / "tokenizer.json").read_bytes())
    assert json.loads((tmp_path / "config.json").read_text())["is_encoder_decoder"]
    with pytest.raises(InputError, match="has a decoder too"):
        load_encoder(str(tmp_path))
