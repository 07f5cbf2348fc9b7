"""A tiny encoder, and three prompts as it reads them."""

import pytest

from routoo.data.text import EncodedPrompts, PromptTokenizer, TextPolicy
from routoo.models.encoder.encoder import Encoder, load_encoder

TEXTS = ("one two three", "a much longer prompt with many more words in it", "four")


@pytest.fixture
def texts() -> list[str]:
    """Three prompts of different lengths."""
    return list(TEXTS)


@pytest.fixture
def encoder() -> Encoder:
    """A tiny encoder of fresh weights."""
    return load_encoder("tiny", texts=TEXTS)


@pytest.fixture
def encoded(encoder: Encoder) -> EncodedPrompts:
    """The prompts as its tokenizer encodes them."""
    return PromptTokenizer(encoder.tokenizer, TextPolicy(32)).encode(TEXTS)
