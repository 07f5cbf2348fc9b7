"""The whole budget-quality frontier of a batch, with the price of money at each point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number, record
from routoo.data.errors import InputError
from routoo.solver.limits import Limit
from routoo.solver.problem import Problem
from routoo.solver.search.hull import Increments
from routoo.solver.search.knapsack import Stairs
from routoo.solver.sums.passes import InMemory
from routoo.solver.sums.rows import Floats

if TYPE_CHECKING:
    import polars as pl

_MONEY = Limit("budget_usd", "cost_usd", np.inf)


@dataclass(frozen=True, eq=False)
class Frontier:
    """The best score of a batch at every budget: corners of the hull, by rising cost, ``(n_points,)`` each.

    Between two corners the frontier is a straight line, but for one prompt.

    Args:
        models: Model names, the columns of `shares`.
        n_prompts: Prompts of the batch.
        cost_usd: What the choices at a corner cost in sum.
        score: What they are predicted to achieve in sum.
        price: Score that the last dollar bought there: infinity at the first corner.
        shares: Share of the prompts that each model gets, ``(n_points, n_models)``.
    """

    models: tuple[str, ...]
    n_prompts: int
    cost_usd: Floats
    score: Floats
    price: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.cost_usd)

    def score_at(self, budget_usd: float) -> float:
        """The most score within a budget (of the relaxation: less than one prompt above what is whole).

        Raises:
            InputError: The budget lies below the cheapest assignment; the message says what that costs.
        """
        budget_usd = self._checked(budget_usd)
        return float(np.interp(budget_usd, self.cost_usd, self.score))

    def price_at(self, budget_usd: float) -> float:
        """Score that one more dollar buys at this budget; 0 where money no longer helps.

        Raises:
            InputError: The budget lies below the cheapest assignment; the message says what that costs.
        """
        budget_usd = self._checked(budget_usd)
        following = int(np.searchsorted(self.cost_usd, budget_usd, side="right"))
        return float(self.price[following]) if following < len(self) else 0.0

    def cost_of(self, score: float) -> float:
        """The least money that reaches a sum of scores.

        Raises:
            InputError: No budget reaches it; the message says what can be reached.
        """
        score = number("score", score)
        if score > self.score[-1]:
            raise InputError(f"a score of {score:g} is out of reach: the most is {self.score[-1]:.6g} in sum")
        return float(np.interp(score, self.score, self.cost_usd))

    def to_polars(self) -> pl.DataFrame:
        """One row a corner: budget, mean score, price, and a share a model."""
        import polars as pl

        columns = {
            "budget_usd": self.cost_usd,
            "mean_score": self.score / self.n_prompts,
            "score_per_usd": self.price,
        }
        shares = {f"share of {name}": self.shares[:, at] for at, name in enumerate(self.models)}
        return pl.DataFrame({**columns, **shares})

    def _checked(self, budget_usd: float) -> float:
        budget = float(number("budget_usd", budget_usd))
        if budget < self.cost_usd[0]:
            raise InputError(
                f"budget_usd {budget:g} is too little: the cheapest assignment costs {self.cost_usd[0]:.6g}"
            )
        return budget


def frontier(problem: Problem, *, points: int = 200) -> Frontier:
    """The frontier of a batch from one pass over its hulls: parametric in the price of money.

    Args:
        problem: Predictions, with limits of single prompts and weights; a budget is not read.
        points: Corners to keep, evenly spread over the prompts that move; all, where there are fewer.

    Raises:
        InputError: The problem has other limits that couple prompts, a prompt that no model is open to,
            or fewer than two points are asked for.

    >>> from routoo.data.scores import Scores
    >>> p, cost = np.array([[0.9, 0.4], [0.8, 0.7]]), np.array([[0.02, 0.001], [0.02, 0.001]])
    >>> curve = frontier(Problem(scores=Scores(p, cost, models=("large", "small"))))
    >>> curve.cost_usd.round(4), curve.score.round(4), curve.price.round(2)
    (array([0.002, 0.021, 0.04 ]), array([1.1, 1.6, 1.7]), array([  inf, 26.32,  5.26]))
    """
    from routoo.solver.results.infeasible import unserved

    free = replace(record("problem", problem, Problem), budget_usd=None)
    if free.limits:
        names = ", ".join(limit.name for limit in free.limits)
        raise InputError(f"a frontier moves one budget alone; leave out {names}, or assign at single budgets")
    points = number("points", points, least=2, whole=True)
    reason = unserved(free)
    if reason is not None:
        raise InputError(reason)
    prompts = InMemory(free, limits=(_MONEY,))
    stairs = Stairs.build(prompts)
    first = prompts.summed(lambda at, rows: float(rows.gained(stairs.steps.start[at]).sum()))
    order = stairs.order
    taken = np.unique(np.linspace(0, len(order), min(points, len(order) + 1)).astype(np.intp))
    score = first + np.concatenate([[0.0], np.cumsum(stairs.steps.value[order])])
    cost = np.concatenate([[stairs.least], stairs.spent])
    price = np.concatenate([[np.inf], stairs.steps.slope[order]])
    models = free.scores.models
    shares = _counts(stairs.steps, order, taken, len(models)) / len(free)
    return Frontier(models, len(free), cost[taken], score[taken], price[taken], shares)


def _counts(steps: Increments, order: npt.NDArray[np.intp], taken: npt.NDArray[np.intp], n: int) -> Floats:
    """Prompts of each model once so many steps are taken, ``(n_points, n_models)``."""
    by_row = np.argsort(steps.row, kind="stable")
    row, column = steps.row[by_row], steps.column[by_row]
    same = np.concatenate([[False], row[1:] == row[:-1]])
    origin = np.empty_like(steps.column)
    origin[by_row] = np.where(same, np.roll(column, 1), steps.start[row])
    counts = np.tile(np.bincount(steps.start, minlength=n).astype(np.float64), (len(taken), 1))
    for model in range(n):
        came = np.flatnonzero(steps.column[order] == model)
        went = np.flatnonzero(origin[order] == model)
        counts[:, model] += np.searchsorted(came, taken) - np.searchsorted(went, taken)
    return counts
