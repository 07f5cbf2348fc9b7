"""The answer of a solver: a model for every prompt, what it costs, and how good it provably is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from routoo.data.errors import InfeasibleError

if TYPE_CHECKING:
    import polars as pl

Status = Literal["optimal", "feasible", "infeasible", "unsolved"]
"""`optimal`: proved within the solver's tolerance; `feasible`: every limit holds, with the stated gap;
`infeasible`: proved that no assignment keeps the limits; `unsolved`: stopped before an answer was found."""


@dataclass(frozen=True)
class LimitUse:
    """What an assignment uses of one limit, and what one more unit of it would be worth.

    Args:
        name: The limit, as in the problem: ``budget_usd``, ``max_requests of large``.
        unit: What is counted: USD, s, prompts, tokens, requests, score.
        used: Sum over the choices.
        limit: The most that the sum may be; the least, where it is a floor.
        price: Objective per unit of the limit (score per USD, say); 0 where the limit does not bind.
        floor: Whether the limit is a least.
    """

    name: str
    unit: str
    used: float
    limit: float
    price: float = 0.0
    floor: bool = False


@dataclass(frozen=True)
class Reserve:
    """Money that an assignment leaves of its budget, since true costs are not the predicted ones.

    Args:
        budget_usd: The budget that true costs are to keep.
        confidence: With which they do, on prompts like those of validation.
        usd: What is kept beside the predicted cost.
    """

    budget_usd: float
    confidence: float
    usd: float

    def in_words(self) -> str:
        """The reserve in a sentence.

        >>> Reserve(5.0, 0.95, 0.4).in_words()
        'reserve 0.4 USD: true costs keep 5 USD with confidence 0.95, on prompts like those of validation'
        """
        return (
            f"reserve {self.usd:.4g} USD: true costs keep {self.budget_usd:.6g} USD with confidence "
            f"{self.confidence:g}, on prompts like those of validation"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution(ABC):
    """What a solver says of a batch, but for the choices of its prompts.

    Args:
        models: Model names.
        status: See `Status`.
        score: Sum of the predicted scores of the choices (of the recorded ones, if those were given).
        cost_usd: Sum of the costs of the choices, in USD.
        objective: Value of what was maximised (score) or minimised (cost).
        bound: Proved bound on `objective`: nobody can do better. (`upper_bound` where score is maximised.)
        solver: Name of the backend that ran.
        limits: What is used of each limit that couples prompts, and its price.
        reason: When infeasible: which limits cannot hold, and the least that would be feasible, in words.
        least_budget_usd: When infeasible for want of money: a budget that would do, the least that was found.
        reserve: What is kept of the budget for true costs above the predicted ones, where that was asked. The
            limit ``budget_usd`` then says what was left to choose by.
        lapsed: Why the contract that it was made under has lapsed, so that all prompts go to its reference.
    """

    models: tuple[str, ...]
    status: Status
    score: float
    cost_usd: float
    objective: float
    bound: float
    solver: str
    limits: tuple[LimitUse, ...] = ()
    reason: str | None = None
    least_budget_usd: float | None = None
    reserve: Reserve | None = None
    lapsed: str | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Number of prompts."""

    @abstractmethod
    def shares(self) -> dict[str, float]:
        """Share of the prompts that each model gets."""

    @property
    def found(self) -> bool:
        """Whether there is a choice for every prompt, be it optimal or not."""
        return self.status in ("optimal", "feasible")

    @property
    def prices(self) -> dict[str, float]:
        """Dual value of each binding limit: objective per unit of the limit (score per USD, say)."""
        return {limit.name: limit.price for limit in self.limits if limit.price != 0}

    @property
    def upper_bound(self) -> float:
        """Proved bound on the objective (an upper bound where score is maximised)."""
        return self.bound

    @property
    def gap(self) -> float:
        """Relative distance between the objective and its bound, at least 0."""
        if self.status == "infeasible":
            return float("nan")
        if not np.isfinite(self.bound):
            return float("inf")
        return abs(self.bound - self.objective) / max(abs(self.bound), abs(self.objective), 1e-12)

    def or_raise(self) -> Self:
        """The same, where there is a choice for every prompt.

        Raises:
            InfeasibleError: There is no assignment; the message says why.
        """
        if not self.found:
            raise InfeasibleError(
                self.reason or "no assignment meets the limits", least_budget_usd=self.least_budget_usd
            )
        return self

    def summary(self) -> str:
        """The answer in a few lines of words."""
        if not self.found:
            return f"{self.status}: {self.reason}"
        lines = [
            f"{len(self)} prompts, {self.solver}: {self.status}, gap {self.gap:.2g}",
            f"predicted score {self.score / max(len(self), 1):.4f} a prompt, cost {self.cost_usd:.6g} USD",
        ]
        if self.reserve is not None:
            lines.append(self.reserve.in_words())
        lines += [f"price of {name}: {price:.6g}" for name, price in self.prices.items()]
        shares = sorted(self.shares().items(), key=lambda item: -item[1])
        lines.append("shares: " + ", ".join(f"{name} {share:.1%}" for name, share in shares if share > 0))
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, kw_only=True)
class Assignment(Solution):
    """A model for every prompt of a batch, or the reason why there is none.

    Args:
        choice: Chosen model of each prompt, as its position in `models`, ``(n_prompts,)`` int32; -1
            throughout when infeasible.
        prompt_ids: Names of the prompts, where they have some.
    """

    choice: npt.NDArray[np.int32]
    prompt_ids: Sequence[str] | None = None
    chosen_p_correct: npt.NDArray[np.float32] | None = None
    chosen_cost_usd: npt.NDArray[np.float32] | None = None
    chosen_latency_s: npt.NDArray[np.float32] | None = None
    chosen_input_tokens: npt.NDArray[np.float32] | None = None
    chosen_output_tokens: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.choice)

    @property
    def chosen(self) -> list[str]:
        """Name of the chosen model of each prompt.

        Raises:
            InfeasibleError: There is no assignment; the message says why.
        """
        return [self.models[j] for j in self.or_raise().choice]

    def shares(self) -> dict[str, float]:
        """Share of the prompts that each model gets."""
        counts = np.bincount(self.choice[self.choice >= 0], minlength=len(self.models))
        return {
            name: float(count) / max(len(self), 1) for name, count in zip(self.models, counts, strict=True)
        }

    def to_polars(self) -> pl.DataFrame:
        """One row a prompt: `prompt_id`, `model`, and what is predicted: score, cost, seconds, tokens."""
        import polars as pl

        names = [str(i) for i in range(len(self))] if self.prompt_ids is None else list(self.prompt_ids)
        columns: dict[str, object] = {
            "prompt_id": names,
            "model": self.chosen if self.found else None,
        }
        for name in ("p_correct", "cost_usd", "latency_s", "input_tokens", "output_tokens"):
            value = getattr(self, f"chosen_{name}")
            if value is not None:
                columns[name] = value
        frame = pl.DataFrame(columns, schema_overrides={"prompt_id": pl.String, "model": pl.String})
        return frame.with_columns(pl.col(pl.Float32).fill_nan(None))
