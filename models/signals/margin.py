"""How far the likeliest first token is from the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routoo.data.checks.arguments import same_length
from routoo.models.signals.generation import Vector, log_probs, texts
from routoo.models.signals.normalisation import normalised


def option_margin_log_odds(option_log_probs: Sequence[float] | Vector) -> float:
    """Log-odds of the likeliest option against the next: ``log p1 - log p2``.

    The signal of two-tier selection (Ramírez, Birch and Titov 2024, arXiv 2405.02134) where answers are
    options. A difference of logits is the same number, since they differ from log-probabilities by a
    constant.

    Raises:
        InputError: There are fewer than two options, or one has no log-probability.

    >>> round(option_margin_log_odds(np.log([0.1, 0.6, 0.3])), 4)
    0.6931
    """
    first, second = _two_largest(option_log_probs)
    return first - second


def option_margin_probability(option_log_probs: Sequence[float] | Vector) -> float:
    """Probability of the likeliest option less that of the next, of options that share all probability.

    The margin of active learning (Scheffer, Decomain and Wrobel 2001). It ranks otherwise than the log-odds
    where there are more than two options.

    Raises:
        InputError: There are fewer than two options, or one has no log-probability.

    >>> round(option_margin_probability(np.log([0.05, 0.3, 0.15])), 4)
    0.3
    """
    first, second = _two_largest(option_log_probs)
    share = np.exp(np.asarray(option_log_probs, np.float64) - first).sum()
    return float((1 - np.exp(second - first)) / share)


def open_margin_log_odds(top_tokens: Sequence[str], top_log_probs: Sequence[float] | Vector) -> float:
    """Log-odds of the likeliest token against the next that is no near-duplicate of it.

    The signal of two-tier selection (arXiv 2405.02134) where answers are open: of the ten likeliest tokens,
    those that contain the likeliest or are contained in it, in normalised form, are passed over as spellings
    of one answer. Where all are near-duplicates, the least likely stands for the next: the margin is at least
    that.

    Raises:
        InputError: There are fewer than two tokens, or lengths disagree.

    >>> round(open_margin_log_odds([" Paris", "paris", " Par", " Lyon"], np.log([0.5, 0.2, 0.1, 0.05])), 4)
    2.3026
    """
    found, words = log_probs("top_log_probs", top_log_probs, least=2), texts("top_tokens", top_tokens)
    same_length(top_tokens=words, top_log_probs=found)
    order = np.argsort(-found, kind="stable")
    top, *others = (normalised(words[at]) for at in order)
    differs = (
        at for at, other in zip(order[1:], others, strict=True) if top not in other and other not in top
    )
    return float(found[order[0]] - found[next(differs, order[-1])])


def _two_largest(option_log_probs: Sequence[float] | Vector) -> tuple[float, float]:
    found = np.sort(log_probs("option_log_probs", option_log_probs, least=2))
    return float(found[-1]), float(found[-2])
