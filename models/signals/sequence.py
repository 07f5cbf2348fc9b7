"""How likely the answer was to the model that wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from routoo.models.signals.generation import Vector, log_probs


def sequence_log_prob_sum(token_log_probs: Sequence[float] | Vector) -> float:
    """Log-probability of the whole answer: the sum over its tokens. Long answers are unlikely ones.

    Raises:
        InputError: There is no token, or one has no log-probability.
    """
    return float(log_probs("token_log_probs", token_log_probs).sum())


def sequence_log_prob_mean(token_log_probs: Sequence[float] | Vector) -> float:
    """Log-probability of the answer per token: minus the logarithm of its perplexity.

    Length-normalised as in Malinin and Gales (2021, arXiv 2002.07650).

    Raises:
        InputError: There is no token, or one has no log-probability.
    """
    return float(log_probs("token_log_probs", token_log_probs).mean())
