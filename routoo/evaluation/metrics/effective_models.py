"""How many models share the prompts."""

from __future__ import annotations

import numpy as np

from routoo.data.curves import Vector
from routoo.evaluation.metrics.metric import Metric, Subject

_BUDGETS = 101  # budgets over which effective models are averaged


def effective_models(shares: Vector) -> Vector:
    """How many models share the prompts: the exponential of the entropy of their shares.

    It is 1 where one model gets all, and k where k models get the same.

    Args:
        shares: Share of the prompts of each model, ``(..., n_models)``.

    >>> effective_models(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])).round(6).tolist()
    [1.0, 2.0]
    """
    known = np.where(shares > 0, shares, 1.0)
    return np.asarray(np.exp(-(known * np.log(known)).sum(-1)), np.float64)


def _of(subject: Subject) -> float:
    singles = subject.trial.singles
    budgets = np.linspace(singles.low_usd, singles.high_usd, _BUDGETS)
    return float(effective_models(subject.policy.curve(subject.trial).shares_at(budgets)).mean())


EFFECTIVE_MODELS = Metric(
    key="effective_models",
    heading="models",
    words="effective number of models, over all budgets",
    of=_of,
)
