"""A budget that true costs keep with a stated confidence: predicted cost and a reserve within it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from routoo.data.assignment import Assignment, Reserve
from routoo.data.costs.cost_spread import CostSpread
from routoo.data.errors import InputError
from routoo.solver.problem import ROUNDING, Problem
from routoo.solver.results.answer import no_answer
from routoo.solver.results.infeasible import rounded
from routoo.solver.solve import solve

_STEPS = 40
_NEAR = 1e-4
"""Share of the budget that the search may leave over."""


def solve_with_reserve(
    problem: Problem, spread: CostSpread, confidence: float, *, solver: str = "auto"
) -> Assignment:
    """The best choices whose predicted cost and reserve together are within the budget.

    The solver is given less and less of the budget until what its choices need, with the reserve that these
    very choices ask for, is within all of it. Objective, bound and gap are those of what it was given last.

    Args:
        problem: With a budget.
        spread: How far true costs of such choices lie from predicted ones.
        confidence: With which the true cost of the batch is to be within the budget.
        solver: Backend, as in `solve`.

    Raises:
        InputError: There is no budget, the confidence is out of range, or nothing is known of a model.
    """
    if problem.budget_usd is None or not np.isfinite(problem.budget_usd):
        raise InputError("budget_confidence speaks of a budget: give budget_usd too, or leave it out")
    search = _Search(problem, spread, confidence, solver)
    plan = search.within(problem.budget_usd)
    if plan.found:
        return search.answer(plan) if search.keeps(plan) else search.below(plan)
    return plan if plan.least_budget_usd is None else search.least(problem.budget_usd)


@dataclass(frozen=True, eq=False)
class _Search:
    """Looks for the most money that may be given to the solver."""

    problem: Problem
    spread: CostSpread
    confidence: float
    solver: str

    @property
    def budget(self) -> float:
        """All of the money."""
        assert self.problem.budget_usd is not None  # for the type checker: checked at the door
        return self.problem.budget_usd

    def within(self, money: float) -> Assignment:
        """The best choices of this predicted cost."""
        return solve(replace(self.problem, budget_usd=money), solver=self.solver)

    def reserve(self, plan: Assignment) -> float:
        """What the choices need beside their predicted cost."""
        assert plan.chosen_cost_usd is not None  # for the type checker: scores are in memory
        columns = self.spread.columns(plan.models)[plan.choice]
        return self.spread.reserve_usd(columns, plan.chosen_cost_usd, self.confidence)

    def need(self, plan: Assignment) -> float:
        """Predicted cost and reserve."""
        return plan.cost_usd + self.reserve(plan)

    def keeps(self, plan: Assignment) -> bool:
        """Whether what the choices need is within the budget."""
        return self.need(plan) <= self.budget * (1 + ROUNDING)

    def answer(self, plan: Assignment) -> Assignment:
        """The choices with their reserve."""
        return replace(plan, reserve=Reserve(self.budget, self.confidence, self.reserve(plan)))

    def below(self, plan: Assignment) -> Assignment:
        """The best choices that keep the budget, found between nothing and a sum whose choices do not."""
        low, high, best = 0.0, self.budget, None
        money = high
        for _ in range(_STEPS):
            needed = self.need(plan) if plan.found else np.inf
            if plan.found and needed <= self.budget:
                low, best = money, plan
            elif plan.found:
                high = money
            else:
                low = money
            if high - low <= _NEAR * _NEAR * self.budget or 0 <= self.budget - needed <= _NEAR * self.budget:
                break
            guess = money * self.budget / needed
            margin = 0.02 * (high - low)
            money = guess if low + margin < guess < high - margin else (low + high) / 2
            plan = self.within(money)
        return self.answer(best) if best is not None else self.least(low)

    def least(self, money: float) -> Assignment:
        """The choices of least cost, where they keep the budget; else why none do. `money` is too little."""
        least = self.within(money).least_budget_usd
        cheapest = None if least is None else self.within(least)
        stated = f"budget_usd {self.budget:.9g} is too little at budget_confidence {self.confidence:g}"
        if cheapest is None or not cheapest.found:
            return self._refusal(f"{stated}, and no choice was found that needs less", None)
        if self.keeps(cheapest):
            return self.answer(cheapest)
        need = self.need(cheapest) * (1 + ROUNDING)
        return self._refusal(
            f"{stated}: the cheapest choices are predicted to cost {rounded(cheapest.cost_usd)} USD and need "
            f"a reserve of {rounded(self.reserve(cheapest))}; {rounded(need)} would do",
            need,
        )

    def _refusal(self, reason: str, least: float | None) -> Assignment:
        return no_answer(
            self.problem.scores, len(self.problem), reason, solver=self.solver, least_budget_usd=least
        )
