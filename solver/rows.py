"""Some prompts of a problem as arrays: what one block of a pass reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.data.scores import Matrix
from routoo.solver.limits import Quantity

Goal = Literal["score", "cost"]
"""What is pursued: the most score, or the least cost."""

Floats = npt.NDArray[np.float64]
Choice = npt.NDArray[np.intp]
Tables = Mapping[Quantity, Floats]
"""The price of one unit of each quantity, ``(1, n_models)`` or ``(n_domains, n_models)``."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Prompts in a row, ``(r, n_models)`` each; views of the scores wherever that is possible.

    Args:
        goal: What is pursued.
        score: Predicted scores.
        cost_usd: Costs.
        latency_s: Latencies, where a limit reads them.
        tokens: Input and output tokens, where a limit reads them.
        slow_above: Seconds above which a choice counts as slow, infinity where no limit asks.
        domain: Domain code of each prompt, ``(r,)``.
        weight: Weight of each prompt's score, ``(r,)``.
        allowed: Which choices are open; all, when None.
    """

    goal: Goal
    score: Matrix
    cost_usd: Matrix
    latency_s: Matrix | None = None
    tokens: Matrix | None = None
    slow_above: float = np.inf
    domain: npt.NDArray[np.intp] | None = None
    weight: Floats | None = None
    allowed: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.score)

    def part(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """Some of these prompts."""
        return replace(
            self,
            score=self.score[at],
            cost_usd=self.cost_usd[at],
            latency_s=None if self.latency_s is None else self.latency_s[at],
            tokens=None if self.tokens is None else self.tokens[at],
            domain=None if self.domain is None else self.domain[at],
            weight=None if self.weight is None else self.weight[at],
            allowed=None if self.allowed is None else self.allowed[at],
        )

    @cached_property
    def objective(self) -> Floats:
        """What a choice adds to the objective, which is maximised; minus infinity where it is closed."""
        if self.goal == "cost":
            value = np.negative(self.cost_usd, dtype=np.float64)
        elif self.weight is None:
            value = self.score.astype(np.float64)
        else:
            value = self.score * self.weight[:, None]
        return self._close(value)

    def quantity(self, name: Quantity) -> Matrix:
        """What a choice adds to the sum of this quantity, ``(r, n_models)``."""
        match name:
            case "score":
                return self.score
            case "cost_usd":
                return self.cost_usd
            case "latency_s":
                return _known(self.latency_s)
            case "slow":
                return (_known(self.latency_s) > self.slow_above).astype(np.float32)
            case "tokens":
                return _known(self.tokens)
            case "requests":
                return np.ones_like(self.score)

    def chosen(self, name: Quantity, choice: Choice) -> Floats:
        """What the choices add to the sum of this quantity, ``(r,)`` float64."""
        if name == "requests":
            return np.ones(len(self))
        if name == "slow":
            return (self.chosen("latency_s", choice) > self.slow_above).astype(np.float64)
        at = np.arange(0, self.score.size, self.score.shape[1]) + choice
        return np.asarray(self.quantity(name).ravel()[at], np.float64)

    def gained(self, choice: Choice) -> Floats:
        """What the choices add to the objective, ``(r,)`` float64."""
        if self.goal == "cost":
            return -self.chosen("cost_usd", choice)
        value = self.chosen("score", choice)
        return value if self.weight is None else value * self.weight

    def used(self, tables: Tables) -> Floats | None:
        """What a choice uses at these prices, broadcastable to ``(r, n_models)``; None where all is free."""
        total: Floats | None = None
        for name, table in tables.items():
            price = table if len(table) == 1 or self.domain is None else table[self.domain]
            cost: Floats = price if name == "requests" else self.quantity(name) * price
            total = cost if total is None else total + cost
        return total

    def reduced(self, tables: Tables) -> Floats:
        """Objective less use at these prices, ``(r, n_models)``; minus infinity where closed."""
        used = self.used(tables)
        if used is None:
            return self.objective
        return self._close(np.subtract(self._plain_objective(), used, dtype=np.float64))

    def best(self, tables: Tables) -> tuple[Choice, Floats]:
        """The choice of most reduced value of each prompt, and that value; the cheaper of two equal ones."""
        value = self.reduced(tables)
        choice = value.argmax(axis=1)
        most = value.ravel()[np.arange(0, value.size, value.shape[1]) + choice]
        if "cost_usd" not in tables and self.goal == "score":
            choice = np.where(value == most[:, None], self.cost_usd, np.inf).argmin(axis=1)
        return choice, most

    def _plain_objective(self) -> npt.NDArray[np.floating]:
        """The objective with closed choices left in; a view where nothing has to be computed."""
        if self.goal == "cost":
            return -self.cost_usd
        return self.score if self.weight is None else self.score * self.weight[:, None]

    def _close(self, value: Floats) -> Floats:
        if self.allowed is not None:
            np.copyto(value, -np.inf, where=~self.allowed)
        return value


def _known(value: Matrix | None) -> Matrix:
    assert value is not None  # for the type checker: a problem loads whatever its limits read
    return value
