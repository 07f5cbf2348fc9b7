"""Keys and values of the prompts that are being answered, each in a slot of its own length."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from transformers import Cache, DynamicCache

Pair = tuple[Tensor, Tensor]

_STEP = 64
"""Slots grow by so many tokens, so that they seldom do."""


class Slots(Cache):
    """A cache into which each step writes one token of each prompt, in place.

    Each slot holds a prompt's tokens from position 0 on, without padding; those in use come first. What lies
    past a prompt's end is not attended to, and overwritten.
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
    ) -> tuple[Tensor, Tensor]:
        """Writes the new token of each prompt; keys and values up to it, ``(n, heads, length, width)``."""
        rows = torch.arange(len(self.lengths), device=key_states.device)
        width = self.width
        found = []
        for held, new in zip(self.held[layer_idx], (key_states, value_states), strict=True):
            held[rows, self.lengths] = new[:, :, 0]
            found.append(held[: len(rows), :width].transpose(1, 2))
        return found[0], found[1]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Length of the longest prompt."""
        return self.width - 1

    @property
    def width(self) -> int:
        """Length of the longest prompt with the token that is being written."""
        return int(self.lengths.max()) + 1

    def add(self, read: DynamicCache, lengths: Tensor, copies: Tensor, *, width: int) -> None:
        """Takes prompts that were read, padded on the right.

        Args:
            read: What was read.
            lengths: Tokens of each prompt, ``(n_prompts,)``.
            copies: Into how many slots each goes, ``(n_prompts,)``.
            width: Most tokens that each is to come to.
        """
        start = len(self.lengths)
        self.lengths = torch.cat([self.lengths.to(lengths.device), lengths.repeat_interleave(copies)])
        new: list[Any] = [(layer.keys, layer.values) for layer in cast(Any, read).layers]
        self._make_room(new, len(self.lengths), width)
        for held_pair, new_pair in zip(self.held, new, strict=True):
            for held, states in zip(held_pair, new_pair, strict=True):
                tokens = states.transpose(1, 2).repeat_interleave(copies, 0)
                held[start : len(self.lengths), : tokens.shape[1]] = tokens

    def keep(self, rows: list[int]) -> list[int]:
        """Drops all prompts but these; returns them in the order in which they lie now."""
        kept = set(rows)
        holes = [at for at in range(len(rows)) if at not in kept]
        moved = [at for at in rows if at >= len(rows)]
        if moved:
            width = self.width
            for pair in self.held:
                for held in pair:
                    held[holes, :width] = held[moved, :width]
        came = dict(zip(holes, moved, strict=True))
        order = [came.get(at, at) for at in range(len(rows))]
        self.lengths = self.lengths[order]
        return order

    def _make_room(self, like: list[Pair], rows: int, width: int) -> None:
        """Makes the slots at least so many and so wide; what they hold stays."""
        if not self.held:
            self.held = [(keys.new_zeros(0), values.new_zeros(0)) for keys, values in like]
        had = tuple(self.held[0][0].shape[:2]) if self.held[0][0].ndim > 1 else (0, 0)
        if had[0] >= rows and had[1] >= width:
            return
        rows, width = max(rows, had[0]), -(-max(width, had[1]) // _STEP) * _STEP
        self.held = [
            (_wider(held[0], new[0], rows, width), _wider(held[1], new[1], rows, width))
            for held, new in zip(self.held, like, strict=True)
        ]


def _wider(old: Tensor, like: Tensor, rows: int, width: int) -> Tensor:
    """Zeros in the place of what was never written: what is not attended to must still be a number."""
    new = like.new_zeros(rows, width, like.shape[1], like.shape[3])
    if old.ndim > 1:
        new[: old.shape[0], : old.shape[1]] = old
    return new
