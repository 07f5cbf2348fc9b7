"""Keys and values of the prompts that are being answered, each in a slot of its own length."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from transformers import Cache, DynamicCache

Pair = tuple[Tensor, Tensor]

_STEP = 32
"""Slots grow and shrink by so many tokens, so that they seldom do."""


class Slots(Cache):
    """A cache into which each step writes one token of each prompt, in place.

    Each slot holds a prompt's tokens from position 0 on, without padding; those in use come first. What lies
    past a prompt's end is a number, not attended to, and overwritten. All slots are as wide as the longest
    prompt needs, but for some tokens, so that keys and values in use lie in one piece: a product of matrices
    that do not takes several times as long.
    """

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.held: list[Pair] = []
        self.lengths = torch.zeros(0, dtype=torch.long)

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *args: Any,  # what transformers passes on to other kinds of caches
        **kwargs: Any,
    ) -> Pair:
        """Writes the new token of each prompt; keys and values in use, ``(n, heads, width, dimensions)``."""
        rows = torch.arange(len(self.lengths), device=key_states.device)
        at = self.lengths.to(key_states.device)
        keys, values = self.held[layer_idx]
        keys[rows, :, at], values[rows, :, at] = key_states[:, :, 0], value_states[:, :, 0]
        return keys[: len(rows)], values[: len(rows)]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Length of the longest prompt."""
        return int(self.lengths.max())

    @property
    def shape(self) -> tuple[int, int]:
        """How many slots there are, and how wide."""
        keys = self.held[0][0]
        return keys.shape[0], keys.shape[2]

    def add(self, read: DynamicCache, lengths: Tensor, copies: Tensor) -> None:
        """Takes prompts that were read, padded on the right.

        Args:
            read: What was read.
            lengths: Tokens of each prompt, ``(n_prompts,)``.
            copies: Into how many slots each goes, ``(n_prompts,)``.
        """
        start = len(self.lengths)
        self.lengths = torch.cat([self.lengths, lengths.repeat_interleave(copies)])
        new: list[Any] = [(layer.keys, layer.values) for layer in cast(Any, read).layers]
        if not self.held:
            self.held = [(keys[:0, :, :0], values[:0, :, :0]) for keys, values in new]
        self.fit()
        for held_pair, new_pair in zip(self.held, new, strict=True):
            for held, states in zip(held_pair, new_pair, strict=True):
                tokens = states.repeat_interleave(copies.to(states.device), 0)
                held[start : len(self.lengths), :, : tokens.shape[2]] = tokens

    def fit(self) -> None:
        """Makes the slots as many and as wide as the next token of each prompt needs."""
        rows, width = self.shape
        needed = self.get_seq_length() + 1
        if len(self.lengths) <= rows and needed <= width < needed + 2 * _STEP:
            return
        rows, width = max(rows, len(self.lengths)), -(-needed // _STEP) * _STEP
        self.held = [
            (_resized(keys, rows, width), _resized(values, rows, width)) for keys, values in self.held
        ]

    def keep(self, rows: list[int]) -> list[int]:
        """Drops all prompts but these; returns them in the order in which they lie now."""
        kept = set(rows)
        holes = [at for at in range(len(rows)) if at not in kept]
        moved = [at for at in rows if at >= len(rows)]
        if moved:
            for pair in self.held:
                for held in pair:
                    held[holes] = held[moved]
        came = dict(zip(holes, moved, strict=True))
        order = [came.get(at, at) for at in range(len(rows))]
        self.lengths = self.lengths[order]
        return order


def _resized(old: Tensor, rows: int, width: int) -> Tensor:
    """Zeros in the place of what was never written: what is not attended to must still be a number."""
    new = old.new_zeros(rows, old.shape[1], width, old.shape[3])
    kept = min(width, old.shape[2])
    new[: old.shape[0], :, :kept] = old[:, :, :kept]
    return new
