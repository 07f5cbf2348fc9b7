"""Some prompts of a problem as arrays: what one block of a pass reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from routoo.data.scores import Matrix
from routoo.solver.limits import Quantity

Floats = npt.NDArray[np.float64]
Choice = npt.NDArray[np.intp]
_Number = TypeVar("_Number", bound=np.generic)
Tables = Mapping[Quantity, Floats]
"""The price of one unit of each quantity, ``(1, n_models)`` or ``(n_domains, n_models)``."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Prompts in a row, ``(r, n_models)`` each; views of the scores wherever that is possible.

    Args:
        score: Predicted scores.
        cost_usd: Costs.
        latency_s: Latencies, where a limit reads them.
        tokens: Input and output tokens, where a limit reads them.
        slow_above: Seconds above which a choice counts as slow, infinity where no limit asks.
        domain: Domain code of each prompt, ``(r,)``.
        weight: Weight of each prompt's score, ``(r,)``.
        allowed: Which choices are open; all, when None.
        aim: What is to be least, as prices of quantities; when None, weighted score is to be most.
    """

    score: Matrix
    cost_usd: Matrix
    latency_s: Matrix | None = None
    tokens: Matrix | None = None
    slow_above: float = np.inf
    domain: npt.NDArray[np.intp] | None = None
    weight: Floats | None = None
    allowed: npt.NDArray[np.bool_] | None = None
    aim: Tables | None = None

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

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """Prompts of several blocks as one."""

        def join(values: Sequence[npt.NDArray[_Number] | None]) -> npt.NDArray[_Number] | None:
            known = [value for value in values if value is not None]
            return np.concatenate(known) if known else None

        return replace(
            parts[0],
            score=np.concatenate([part.score for part in parts]),
            cost_usd=np.concatenate([part.cost_usd for part in parts]),
            latency_s=join([part.latency_s for part in parts]),
            tokens=join([part.tokens for part in parts]),
            domain=join([part.domain for part in parts]),
            weight=join([part.weight for part in parts]),
            allowed=join([part.opened for part in parts]) if any(map(_closes, parts)) else None,
        )

    def of_domain(self, domain: int) -> Rows:
        """The same prompts, all of this domain, with its prices as their aim and no domain stated."""
        if self.aim is None:
            return replace(self, domain=None)
        aim = {name: table[[domain if len(table) > 1 else 0]] for name, table in self.aim.items()}
        return replace(self, domain=None, aim=aim)

    def spared(self) -> Rows:
        """The same prompts with one more model, the last, that uses nothing and achieves nothing."""

        def none(value: Matrix | None) -> Matrix | None:
            return None if value is None else np.pad(value, ((0, 0), (0, 1)))

        return replace(
            self,
            score=np.pad(self.score, ((0, 0), (0, 1))),
            cost_usd=np.pad(self.cost_usd, ((0, 0), (0, 1))),
            latency_s=none(self.latency_s),
            tokens=none(self.tokens),
            allowed=None
            if self.allowed is None
            else np.pad(self.allowed, ((0, 0), (0, 1)), constant_values=True),
        )

    @property
    def opened(self) -> npt.NDArray[np.bool_]:
        """Which choices are open, one by one."""
        return np.ones(self.score.shape, np.bool_) if self.allowed is None else self.allowed

    @cached_property
    def objective(self) -> Floats:
        """What a choice adds to the objective, which is maximised; minus infinity where it is closed."""
        return self._close(self._spread(self._plain_objective().astype(np.float64)))

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
        if self.aim is None:
            value = self.chosen("score", choice)
            return value if self.weight is None else value * self.weight
        value = np.zeros(len(self))
        for name, table in self.aim.items():
            price = table[self.domain if len(table) > 1 and self.domain is not None else 0, choice]
            value -= self.chosen(name, choice) * price
        return value

    def used(self, tables: Tables) -> Floats | None:
        """What a choice uses at these prices, broadcastable to ``(r, n_models)``; None where all is free."""
        total: Floats | None = None
        for name, table in tables.items():
            price = table if len(table) == 1 or self.domain is None else table[self.domain]
            cost: Floats = price if name == "requests" else self.quantity(name) * price
            fresh = total if name == "requests" else cost  # the other one may be a table
            total = cost if total is None else np.add(total, cost, out=fresh)
        return total

    def reduced(self, tables: Tables) -> Floats:
        """Objective less use at these prices, ``(r, n_models)``; minus infinity where closed."""
        used = self.used(tables)
        if used is None:
            return self.objective
        value = np.subtract(self._plain_objective(), used, dtype=np.float64)
        return self._close(value if value.shape == self.score.shape else self._spread(value))

    def most_gained(self, tables: Tables) -> float:
        """At least what any choices gain in sum, were there no use: what errors are a share of.

        A reduced value r = gain - use is off by a share of gain + use = 2 gain - r, so that what is used, by
        choices that nobody takes above all, says nothing of the error of the best.
        """
        each = float(self.score.max(initial=0.0)) if self.aim is None else 0.0
        most = each * (len(self) if self.weight is None else float(self.weight.sum()))
        for priced in (tables, self.aim or {}):
            for name, table in priced.items():
                if table.min() < 0:
                    most -= float(table.min()) * float(self.quantity(name).max(initial=0.0)) * len(self)
        return most

    def best(self, tables: Tables) -> tuple[Choice, Floats]:
        """The choice of most reduced value of each prompt, and that value; the cheaper of two equal ones."""
        value = self.reduced(tables)
        choice = value.argmax(axis=1)
        most = value.ravel()[np.arange(0, value.size, value.shape[1]) + choice]
        if "cost_usd" not in tables and self.aim is None:
            choice = np.where(value == most[:, None], self.cost_usd, np.inf).argmin(axis=1)
        return choice, most

    def _plain_objective(self) -> npt.NDArray[np.floating]:
        """The objective with closed choices left in; a view where nothing has to be computed."""
        if self.aim is None:
            return self.score if self.weight is None else self.score * self.weight[:, None]
        used = self.used(self.aim)
        return np.zeros((1, 1)) if used is None else -used

    def _spread(self, value: Floats) -> Floats:
        return np.array(np.broadcast_to(value, self.score.shape))

    def _close(self, value: Floats) -> Floats:
        if self.allowed is not None:
            np.copyto(value, -np.inf, where=~self.allowed)
        return value


def leads(reduced: Floats) -> tuple[Choice, Floats, Floats]:
    """Best choice of each prompt, its reduced value, and its lead over the second best, ``(r,)`` each."""
    choice = reduced.argmax(axis=1)
    at = np.arange(0, reduced.size, reduced.shape[1])
    flat = reduced.reshape(-1)
    top = flat[at + choice]
    flat[at + choice] = -np.inf
    second = flat[at + reduced.argmax(axis=1)]
    flat[at + choice] = top
    return choice, top, top - second


def _closes(rows: Rows) -> bool:
    return rows.allowed is not None


def _known(value: Matrix | None) -> Matrix:
    assert value is not None  # for the type checker: a problem loads whatever its limits read
    return value
