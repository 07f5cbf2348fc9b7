"""The problem: predictions, and the limits that a choice of one model a prompt must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import known_names, mapping, record
from routoo.data.checks.batch import listed
from routoo.data.domains import domain_names
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.scores import Matrix, Scores
from routoo.solver.eligibility import Eligibility, Tags, check_pool, needed_tags
from routoo.solver.limits import (
    DomainLimit,
    LatencyTail,
    Limit,
    ModelLimit,
    Only,
    PerPrompt,
    Quantity,
    check_number,
    check_share,
    per_prompt,
    pool_limits,
    together,
)
from routoo.solver.sums.rows import Rows, Tables
from routoo.solver.usage import (
    BLOCK,
    call_tokens,
    require_latency,
    require_tokens,
    with_expected_tokens,
)

Goal = Literal["score", "cost"]
"""What is pursued: the most score, or the least cost."""

_NEEDS_LATENCY = (
    "a latency limit needs every latency to be known and at least 0, and concurrency those of its model "
    "(a pool that states time_to_first_token_s and tokens_per_second tells them)"
)

ROUNDING = 1e-12
"""Share of a limit by which a float64 sum may differ with the order of its terms."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """One model for every prompt: most score under limits, or least cost at a floor on the mean score.

    Args:
        scores: What is predicted for each prompt and model.
        budget_usd: Most money for the batch.
        min_mean_score: Least mean predicted score; when given, cost is minimised instead of score maximised.
        max_mean_latency_s: Most seconds a prompt, on average over the batch.
        latency_tail: At most a share of the prompts above a latency.
        model_limits: What single models may be given, by name.
        domains: Domain of each prompt.
        domain_limits: What single domains may spend and must reach, by name.
        max_cost_usd: Most money for a prompt: one number, or one a prompt.
        max_latency_s: Most seconds for a prompt: one number, or one a prompt.
        allowed: Models that may be chosen, by name; or a mask ``(n_prompts, n_models)``.
        weights: How much the score of each prompt counts, ``(n_prompts,)``; 1 when not given.
        period_s: Seconds that the batch may take; needed where concurrency is limited. The rates that the
            pool states then become limits of its models, beside those in `model_limits`: the tighter holds.
        pool: What is stated of the models. One whose `context_window` is smaller than a prompt's input
            tokens and expected output tokens (nominal ones where none are predicted) together is closed to
            that prompt.
        tags: Tags that a model must have, all of them: for all prompts, or a list for each.

    A latency of infinity is never chosen. Infinite limits are no limits.

    Raises:
        InputError: The batch is empty; a number is NaN or negative; a model, domain or tag is unknown;
            a limit reads latencies or tokens that nobody predicted. The message says which.

    >>> scores = Scores(np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), models=("large", "small"))
    >>> [limit.name for limit in Problem(scores=scores, budget_usd=0.01).limits]
    ['budget_usd']
    """

    scores: Scores
    budget_usd: float | None = None
    min_mean_score: float | None = None
    max_mean_latency_s: float | None = None
    latency_tail: LatencyTail | None = None
    model_limits: Mapping[str, ModelLimit] = field(default_factory=dict)
    domains: Sequence[str | None] | None = None
    domain_limits: Mapping[str, DomainLimit] = field(default_factory=dict)
    max_cost_usd: PerPrompt | None = None
    max_latency_s: PerPrompt | None = None
    allowed: Sequence[str] | npt.NDArray[np.bool_] | None = None
    weights: npt.NDArray[np.floating] | Sequence[float] | None = None
    period_s: float | None = None
    pool: Pool | None = None
    tags: Tags | None = None

    def __post_init__(self) -> None:
        if len(record("scores", self.scores, Scores, "Router.predict makes them")) == 0:
            raise InputError("expected at least one prompt to assign, got none")
        for name in ("budget_usd", "min_mean_score", "max_mean_latency_s", "period_s"):
            check_number(name, getattr(self, name))
        check_share("min_mean_score", self.min_mean_score)
        for name in ("max_cost_usd", "max_latency_s", "weights"):
            broadcast = name.startswith("max")
            value = per_prompt(name, getattr(self, name), len(self), broadcast=broadcast)
            object.__setattr__(self, name, value)
        if self.latency_tail is not None:
            record("latency_tail", self.latency_tail, LatencyTail)
        check_pool(self.pool)
        if self.pool is not None:
            object.__setattr__(self, "scores", with_expected_tokens(self.scores, self.pool))
        mapping("model_limits", self.model_limits, ModelLimit, "model")
        mapping("domain_limits", self.domain_limits, DomainLimit, "domain")
        if self.tags is not None:
            object.__setattr__(self, "tags", listed(self.tags, "tags", "texts"))
        object.__setattr__(self, "allowed", self._allowed_mask())
        if self.domains is not None:
            object.__setattr__(self, "domains", domain_names(self.domains, len(self)))
        self._check_names()
        self._check_predictions()

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def goal(self) -> Goal:
        """Score is maximised, unless a floor on the mean score turns the problem round."""
        return "score" if self.min_mean_score is None else "cost"

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """Every limit that couples prompts, in one form."""
        return self.limits_for(len(self))

    def limits_for(self, n: int, domain_sizes: npt.NDArray[np.intp] | None = None) -> tuple[Limit, ...]:
        """The same limits for a batch of `n` prompts, of which these are a part.

        Args:
            n: Prompts of the batch.
            domain_sizes: Those of each domain, by code; counted here, when None.
        """
        tail = self.latency_tail
        found = [
            Limit("budget_usd", "cost_usd", self.budget_usd),
            Limit("max_mean_latency_s", "latency_s", self.max_mean_latency_s, scale=n),
            Limit("latency_tail", "slow", None if tail is None else tail.max_share, scale=n),
            Limit("min_mean_score", "score", self.min_mean_score, scale=n, floor=True),
        ]
        for name, model in self._model_limits.items():
            only = Only(column=self.scores.models.index(name))
            found += [
                Limit(f"max_requests of {name}", "requests", model.max_requests, only),
                Limit(f"max_tokens of {name}", "tokens", model.max_tokens, only),
                Limit(f"budget_usd of {name}", "cost_usd", model.budget_usd, only),
                Limit(
                    f"max_concurrency of {name}",
                    "latency_s",
                    model.max_concurrency,
                    only,
                    scale=self.period_s or 1.0,
                ),
            ]
        for name, tenant in self.domain_limits.items():
            code = self.domain_names.index(name)
            counted = (
                np.count_nonzero(self.domain_codes == code) if domain_sizes is None else domain_sizes[code]
            )
            only, label = Only(domain=code), f"of domain {name}"
            found += [
                Limit(f"budget_usd {label}", "cost_usd", tenant.budget_usd, only),
                Limit(
                    f"min_mean_score {label}",
                    "score",
                    tenant.min_mean_score,
                    only,
                    scale=int(counted),
                    floor=True,
                ),
            ]
        return tuple(limit for limit in found if limit.stands)

    @cached_property
    def _model_limits(self) -> Mapping[str, ModelLimit]:
        """What single models may be given, by the user and by the rates of the pool."""
        if self.pool is None or self.period_s is None:
            return self.model_limits
        return together(self.model_limits, pool_limits(self.pool, self.period_s))

    @cached_property
    def eligibility(self) -> Eligibility | None:
        """Which models can take which prompts; None where all can."""
        if self.pool is None:
            return None
        found = Eligibility.of(self.scores, self.pool, self.tags)
        return found if found.closes else None

    @cached_property
    def domain_names(self) -> tuple[str | None, ...]:
        """Domains by code, in order of first appearance."""
        return tuple(dict.fromkeys(self.domains or ()))

    @cached_property
    def domain_codes(self) -> npt.NDArray[np.intp] | None:
        """Position of each prompt's domain in `domain_names`, where a limit needs it."""
        if self.domains is None or not self.domain_limits:
            return None
        code = {name: at for at, name in enumerate(self.domain_names)}
        return np.fromiter((code[name] for name in self.domains), np.intp, len(self))

    @property
    def restricts(self) -> bool:
        """Whether some choices are closed to some prompts."""
        return (
            self.max_cost_usd is not None
            or self.max_latency_s is not None
            or self.allowed is not None
            or self.eligibility is not None
            or self._has_infinite_latency
        )

    def rows(self, at: slice | npt.NDArray[np.intp]) -> Rows:
        """These prompts as arrays: views for a slice, copies for positions."""
        scores, reads = self.scores, self._reads
        latency = scores.latency[at] if self._reads_latency or self._has_infinite_latency else None
        windows = self.eligibility is not None and self.eligibility.has_windows
        tokens = call_tokens(scores, at) if "tokens" in reads or windows else None
        opened = self._open(at, latency, tokens) if self.restricts else None
        if latency is not None and (
            self._has_infinite_latency or len(self._latency_columns) < len(scores.models)
        ):
            latency = np.nan_to_num(latency, nan=0.0, posinf=0.0)  # closed or not read; 0 keeps sums finite
        return Rows(
            score=scores.p_correct[at],
            cost_usd=scores.cost_usd[at],
            latency_s=latency if self._reads_latency else None,
            tokens=tokens if "tokens" in reads else None,
            slow_above=np.inf if self.latency_tail is None else float(np.float32(self.latency_tail.above_s)),
            domain=None if self.domain_codes is None else self.domain_codes[at],
            weight=None if self.weights is None else np.asarray(self.weights)[at],
            allowed=opened,
            aim=self._aim,
        )

    @cached_property
    def _aim(self) -> Tables | None:
        return None if self.goal == "score" else {"cost_usd": np.ones((1, len(self.scores.models)))}

    @cached_property
    def _reads(self) -> frozenset[Quantity]:
        return frozenset(limit.quantity for limit in self.limits)

    @property
    def _reads_latency(self) -> bool:
        return self.max_latency_s is not None or not self._reads.isdisjoint(("latency_s", "slow"))

    @cached_property
    def _has_infinite_latency(self) -> bool:
        latency = self.scores.latency
        return any(bool(np.isposinf(latency[s : s + BLOCK]).any()) for s in range(0, len(self), BLOCK))

    @cached_property
    def _latency_columns(self) -> frozenset[int]:
        """Models whose latencies are read: that of a model's concurrency alone needs no other's."""
        if self.max_latency_s is not None:
            return frozenset(range(len(self.scores.models)))
        return self._columns_of("latency_s") | self._columns_of("slow")

    def _columns_of(self, quantity: Quantity) -> frozenset[int]:
        """Models of which a limit reads this quantity."""
        read = [limit.only.column for limit in self.limits if limit.quantity == quantity]
        every = range(len(self.scores.models))
        return frozenset(every if None in read else (column for column in read if column is not None))

    def _open(
        self, at: slice | npt.NDArray[np.intp], latency: Matrix | None, tokens: Matrix | None
    ) -> npt.NDArray[np.bool_]:
        cost = self.scores.cost_usd[at]
        mask = np.ones(cost.shape, np.bool_)
        if isinstance(self.allowed, np.ndarray):
            mask &= self.allowed if len(self.allowed) == 1 else self.allowed[at]
        if self.eligibility is not None:
            mask &= self.eligibility.open(at, tokens)
        if self.max_cost_usd is not None:
            mask &= cost <= np.asarray(self.max_cost_usd)[at, None]
        if latency is not None:
            mask &= latency != np.inf
        if self.max_latency_s is not None and latency is not None:
            mask &= latency <= np.asarray(self.max_latency_s)[at, None]
        return mask

    def _allowed_mask(self) -> npt.NDArray[np.bool_] | None:
        if self.allowed is None:
            return None
        shape = self.scores.p_correct.shape
        if isinstance(self.allowed, np.ndarray) and self.allowed.dtype == np.bool_:
            if self.allowed.shape != shape and self.allowed.shape != (1, shape[1]):
                raise InputError(
                    f"allowed has shape {self.allowed.shape}, the scores have {shape}: they must agree"
                )
            return self.allowed
        allowed = known_names("allowed", self.allowed, self.scores.models)
        return np.array([[name in allowed for name in self.scores.models]])

    def _check_names(self) -> None:
        if self.eligibility is None and self.pool is None and any(needed_tags(self.tags, len(self))):
            raise InputError("tags need the pool that says which model has which: give pool")
        _refuse_unknown("model_limits", self.model_limits, self.scores.models)
        if self.domain_limits and self.domains is None:
            raise InputError("domain_limits need the domain of each prompt: give domains")
        _refuse_unknown("domain_limits", self.domain_limits, [name for name in self.domain_names if name])

    def _check_predictions(self) -> None:
        if "tokens" in self._reads:
            require_tokens(self.scores, "max_tokens", self._columns_of("tokens"))
        if (
            any(limit.max_concurrency is not None for limit in self.model_limits.values())
            and not self.period_s
        ):
            raise InputError(
                "max_concurrency needs the seconds that the batch may take: give period_s above 0"
            )
        if self._reads_latency:
            require_latency(self.scores, _NEEDS_LATENCY, self._latency_columns)


def _refuse_unknown(field: str, names: Mapping[str, object] | Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"{field} names {', '.join(unknown)}; known: {', '.join(known)}")
