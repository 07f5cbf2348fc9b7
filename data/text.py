"""Prompts to token ids, the same way in training and in production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.data.storage.foreign import library_errors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MOST_PADDING = 0.125
_CHARS_PER_TOKEN = 24
"""Characters of a prompt that are tokenised at most, for each token of the limit: a bound on the work."""


@dataclass(frozen=True)
class TextPolicy:
    """How much of a prompt is read: its head and its tail, within `max_tokens` with the special tokens.

    Raises:
        InputError: `max_tokens` leaves no room for text.
    """

    max_tokens: int = 256

    def __post_init__(self) -> None:
        if self.max_tokens < 8:
            raise InputError(f"max_tokens must be at least 8, got {self.max_tokens}")


@dataclass(frozen=True, eq=False)
class EncodedPrompts:
    """Token ids of prompts, cut to the policy.

    Args:
        ids: Token ids of each prompt, special tokens included.
        input_tokens: Tokens of each whole prompt, special tokens left out, ``(n_prompts,)``;
            extrapolated by length where a prompt was too long to be tokenised whole.
        cut: Which prompts lost their middle, ``(n_prompts,)`` bool.
        pad_id: What `batch` fills up with.
    """

    ids: list[list[int]]
    input_tokens: npt.NDArray[np.float32]
    cut: npt.NDArray[np.bool_]
    pad_id: int

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, index: npt.NDArray[np.intp]) -> EncodedPrompts:
        """These prompts."""
        ids = [self.ids[row] for row in index]
        return EncodedPrompts(ids, self.input_tokens[index], self.cut[index], self.pad_id)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens kept of each prompt."""
        return np.fromiter((len(ids) for ids in self.ids), np.int64, len(self.ids))

    def batch(
        self, rows: Sequence[int] | npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Token ids and attention mask of these prompts, both ``(n_rows, longest)``, padded on the right."""
        longest = max(len(self.ids[row]) for row in rows)
        ids = np.full((len(rows), longest), self.pad_id, np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for at, row in enumerate(rows):
            ids[at, : len(self.ids[row])] = self.ids[row]
            mask[at, : len(self.ids[row])] = 1
        return ids, mask

    def batches(self, most_tokens: int) -> list[npt.NDArray[np.intp]]:
        """Row numbers in batches of prompts of like length, longest first.

        A batch holds at most `most_tokens` with its padding, unless one prompt alone is longer, and no
        prompt in it is padded by more than an eighth of the longest.
        """
        lengths = self.lengths
        order = np.argsort(-lengths, kind="stable")
        batches, start = [], 0
        for at, row in enumerate(order):
            longest = lengths[order[start]]
            if at > start and (
                (at - start + 1) * longest > most_tokens or lengths[row] < (1 - _MOST_PADDING) * longest
            ):
                batches.append(order[start:at])
                start = at
        return [*batches, order[start:]] if len(order) else []


class PromptTokenizer:
    """A tokenizer with a text policy.

    Args:
        tokenizer: A fast tokenizer; its own truncation and padding are turned off.
        policy: How much of a prompt is read.

    Raises:
        InputError: The tokenizer can read nothing, or not within the policy.
    """

    def __init__(self, tokenizer: Tokenizer, policy: TextPolicy) -> None:
        if tokenizer.get_vocab_size(with_added_tokens=False) == 0:
            raise InputError("the tokenizer has an empty vocabulary: it tells no text from another")
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.backend = tokenizer
        self.policy = policy
        with library_errors(InputError, "the tokenizer cannot read a letter"):
            probe = tokenizer.encode("a")
            body = len(tokenizer.encode("a", add_special_tokens=False).ids)
        first = probe.special_tokens_mask.index(0) if 0 in probe.special_tokens_mask else 0
        self._prefix, self._suffix = probe.ids[:first], probe.ids[first + body :]
        pad = tokenizer.token_to_id("[PAD]")
        self._pad_id = pad if pad is not None else tokenizer.token_to_id("<pad>") or 0
        self._room = policy.max_tokens - len(self._prefix) - len(self._suffix)
        if self._room < 1:
            raise InputError(
                f"max_tokens is {policy.max_tokens}, and the tokenizer adds as many to every text"
            )
        self._max_chars = policy.max_tokens * _CHARS_PER_TOKEN

    def encode(self, prompts: Sequence[str]) -> EncodedPrompts:
        """Token ids of each prompt; a long one keeps its head and its tail.

        Raises:
            InputError: A prompt is not text, or has nothing in it but white space.
        """
        # Stripped, or a long run of white space would crowd out the words.
        texts = [check_prompt(prompt, f"prompts[{at}]").strip() for at, prompt in enumerate(prompts)]
        shown = [self._clip(text) for text in texts]
        with library_errors(InputError, "the tokenizer cannot read the prompts"):
            if len(shown) == 1:
                encodings = [self.backend.encode(shown[0], add_special_tokens=False)]
            else:
                encodings = self.backend.encode_batch(shown, add_special_tokens=False)
        ids, tokens, cut = [], [], []
        for text, part, encoding in zip(texts, shown, encodings, strict=True):
            body = encoding.ids
            tokens.append(len(body) * len(text) / len(part))
            over = len(body) > self._room
            cut.append(over or len(part) < len(text))
            if over:
                head = self._room // 2
                body = body[:head] + body[len(body) - (self._room - head) :]
            ids.append([*self._prefix, *body, *self._suffix] or [self._pad_id])
        return EncodedPrompts(ids, np.array(tokens, np.float32), np.array(cut, np.bool_), self._pad_id)

    def _clip(self, text: str) -> str:
        if len(text) <= self._max_chars:
            return text
        half = self._max_chars // 2
        return text[:half] + text[-half:]


def check_prompt(prompt: object, what: str) -> str:
    """The prompt as text that a tokenizer can take: a null byte becomes a space, a lone surrogate a ``?``.

    Raises:
        InputError: It is not text, or blank; the message says which, and does not quote it.
    """
    if not isinstance(prompt, str):
        raise InputError(f"{what} must be text, got {type(prompt).__name__}; decode bytes as UTF-8 first")
    if not prompt.isascii() or "\0" in prompt:
        prompt = prompt.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    if not prompt.strip():
        raise InputError(f"{what} is empty; leave it out, or send it to a model of your choice")
    return prompt
