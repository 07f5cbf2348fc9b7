"""Selection: the best choice of single prompts, each on its own, at a price of money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routoo.data.checks.arguments import number, record
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.solver.eligibility import Tags
from routoo.solver.problem import Problem
from routoo.solver.results.infeasible import unserved
from routoo.solver.sums.rows import Choice, Floats, Rows


@dataclass(frozen=True)
class Selection:
    """The model for one prompt, and what is predicted of it.

    Args:
        model: Name of the chosen model.
        p_correct: Its predicted score, whatever it was chosen by.
        cost_usd: Its predicted cost.
        latency_s: Its predicted latency; NaN where nothing is known.
        price: Score per USD that the choice was made at.
        ticket: What a `Pacer` settles the true cost under, where one set the price.
        cautious_p_correct: The score that it was chosen by, which it exceeds with the confidence asked for;
            None where none was.
        lapsed: Why the contract that it was made under has lapsed, so that its reference was taken.
    """

    model: str
    p_correct: float
    cost_usd: float
    latency_s: float
    price: float = 0.0
    ticket: int | None = None
    cautious_p_correct: float | None = None
    lapsed: str | None = None


def select(
    scores: Scores,
    *,
    price: float = 0.0,
    max_cost_usd: float | None = None,
    max_latency_s: float | None = None,
    allowed: Sequence[str] | None = None,
    pool: Pool | None = None,
    tags: Tags | None = None,
) -> Selection:
    """The model for one prompt: most predicted score less cost at the price, within the limits.

    One prompt knows nothing of those before it: rates of the pool are kept by a `Pacer`, or over a batch.

    Args:
        scores: Predictions for one prompt.
        price: Score that a dollar must buy, as `Assignment.prices["budget_usd"]` says it for a batch; at
            0 the best model within the limits is taken, and of equally good ones the cheapest.
        max_cost_usd: Most money for the prompt.
        max_latency_s: Most seconds for the prompt.
        allowed: Models that may be chosen, by name.
        pool: What is stated of the models: their context windows and tags are heeded.
        tags: Tags that the model must have, all of them.

    Raises:
        InputError: There is not just one prompt, or a limit is NaN, negative or names an unknown model
            or tag.
        InfeasibleError: No model keeps the limits; the message names the limit and the least that would do.

    >>> scores = Scores(np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), models=("large", "small"))
    >>> select(scores, max_cost_usd=0.01).model
    'small'
    >>> select(scores, max_cost_usd=0.0001)
    Traceback (most recent call last):
    routoo.data.errors.InfeasibleError: the prompt has no model within max_cost_usd 0.0001: the least that \
would do is 0.001 USD
    """
    if len(record("scores", scores, Scores)) != 1:
        raise InputError(f"select takes one prompt, got {len(scores)}; use assign for a batch")
    problem = Problem(
        scores=scores,
        max_cost_usd=max_cost_usd,
        max_latency_s=max_latency_s,
        allowed=allowed,
        pool=pool,
        tags=tags,
    )
    price = number("price", price, finite=True)
    choice, value = best_at(problem.rows(slice(None)), price)
    if np.isneginf(value[0]):
        raise InfeasibleError(str(unserved(problem)))
    at = int(choice[0])
    return Selection(
        scores.models[at],
        float(scores.p_correct[0, at]),
        float(scores.cost_usd[0, at]),
        float(scores.latency[0, at]),
        price,
    )


def best_at(rows: Rows, price: float) -> tuple[Choice, Floats]:
    """The choice of each of these prompts at a price, and its score less the price of its cost.

    A prompt that has no model open to it has the value -inf.
    """
    return rows.best({"cost_usd": np.full((1, 1), float(price))} if price > 0 else {})
