"""Failed prompts given to the next best members, within what is left of the budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from routoo.batch.collect import Known
from routoo.batch.results import Came
from routoo.data.batch_tiers import model_of
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.solver.problem import Problem
from routoo.solver.solve import solve

_NOBODY = "\0nobody"


def route_again(
    known: Known,
    scores: Scores,
    *,
    budget_usd: float | None = None,
    deadlines_s: Sequence[float] | None = None,
    tags: Sequence[Sequence[str]] | None = None,
) -> pl.DataFrame:
    """The rows of a next round: failed prompts with the member that each is best given to now.

    A member that failed on a prompt is closed to it, and the same model by other ways too where asking again
    cannot help; so is one that would answer too late. What is left of the budget is spent where it buys the
    most expected score: a prompt for which nothing is left is asked of nobody.

    Args:
        known: What came by now.
        scores: What members are expected to achieve on the failed prompts, in the order of `Known.failed`.
        budget_usd: Most that the whole batch may cost, what was spent included; what is still to come counts
            as it is predicted.
        deadlines_s: Seconds from the writing of the batch in which each of these prompts is to be answered.
        tags: Tags that a member must have for each of these prompts.
    """
    pool = known.manifest.pool.select(scores.models)
    elapsed = known.now_s - known.manifest.written_s
    left_s = np.full(len(scores), np.inf if known.manifest.period_s is None else known.manifest.period_s)
    if deadlines_s is not None:
        left_s = np.fmin(left_s, deadlines_s)
    open_ = np.array([_open(came, pool) for came in known.failed.values()])
    open_ &= ~(scores.latency > (left_s - elapsed)[:, None])  # one that is not known keeps nobody from it
    asked = Problem(scores=scores, pool=pool, tags=tags, allowed=open_)
    allowed = asked.rows(slice(None)).allowed
    left_usd = None if budget_usd is None else max(budget_usd - known.spent_usd - known.to_come_usd, 0.0)
    problem = Problem(
        scores=_with_nobody(scores),
        budget_usd=left_usd,
        allowed=np.hstack([open_ if allowed is None else allowed, np.ones((len(scores), 1), np.bool_)]),
    )
    choice = solve(problem).or_raise().choice
    at = np.flatnonzero(choice < len(pool))
    return pl.DataFrame(
        {
            "prompt_id": [scores.names()[row] for row in at],
            "model": [pool.names[choice[row]] for row in at],
            "cost_usd": scores.cost_usd[at, choice[at]].astype(np.float64),
            **{
                name: None if values is None else values[at, choice[at]].astype(np.float64)
                for name, values in (
                    ("input_tokens", scores.input_tokens),
                    ("output_tokens", scores.output_tokens),
                )
            },
        },
        schema={
            "prompt_id": pl.String,
            "model": pl.String,
            "cost_usd": pl.Float64,
            "input_tokens": pl.Float64,
            "output_tokens": pl.Float64,
        },
    )


def _open(came: list[Came], pool: Pool) -> list[bool]:
    """Which members of a pool may still be asked, given what came of those that were."""
    members = {one.answer.model for one in came if one.closes == "member"}
    models = {model_of(one.answer.model) for one in came if one.closes == "model"}
    return [name not in members and model_of(name) not in models for name in pool.names]


def _with_nobody(scores: Scores) -> Scores:
    """The scores with a last column that costs nothing and achieves nothing."""
    nothing = np.zeros((len(scores), 1), np.float32)
    return Scores(
        np.hstack([scores.p_correct, nothing]),
        np.hstack([scores.cost_usd, nothing]),
        models=(*scores.models, _NOBODY),
    )
