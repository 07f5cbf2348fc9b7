"""Votes of the nearest candidates for the models that were right on them: the rule of OrchestraLLM."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number
from routoo.data.errors import InputError
from routoo.models.baselines.base_learner import Array, Embed, Recorded
from routoo.models.baselines.neighbours import NearestNeighbours

NO_POOL = -1
"""The pool of a prompt on which no model was right."""

_RIGHT = 0.5


class PoolVotes(NearestNeighbours):
    """Share of the `k` nearest candidates that lie in each model's pool (arXiv 2311.09758, section 3).

    A prompt on which some model was right lies in the pool of the cheapest such model; no other is a
    candidate. Of models with equally many votes the cheapest is to be chosen, as `select` does.

    Args:
        embed: Texts to vectors.
        k: Neighbours.
        balance: Whether candidates are drawn so that all pools that hold any are as large as the smallest:
            otherwise a vote leans to the larger pool wherever a prompt is.
        seed: Of what is drawn.

    Raises:
        InputError: `k` is not positive.
    """

    def __init__(self, embed: Embed, *, k: int = 10, balance: bool = False, seed: int = 0) -> None:
        super().__init__(embed, k=k)
        self.balance, self.seed = balance, number("seed", seed, whole=True)

    def learn(self, known: Recorded) -> None:
        """Keeps the prompts that lie in a pool, each with one vote.

        Raises:
            InputError: No model was right on any prompt.
        """
        pool = pools_of(known.score, known.mean_cost_usd)
        rows = self._drawn(pool) if self.balance else np.flatnonzero(pool != NO_POOL)
        if not len(rows):
            raise InputError(
                f"no model has a score of {_RIGHT} or more on any prompt: there is nobody to vote for"
            )
        votes = (pool[rows, None] == np.arange(known.score.shape[1])).astype(np.float64)
        self.keep([known.texts[row] for row in rows], votes, votes.mean(0))

    def _drawn(self, pool: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """As many rows of each pool as the smallest holds."""
        pools = [np.flatnonzero(pool == at).tolist() for at in np.unique(pool[pool != NO_POOL])]
        least, draw = min(map(len, pools), default=0), Random(self.seed)
        return np.array(sorted(row for rows in pools for row in draw.sample(rows, least)), np.intp)


def pools_of(score: Array, cost_usd: Array) -> npt.NDArray[np.intp]:
    """The pool of each prompt: the column of the cheapest model that was right; `NO_POOL` where none was.

    Args:
        score: ``(n_prompts, n_models)``; half or more is right, NaN is not.
        cost_usd: Of a call to each model, ``(n_models,)``; of equally dear ones the first comes first.

    >>> score = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    >>> pools_of(score, np.array([2e-6, 1e-6])).tolist()
    [1, 1, 0, -1]
    """
    order = np.argsort(cost_usd, kind="stable")
    right = np.nan_to_num(score)[:, order] >= _RIGHT
    return np.where(right.any(1), order[right.argmax(1)], NO_POOL)
