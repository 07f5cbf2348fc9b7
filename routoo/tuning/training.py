"""Training adapters step by step, so that it goes on where it was killed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from routoo.data.progress import Progress
from routoo.data.storage.files import write_atomically
from routoo.tuning.examples import Example, batches, padded
from routoo.tuning.losses import cross_entropy
from routoo.tuning.low_rank import Adapted, LowRank

LossOf = Callable[[list[int]], Tensor]
"""The loss of a batch, given the positions of its examples."""

_WARM_UP = 0.1
_SAVED_EVERY = 25  # steps between two checkpoints
_LARGEST_NORM = 1.0
_STEP = "step"


def tuned(
    adapted: Adapted,
    sizes: Sequence[int],
    loss_of: LossOf,
    settings: LowRank,
    folder: Path,
    *,
    checkpoint: Path,
    on_step: Progress | None = None,
) -> Path:
    """The folder of adapters that a loss over batches of like sizes makes; it goes on after a kill.

    Args:
        adapted: Whose adapters are trained.
        sizes: Of each example, by which batches are made of like ones.
        loss_of: The loss of a batch.
        settings: Batches and learning rate.
        folder: Written in one step.
        checkpoint: See `train`; it is removed once the folder is written.
        on_step: Called with the steps that are done and all that there are.
    """
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    some = batches(sizes, batch_size=settings.batch_size, epochs=settings.epochs, seed=settings.seed)
    train(adapted, some, loss_of, settings, checkpoint=checkpoint, on_step=on_step)
    adapted.save(folder)
    checkpoint.unlink(missing_ok=True)
    return folder


def answering(adapted: Adapted, examples: Sequence[Example], *, first: float = 0.0) -> LossOf:
    """The loss of a batch of examples: cross-entropy of their answers' tokens, the first one's beside it."""

    def loss_of(rows: list[int]) -> Tensor:
        batch = padded([examples[at] for at in rows], adapted.device)
        return cross_entropy(adapted.network, batch, first=first)

    return loss_of


def train(
    adapted: Adapted,
    batches: Sequence[list[int]],
    loss_of: LossOf,
    settings: LowRank,
    *,
    checkpoint: Path,
    on_step: Progress | None = None,
) -> None:
    """Lowers a loss over batches, one step each, by AdamW.

    Args:
        adapted: Whose adapters are trained.
        batches: Positions of examples, a batch each.
        loss_of: The loss of a batch.
        settings: The learning rate.
        checkpoint: A file of safetensors with weights and moments: training goes on from it where it is
            there, and it is written as training goes on. Whoever calls removes it once all is kept.
        on_step: Called with the steps that are done and all that there are.
    """
    trained = adapted.trained()
    optimizer = torch.optim.AdamW(trained.values(), lr=settings.learning_rate, weight_decay=0.0)
    start = _restored(checkpoint, trained, optimizer) if checkpoint.is_file() else 0
    for at in range(start, len(batches)):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate_at(at, len(batches))
        optimizer.zero_grad()
        loss = loss_of(batches[at])
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        torch.nn.utils.clip_grad_norm_(trained.values(), _LARGEST_NORM)
        optimizer.step()
        done = at + 1
        if done % _SAVED_EVERY == 0 or done == len(batches):
            _keep(checkpoint, trained, optimizer, done)
        if on_step is not None:
            on_step(done, len(batches))


def rate_at(step: int, steps: int) -> float:
    """Fraction of the largest learning rate: up in a line over a tenth of the steps, down by a cosine.

    >>> [round(rate_at(step, 20), 2) for step in (0, 1, 10, 19)]
    [0.5, 1.0, 0.54, 0.01]
    """
    warm = max(1, round(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm + 1) / (steps - warm + 1)))


def _keep(
    path: Path, trained: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, done: int
) -> None:
    held = {_STEP: torch.tensor(done)}
    for name, weights in trained.items():
        state = optimizer.state[weights]
        held |= {
            f"weights/{name}": weights.detach(),
            f"first/{name}": state["exp_avg"],
            f"second/{name}": state["exp_avg_sq"],
        }
    write_atomically(path, save({name: value.contiguous() for name, value in held.items()}))


def _restored(path: Path, trained: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> int:
    """The steps that were done, with weights and moments as they were then."""
    held = load_file(path)
    done = int(held[_STEP])
    with torch.no_grad():
        for name, weights in trained.items():
            weights.copy_(held[f"weights/{name}"])
            optimizer.state[weights] = {
                "step": torch.tensor(float(done)),
                "exp_avg": held[f"first/{name}"].to(weights.device),
                "exp_avg_sq": held[f"second/{name}"].to(weights.device),
            }
    return done
