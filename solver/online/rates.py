"""Rates: what each model was given in the last minute and day, held against what the pool states."""

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
from routoo.data.rates import WINDOWS_S, Rate, rates_of
from routoo.data.scores import Scores
from routoo.solver.usage import call_tokens, require_tokens

_PARTS = 60
"""Parts of a window in which what was given is counted: seconds of a minute, 24 minutes of a day."""

Given = dict[int, tuple[int, float]]
"""Requests and tokens, by the part of time in which they were given."""


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
    """Requests and tokens that models were given in the last minute and day, counted by sixtieths of these.

    A part counts until all of it is longer ago than the window: no 60 seconds, wherever they start, hold more
    than the pool states, and no day.

    Args:
        now_s: The latest time that was reported.
        given: What was given by model and window.
    """

    now_s: float | None = None
    given: dict[str, dict[str, Given]] = field(default_factory=dict)

    def tick(self, now_s: float) -> None:
        """Moves the clock on, and forgets what is over; an earlier time than the latest counts as that.

        Raises:
            InputError: The time is not a finite number of at least 0.
        """
        self.now_s = max(number("now_s", now_s, finite=True), self.now_s or 0.0)
        for windows in self.given.values():
            for per, parts in windows.items():
                windows[per] = {at: used for at, used in parts.items() if _over(per, at) > self.now_s}

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
            timed: Whether the time was reported, which rates need.

        Raises:
            InputError: The time is needed and was not reported, or tokens that are limited are not predicted.
            InfeasibleError: None of them can; the message says what each is at.
        """
        models = pool.select(scores.models).models
        if not timed and (rated := [model.name for model in models if rates_of(model)]):
            raise InputError(f"the pool states rates ({', '.join(rated)}): give the time as now_s")
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
        for rate in rates_of(model):
            parts = self.given.setdefault(model.name, {}).setdefault(rate.per, {})
            now = math.floor(self._now / _part_s(rate.per))
            requests, tokens = parts.get(now, (0, 0.0))
            parts[now] = (requests + 1, tokens + _tokens(scores, model))

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The state in plain numbers."""
        given = {
            name: {per: [[at, *used] for at, used in parts.items()] for per, parts in windows.items()}
            for name, windows in self.given.items()
        }
        return {"now_s": self.now_s, "given": given}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:  # Any: a JSON document
        """The rates that `to_dict` described."""
        given = {
            name: {
                per: {int(at): (int(count), float(used)) for at, count, used in parts}
                for per, parts in windows.items()
                if WINDOWS_S[per]
            }
            for name, windows in record("rates", state, dict)["given"].items()
        }
        return cls(state["now_s"], given)

    @property
    def _now(self) -> float:
        return self.now_s or 0.0

    def _wait(self, model: PoolModel, tokens: float, calls: int) -> Wait | None:
        """What keeps a call of so many tokens from a model now; None where nothing does."""
        if model.concurrency is not None and calls + 1 > model.concurrency:
            return Wait(math.inf, f"concurrency {model.concurrency:,}, until a call under way is settled")
        waits = [self._wait_of(model.name, rate, tokens) for rate in rates_of(model)]
        return max((wait for wait in waits if wait is not None), key=lambda wait: wait.seconds, default=None)

    def _wait_of(self, name: str, rate: Rate, tokens: float) -> Wait | None:
        """What one rate has a call of so many tokens wait for; None where it has not."""
        left = dict(self.given.get(name, {}).get(rate.per, {}))

        def at_rate() -> str | None:
            requests, used = (
                (sum(column) for column in zip(*left.values(), strict=True)) if left else (0, 0.0)
            )
            return rate.passed(requests + 1, used + tokens)

        words = at_rate()
        if words is None:
            return None
        if words.startswith("tokens"):
            words += f", of which the prompt takes {tokens:,.0f}"
        for part in sorted(left):
            del left[part]
            if at_rate() is None:
                return Wait(_over(rate.per, part) - self._now, words)
        return Wait(math.inf, words)


def _tokens(scores: Scores, model: PoolModel) -> float:
    """Tokens of the call of one prompt to a model, 0 where these are not limited."""
    limited = [f"tokens_per_{rate.per}" for rate in rates_of(model) if rate.tokens < math.inf]
    if not limited:
        return 0.0
    column = scores.models.index(model.name)
    require_tokens(scores, limited[0], [column])
    return float(call_tokens(scores, slice(None))[0, column])


def _part_s(per: str) -> int:
    """Seconds of a part of a window."""
    return WINDOWS_S[per] // _PARTS


def _over(per: str, part: int) -> float:
    """When what was given in this part of a window no longer counts."""
    return float((part + 1) * _part_s(per) + WINDOWS_S[per])


def _words(held: Mapping[str, Wait]) -> str:
    """What models that cannot take a prompt are at, and when the first can."""
    soonest = min(wait.seconds for wait in held.values())
    until = "" if math.isinf(soonest) else f"; the first is free in {soonest:.3g} s"
    named = "; ".join(f"{name} is at {wait.words}" for name, wait in held.items())
    return f"no model that is open to the prompt is free: {named}{until}"
