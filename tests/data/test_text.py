"""Every prompt becomes token ids within the limit: head and tail of a long one, and nothing breaks it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer

from routoo.data.errors import InputError
from routoo.data.text import EncodedPrompts, PromptTokenizer, TextPolicy

WORDS = [f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def _trained() -> Tokenizer:
    """A WordPiece tokenizer with BERT's special tokens, trained on a few words."""
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = WordPieceTrainer(
        vocab_size=200, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 20, trainer)
    special = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    return tokenizer


@pytest.fixture(name="tokenizer")
def _tokenizer() -> PromptTokenizer:
    return PromptTokenizer(_trained(), TextPolicy(max_tokens=16))


def decoded(tokenizer: PromptTokenizer, ids: list[int]) -> list[str | None]:
    return [tokenizer.backend.id_to_token(at) for at in ids]


def test_a_short_prompt_is_read_whole(tokenizer: PromptTokenizer) -> None:
    encoded = tokenizer.encode(["worda wordb"])
    assert decoded(tokenizer, encoded.ids[0]) == ["[CLS]", "worda", "wordb", "[SEP]"]
    assert (encoded.input_tokens.tolist(), encoded.cut.tolist()) == ([2.0], [False])


def test_a_long_prompt_keeps_head_and_tail(tokenizer: PromptTokenizer) -> None:
    encoded = tokenizer.encode([" ".join(WORDS)])
    kept = [*WORDS[:7], *WORDS[-7:]]
    assert decoded(tokenizer, encoded.ids[0]) == ["[CLS]", *kept, "[SEP]"]
    assert (encoded.input_tokens.tolist(), encoded.cut.tolist()) == ([26.0], [True])


def test_a_megabyte_keeps_head_and_tail(tokenizer: PromptTokenizer) -> None:
    prompt = "worda wordb " + "wordm " * 200_000 + "wordy wordz"
    assert len(prompt) > 1 << 20
    encoded = tokenizer.encode([prompt])
    tokens = decoded(tokenizer, encoded.ids[0])
    assert (len(tokens), tokens[1:3], tokens[-3:-1]) == (16, ["worda", "wordb"], ["wordy", "wordz"])
    assert encoded.cut[0]
    assert encoded.input_tokens[0] == pytest.approx(200_004, rel=0.02)


def test_a_megabyte_of_white_space_does_not_crowd_out_the_words(tokenizer: PromptTokenizer) -> None:
    encoded = tokenizer.encode([" \n" * 600_000 + "worda" + "\t" * 600_000])
    assert decoded(tokenizer, encoded.ids[0]) == ["[CLS]", "worda", "[SEP]"]
    assert not encoded.cut[0]


def test_null_bytes_and_lone_surrogates_are_read_as_something(tokenizer: PromptTokenizer) -> None:
    tokens = decoded(tokenizer, tokenizer.encode(["worda\0wordb\ud800"]).ids[0])
    assert tokens == ["[CLS]", "worda", "wordb", "[UNK]", "[SEP]"]


@pytest.mark.parametrize("prompt", ["", "  \n", "\0\0"])
def test_an_empty_prompt_is_refused(tokenizer: PromptTokenizer, prompt: str) -> None:
    with pytest.raises(InputError, match=r"prompts\[1\] is empty"):
        tokenizer.encode(["worda", prompt])


def test_bytes_are_refused(tokenizer: PromptTokenizer) -> None:
    with pytest.raises(InputError, match=r"prompts\[0\] must be text, got bytes; decode bytes as UTF-8"):
        tokenizer.encode([b"worda"])  # type: ignore[list-item]  # what a caller may do


def test_one_prompt_is_read_as_in_a_batch(tokenizer: PromptTokenizer) -> None:
    prompts = ["worda", " ".join(WORDS), "wordc wordd"]
    together = tokenizer.encode(prompts).ids
    assert together == [tokenizer.encode([prompt]).ids[0] for prompt in prompts]


def test_a_batch_is_padded_on_the_right(tokenizer: PromptTokenizer) -> None:
    encoded = tokenizer.encode(["worda", "worda wordb wordc", "worda wordb"])
    ids, mask = encoded.batch([0, 1])
    assert ids.shape == mask.shape == (2, 5)
    assert mask.sum(axis=1).tolist() == [3, 5]
    assert (ids[0, 3:] == tokenizer.backend.token_to_id("[PAD]")).all()


def test_an_empty_batch_is_a_batch(tokenizer: PromptTokenizer) -> None:
    encoded = tokenizer.encode([])
    assert (len(encoded), encoded.batches(8)) == (0, [])


def test_a_tokenizer_without_special_tokens_still_gives_a_token() -> None:
    tokenizer = _trained()
    tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    encoded = PromptTokenizer(tokenizer, TextPolicy(max_tokens=8)).encode(["\u200d", "worda"])
    assert np.all(encoded.lengths > 0)


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(InputError, match="max_tokens must be at least 8, got 4"):
        TextPolicy(max_tokens=4)


@given(
    lengths=st.lists(st.integers(1, 512), min_size=1, max_size=80),
    batch_tokens=st.integers(1, 4096),
)
def test_batches_hold_every_prompt_once_within_bounds(lengths: list[int], batch_tokens: int) -> None:
    encoded = EncodedPrompts(
        [[1] * length for length in lengths],
        np.array(lengths, np.float32),
        np.zeros(len(lengths), np.bool_),
        0,
    )
    batches = encoded.batches(batch_tokens)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        inside = [lengths[row] for row in batch]
        assert len(inside) == 1 or len(inside) * max(inside) <= batch_tokens
        assert min(inside) >= 0.875 * max(inside)
    longest = [max(lengths[row] for row in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
