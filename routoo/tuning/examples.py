"""Examples as tokens, in batches of like lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

IGNORED = -100
"""Label of a token that the loss passes over."""

_ALIKE = 16  # batches whose examples are sorted by length together


@dataclass(frozen=True)
class Example:
    """A prompt and the answer to learn.

    Args:
        sent: Tokens of the prompt.
        target: Tokens of the answer, its end included.
    """

    sent: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def size(self) -> int:
        """Tokens of both."""
        return len(self.sent) + len(self.target)


@dataclass(frozen=True, eq=False)
class Padded:
    """Examples padded on the right.

    Args:
        ids: Tokens, ``(n, longest)``.
        mask: 1 where there is one, likewise.
        labels: The tokens of targets, `IGNORED` elsewhere, likewise.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor


def padded(examples: Sequence[Example], device: torch.device) -> Padded:
    """A batch of examples."""
    longest = max(example.size for example in examples)
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    mask = torch.zeros_like(ids)
    for row, example in enumerate(examples):
        ids[row, : example.size] = torch.tensor(example.sent + example.target)
        mask[row, : example.size] = 1
        labels[row, len(example.sent) : example.size] = torch.tensor(example.target)
    return Padded(ids.to(device), mask.to(device), labels.to(device))


def batches(sizes: Sequence[int], *, batch_size: int, epochs: int = 1, seed: int = 0) -> list[list[int]]:
    """Positions of examples in batches of like sizes, in random order, of all epochs one after another.

    The last, incomplete batch of an epoch is left out, unless it is the only one.

    >>> sorted(sum(batches([3, 9, 4, 8], batch_size=2), []))
    [0, 1, 2, 3]
    """
    draw, found = Random(seed), list[list[int]]()
    batch_size = min(batch_size, len(sizes))
    for _ in range(epochs):
        order = draw.sample(range(len(sizes)), len(sizes))
        chunks = [order[at : at + _ALIKE * batch_size] for at in range(0, len(order), _ALIKE * batch_size)]
        ordered = [at for chunk in chunks for at in sorted(chunk, key=lambda at: sizes[at])]
        starts = range(0, len(ordered) - batch_size + 1, batch_size)
        epoch = [ordered[at : at + batch_size] for at in starts]
        draw.shuffle(epoch)
        found += epoch
    return found
