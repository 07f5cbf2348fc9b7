"""What fine-tuning lowers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from routoo.tuning.examples import IGNORED, Padded


def token_log_probs(network: Any, batch: Padded) -> Tensor:  # Any: a network of transformers
    """Log-probabilities of the targets' tokens, ``(n, longest - 1)``, 0 elsewhere.

    Logits, the dearest part, are computed for these tokens alone.
    """
    states = network.base_model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
    labels = batch.labels[:, 1:]
    learned = labels != IGNORED
    logits = network.get_output_embeddings()(states[:, :-1][learned]).float()
    found = torch.zeros(labels.shape, device=labels.device)
    picked = logits.gather(1, labels[learned][:, None])[:, 0] - logits.logsumexp(1)
    return found.masked_scatter(learned, picked)


def cross_entropy(
    network: Any,  # a network of transformers
    batch: Padded,
    *,
    first: float = 0.0,
) -> Tensor:
    """Mean negative log-probability of the targets' tokens.

    Args:
        network: What says them.
        batch: Examples.
        first: Weight of the same of each target's first token, beside it: there it is decided which kind of
            text follows, and in the mean over all tokens that one has hardly a part.
    """
    found, learned = token_log_probs(network, batch), batch.labels[:, 1:] != IGNORED
    opening = learned & (learned.cumsum(1) == 1)
    return -found.sum() / learned.sum() - first * found[opening].mean()


def preference_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, *, beta: float
) -> Tensor:
    """Mean loss of direct preference optimisation (Rafailov et al. 2023, equation 7).

    Args:
        chosen: Log-probability of each preferred answer, summed over its tokens, ``(n,)``.
        rejected: The same of the answer that it is preferred to.
        reference_chosen: As `chosen`, by the model before training.
        reference_rejected: As `rejected`, likewise.
        beta: How closely the model is held to what it was.

    >>> zero = torch.zeros(1)
    >>> round(preference_loss(zero, zero, zero, zero, beta=0.1).item(), 4)  # log 2
    0.6931
    """
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    return -torch.nn.functional.logsigmoid(beta * margin).mean()
