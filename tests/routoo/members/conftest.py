"""A tiny causal language model with fresh weights, and pool models that call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routoo.data.call import Call
from routoo.data.pool import PoolModel

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WINDOW = 256
MakeModel = Callable[..., PoolModel]


def tiny_language_model(folder: Path, kind: str = "llama", **config: Any) -> Path:
    """A folder with a decoder of two layers and fresh weights that says a few of its tokens end a text."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from tokenizers.decoders import ByteLevel
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    texts = [f"{verb} {at} and {at + 7}" for at in range(20) for verb in ("add", "sort", "translate")]
    special = ["<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*texts, "A\n A", "B\n B", "C\n C"], trainer)
    fast: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    shape = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": WINDOW,
        "initializer_range": 0.5,
        "bos_token_id": None,
        "eos_token_id": 1,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(shape | config)))  # type: ignore[no-untyped-call]
    model.generation_config.eos_token_id = [1, *range(10, 30)]
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def language_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language_model(tmp_path_factory.mktemp("language") / "tiny")


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes such a folder of another kind of decoder."""
    return lambda kind, **config: tiny_language_model(tmp_path / kind, kind, **config)


@pytest.fixture
def make_model(language_folder: Path) -> MakeModel:
    """A pool model that calls the tiny one, or another, as the arguments of its call say."""

    def make(**call: Any) -> PoolModel:
        given: dict[str, Any] = {
            "kind": "local",
            "model": str(language_folder),
            "dtype": "float32",
            "max_tokens": 12,
        }
        return PoolModel(name="tiny", usd_per_1m_input=1, usd_per_1m_output=2, call=Call(**(given | call)))

    return make
