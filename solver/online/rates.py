"""Rates: what each model was given in the last minute, held against what the pool states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number, record
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.solver.usage import call_tokens, require_tokens

_MINUTE = 60


@dataclass(frozen=True)
class Wait:
    """Why a model cannot take a call now, and when it can.

    Args:
        seconds: Until the call fits; infinity where it never does, or nobody knows when.
        words: The rate that the model is at.
    """

    seconds: float
    words: str


@dataclass
class Rates:
    """Requests and tokens that models were given in the last minute, counted by whole seconds.

    A second counts until all of it is more than a minute ago: no 60 seconds, wherever they start, hold more
    than the pool states.

    Args:
        now_s: The latest time that was reported.
        given: Requests and tokens by model and second.
    """

    now_s: float | None = None
    given: dict[str, dict[int, tuple[int, float]]] = field(default_factory=dict)

    def tick(self, now_s: float) -> None:
        """Moves the clock on, and forgets what is over; an earlier time than the latest counts as that.

        Raises:
            InputError: The time is not a finite number of at least 0.
        """
        self.now_s = max(number("now_s", now_s, finite=True), self.now_s or 0.0)
        for name, seconds in self.given.items():
            self.given[name] = {at: used for at, used in seconds.items() if _over(at) > self.now_s}

    def free(
        self,
        scores: Scores,
        pool: Pool,
        open_: npt.NDArray[np.bool_],
        *,
        calls: Mapping[str, int],
        timed: bool,
    ) -> npt.NDArray[np.bool_]:
        """Which of the models that are open to a prompt can take it now, ``(n_models,)``.

        Args:
            scores: Predictions for the prompt.
            pool: What is stated of the models.
            open_: Models that are open, ``(n_models,)``.
            calls: Calls under way, by model.
            timed: Whether the time was reported, which requests and tokens per minute need.

        Raises:
            InputError: The time is needed and was not reported, or tokens that are limited are not predicted.
            InfeasibleError: None of them can; the message says what each is at.
        """
        models = pool.select(scores.models).models
        if not timed and (rated := [model.name for model in models if _has_rate(model)]):
            raise InputError(f"the pool states rates per minute ({', '.join(rated)}): give the time as now_s")
        waits = {
            model.name: self._wait(model, _tokens(scores, model), calls.get(model.name, 0))
            for model, may in zip(models, open_, strict=True)
            if may
        }
        held = {name: wait for name, wait in waits.items() if wait is not None}
        if len(held) == len(waits):
            raise InfeasibleError(_words(held))
        return np.array([name in waits and name not in held for name in scores.models])

    def count(self, scores: Scores, pool: Pool, at: int) -> None:
        """Counts in the call of a prompt to the model of this column, at the time reported last."""
        model = pool[scores.models[at]]
        if not _has_rate(model):
            return
        seconds, now = self.given.setdefault(model.name, {}), math.floor(self._now)
        requests, tokens = seconds.get(now, (0, 0.0))
        seconds[now] = (requests + 1, tokens + _tokens(scores, model))

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The state in plain numbers."""
        given = {name: [[at, *used] for at, used in seconds.items()] for name, seconds in self.given.items()}
        return {"now_s": self.now_s, "given": given}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The rates that `to_dict` described."""
        given = {
            name: {int(at): (int(count), float(used)) for at, count, used in seconds}
            for name, seconds in record("rates", state, dict)["given"].items()
        }
        return cls(state["now_s"], given)

    @property
    def _now(self) -> float:
        return self.now_s or 0.0

    def _wait(self, model: PoolModel, tokens: float, calls: int) -> Wait | None:
        """What keeps a call of so many tokens from a model now; None where nothing does."""
        if model.concurrency is not None and calls + 1 > model.concurrency:
            return Wait(math.inf, f"concurrency {model.concurrency:,}, until a call under way is settled")
        most_requests = math.inf if model.requests_per_minute is None else model.requests_per_minute
        most_tokens = math.inf if model.tokens_per_minute is None else model.tokens_per_minute
        left = dict(self.given.get(model.name, {}))

        def at_rate() -> str | None:
            if sum(count for count, _ in left.values()) + 1 > most_requests:
                return f"requests_per_minute {most_requests:,}"
            if sum(used for _, used in left.values()) + tokens > most_tokens:
                return f"tokens_per_minute {most_tokens:,}, of which the prompt takes {tokens:,.0f}"
            return None

        words = at_rate()
        if words is None:
            return None
        for second in sorted(left):
            del left[second]
            if at_rate() is None:
                return Wait(_over(second) - self._now, words)
        return Wait(math.inf, words)


def _has_rate(model: PoolModel) -> bool:
    return model.requests_per_minute is not None or model.tokens_per_minute is not None


def _tokens(scores: Scores, model: PoolModel) -> float:
    """Tokens of the call of one prompt to a model, 0 where these are not limited."""
    if model.tokens_per_minute is None:
        return 0.0
    column = scores.models.index(model.name)
    require_tokens(scores, "tokens_per_minute", [column])
    return float(call_tokens(scores, slice(None))[0, column])


def _over(second: int) -> float:
    """When what was given in this second no longer counts."""
    return float(second + 1 + _MINUTE)


def _words(held: Mapping[str, Wait]) -> str:
    """What models that cannot take a prompt are at, and when the first can."""
    soonest = min(wait.seconds for wait in held.values())
    until = "" if math.isinf(soonest) else f"; the first is free in {soonest:.3g} s"
    named = "; ".join(f"{name} is at {wait.words}" for name, wait in held.items())
    return f"no model that is open to the prompt is free: {named}{until}"
