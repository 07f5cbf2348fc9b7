"""A bound for a mean of human labels, few of which are known, by a judge who scored everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InputError
from routoo.solver.bounds.betting import log_capital, mean_lower
from routoo.solver.bounds.special import Array
from routoo.solver.bounds.stakes import log_mean

TRUST: Array = np.array([0.0, 0.5, 1.0])
"""How far the judge is followed, ``(n_trust,)``: a third of the capital each."""

_EQUAL: Array = np.full(len(TRUST), 1 / len(TRUST))


def judged_mean_lower(
    labels: npt.ArrayLike,
    judged: npt.ArrayLike,
    *,
    judge: npt.ArrayLike,
    alpha: float,
    whole_batch: bool = True,
) -> Array:
    """A lower bound for the mean of all labels, from some labels and a judge's score of every item.

    It bets on labels less `TRUST` times the judge's scores, whose mean is small in spread where the judge is
    good; what the judge says on average is added back. Its error is at most `alpha` however wrong the judge
    is, and after however many labels one looks. (Prediction-powered inference: Angelopoulos et al. 2023,
    Science 382; by betting: Waudby-Smith and Ramdas 2024.)

    Args:
        labels: Human labels in [0, 1] of items drawn at random, in that order, ``(..., n)``.
        judged: The judge's scores in [0, 1] of the same items, ``(..., n)``.
        judge: The judge's scores of the whole batch, the labelled items included, ``(..., n_batch)``; of a
            stream, the scores of other items from it.
        alpha: The error allowed.
        whole_batch: Whether `judge` is the batch whose mean is bounded; else the mean is that of a stream,
            and a tenth of `alpha` is spent on the judge's mean.

    Raises:
        InputError: There is not one judge's score for each label.

    Example:
        The mean is 0.95, a hundred labels alone show 0.87, and a judge who is always right lifts that.

        >>> truth = np.arange(1000) % 20 != 0
        >>> few, right, wrong = truth[:100], truth * 1.0, np.ones(1000)
        >>> float(judged_mean_lower(few, right[:100], judge=right, alpha=0.05).round(3))
        0.9
        >>> float(judged_mean_lower(few, wrong[:100], judge=wrong, alpha=0.05).round(3))
        0.866
    """
    labels, judged, judge = (np.asarray(x, float) for x in (labels, judged, judge))
    if labels.shape != judged.shape:
        raise InputError(f"labels and judged must have one shape, got {labels.shape} and {judged.shape}")
    batch = judge.shape[-1] if whole_batch else None
    said = judge.mean(-1) if whole_batch else mean_lower(judge, alpha=alpha / 10)
    spent = alpha if whole_batch else 0.9 * alpha
    corrected = [(labels - trust * judged + trust) / (1 + trust) for trust in TRUST]
    low, high = np.zeros(labels.shape[:-1]), np.ones(labels.shape[:-1])
    for _ in range(30):
        middle = (low + high) / 2
        capital = [
            log_capital(values, (middle - trust * said + trust) / (1 + trust), batch=batch)
            for trust, values in zip(TRUST, corrected, strict=True)
        ]
        refuted = log_mean(np.stack(capital, -1), _EQUAL) >= -np.log(spent)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    return np.asarray(low)
