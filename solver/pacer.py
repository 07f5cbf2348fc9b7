"""Pacing: a budget for a period, spent on prompts that come one at a time and were never seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.arguments import number, numbers, record, shown
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.solver.bookings import Booking, TrueCosts
from routoo.solver.eligibility import Tags
from routoo.solver.explain import closed_words
from routoo.solver.problem import Problem
from routoo.solver.rates import Rates
from routoo.solver.select import Selection
from routoo.solver.spending import SpendingCurve

_FORMAT = 2
_PRIOR_PROMPTS = 15.0
"""Prompts that a forecast of the volume counts for."""


class Pacer:
    """Keeps a budget over a period: the price of money follows what is left, for what is still to come.

    At every prompt the price is set anew to that at which the prompts still expected would cost what is
    left, by the mean cost at every price that prompts so far have shown (re-solving of the Lagrangian dual;
    Jasin and Kumar 2012, Balseiro, Besbes and Pizarro 2023). Two guards stand before the budget. A choice
    must leave enough for the cheapest answer to all prompts still expected. And what is left must cover
    it, and all calls under way, at worst: at the cost that `select` is told, which makes the budget a hard
    one; or else, at the largest ratio of true to predicted cost seen so far for this call, and four
    standard deviations above their sum for those under way.

    Where `select` is given the pool, its rates are kept too: requests and expected tokens of every minute,
    and calls under way at once, which are the tickets that were not settled.

    One object for one thread of control; `to_dict` is all that a restart needs.

    Args:
        budget_usd: Money for the period.
        expected_prompts: How many prompts are expected; may be left out where `select` is told the progress.
        calibration: Predictions for prompts like those to come; the price starts from them.
        half_life: Prompts after which one counts half: long for steady traffic, short for shifting.

    Raises:
        InputError: A number is NaN, negative or 0 where it must not be.

    >>> scores = Scores(np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), models=("large", "small"))
    >>> pacer = Pacer(0.05, expected_prompts=5, calibration=scores)
    >>> [pacer.select(scores).model for _ in range(5)]
    ['small', 'small', 'large', 'large', 'small']
    >>> round(pacer.spent_usd, 6)
    0.043
    """

    def __init__(
        self,
        budget_usd: float,
        *,
        expected_prompts: float | None = None,
        calibration: Scores | None = None,
        half_life: float = 2000.0,
    ) -> None:
        self.budget_usd: float = number("budget_usd", budget_usd)
        self.expected_prompts = (
            None if expected_prompts is None else number("expected_prompts", expected_prompts)
        )
        self.half_life = number("half_life", half_life)
        for name, value in (("expected_prompts", self.expected_prompts), ("half_life", self.half_life)):
            if value == 0:
                raise InputError(f"{name} must be above 0")
        if calibration is not None:
            record("calibration", calibration, Scores)
        self.seen = 0
        self.price = 0.0
        self._settled_usd = 0.0
        self._under_way: dict[int, Booking] = {}
        self._told = TrueCosts()
        self._rates = Rates()
        self._curve = None if calibration is None else SpendingCurve.of(calibration, half_life=self.half_life)

    @property
    def spent_usd(self) -> float:
        """Money spent: true costs where they were told, expected ones of the calls under way."""
        return self._settled_usd + sum(booking.expected_usd for booking in self._under_way.values())

    @property
    def left_usd(self) -> float:
        """Money that is left, at least 0."""
        return max(self.budget_usd - self.spent_usd, 0.0)

    def select(
        self,
        scores: Scores,
        *,
        progress: float | None = None,
        worst_cost_usd: Sequence[float] | npt.NDArray[np.floating] | None = None,
        max_cost_usd: float | None = None,
        max_latency_s: float | None = None,
        allowed: Sequence[str] | None = None,
        pool: Pool | None = None,
        tags: Tags | None = None,
        now_s: float | None = None,
    ) -> Selection:
        """The model for the next prompt, with a ticket for its true cost.

        Args:
            scores: Predictions for one prompt.
            progress: Share of the period that has passed, 0 to 1; needed where volume is not known.
            worst_cost_usd: What a call can cost at worst, by model (from a cap on output tokens, say): with
                it the budget holds whatever the predictions are worth.
            max_cost_usd: Most money for this prompt.
            max_latency_s: Most seconds for this prompt.
            allowed: Models that may be chosen, by name.
            pool: What is stated of the models: context windows, tags, and the rates that are kept.
            tags: Tags that the model must have, all of them.
            now_s: The time in seconds, by a clock that never goes back; needed where the pool states requests
                or tokens per minute.

        Raises:
            InputError: Not one prompt, a limit out of range, neither volume nor progress known, or a rate
                without the time or the tokens that it is held against.
            InfeasibleError: No model keeps the prompt's limits, all are at their rates, or the budget is
                spent; it says which.
        """
        if len(record("scores", scores, Scores)) != 1:
            raise InputError(f"a pacer takes one prompt at a time, got {len(scores)}; use assign for a batch")
        problem = Problem(
            scores=scores,
            max_cost_usd=max_cost_usd,
            max_latency_s=max_latency_s,
            allowed=allowed,
            pool=pool,
            tags=tags,
        )
        expected = self._still_expected(progress)
        opened = problem.rows(slice(None)).allowed
        open_ = np.ones(len(scores.models), np.bool_) if opened is None else opened[0]
        if not open_.any():
            raise InfeasibleError(closed_words(problem, 0))
        if pool is not None:
            calls = Counter(booking.model for booking in self._under_way.values())
            open_ = self._rates.free(problem.scores, pool, open_, calls=calls, now_s=now_s)
        self.seen += 1
        self._learn(scores, open_)
        booking, at = self._choose(scores, open_, expected, worst_cost_usd)
        ticket = self.seen
        self._under_way[ticket] = booking
        if pool is not None:
            self._rates.count(problem.scores, pool, at)
        return Selection(
            scores.models[at],
            float(scores.p_correct[0, at]),
            float(scores.cost_usd[0, at]),
            float(scores.latency[0, at]),
            self.price,
            ticket,
        )

    def settle(self, ticket: int | None, cost_usd: float) -> None:
        """Takes the true cost of a call, at any time after it was chosen.

        Raises:
            InputError: The ticket is unknown or was settled before, or the cost is NaN or negative.
        """
        cost_usd = number("cost_usd", cost_usd, finite=True)
        booking = self._under_way.pop(ticket, None) if isinstance(ticket, int) else None
        if booking is None:
            raise InputError(f"ticket {shown(ticket)} is not open: it was settled before, or never given out")
        self._settled_usd += cost_usd
        self._told.learn(booking.predicted_usd, cost_usd)

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The whole state in plain numbers, a few kilobytes of JSON."""
        curve = self._curve
        return {
            "format": _FORMAT,
            "budget_usd": self.budget_usd,
            "expected_prompts": self.expected_prompts,
            "half_life": self.half_life,
            "seen": self.seen,
            "price": self.price,
            "settled_usd": self._settled_usd,
            "under_way": {str(ticket): asdict(booking) for ticket, booking in self._under_way.items()},
            "told": asdict(self._told),
            "rates": self._rates.to_dict(),
            "curve": None if curve is None else curve.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Pacer:  # Any: a JSON document
        """The pacer that `to_dict` described.

        Raises:
            InputError: The state is of another format, or something is missing from it.
        """
        found = record("state", state, dict).get("format")
        if not isinstance(found, int) or found != _FORMAT:
            raise InputError(f"pacer state has format {shown(found)}, this version reads {_FORMAT}")
        try:
            pacer = cls(
                state["budget_usd"],
                expected_prompts=state["expected_prompts"],
                half_life=state["half_life"],
            )
            pacer.seen = number("seen", state["seen"], whole=True)
            pacer.price, pacer._settled_usd = (number(name, state[name]) for name in ("price", "settled_usd"))
            pacer._under_way = {int(ticket): Booking(**it) for ticket, it in state["under_way"].items()}
            pacer._told = TrueCosts(**state["told"])
            pacer._rates = Rates.from_dict(state["rates"])
            if state["curve"] is not None:
                pacer._curve = SpendingCurve.from_dict(state["curve"], half_life=pacer.half_life)
        except InputError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"pacer state is not whole: {error!r}") from None
        return pacer

    def _still_expected(self, progress: float | None) -> float:
        """Prompts to come, this one among them, by the forecast and the pace so far."""
        forecast = self.expected_prompts
        if progress is None:
            if forecast is None:
                raise InputError(
                    "a pacer needs expected_prompts, or the progress of the period at each select"
                )
            return float(max(forecast - self.seen, 1.0))
        progress = float(number("progress", progress, most=1))
        prior = 0.0 if forecast is None else min(_PRIOR_PROMPTS, forecast)
        passed = progress + (0.0 if forecast is None else prior / forecast)
        pace = (self.seen + 1 + prior) / max(passed, 1.0 / (self.seen + _PRIOR_PROMPTS))
        return max(pace * (1.0 - progress), 1.0)

    def _learn(self, scores: Scores, open_: npt.NDArray[np.bool_]) -> None:
        """Counts the prompt in where the price is set."""
        if self._curve is None:
            self._curve = SpendingCurve.of(scores, half_life=self.half_life)
        else:
            cost = np.where(open_, scores.cost_usd[0].astype(np.float64), np.inf)
            self._curve.learn(scores.p_correct.astype(np.float64), cost[None])

    def _choose(
        self,
        scores: Scores,
        open_: npt.NDArray[np.bool_],
        expected: float,
        worst_cost_usd: Sequence[float] | npt.NDArray[np.floating] | None,
    ) -> tuple[Booking, int]:
        """The choice at the price for what is left, behind the two guards."""
        assert self._curve is not None  # for the type checker: the prompt was counted in
        p, cost = scores.p_correct[0].astype(np.float64), scores.cost_usd[0].astype(np.float64)
        correction = self._told.correction
        worst = (
            cost * self._told.most if worst_cost_usd is None else numbers("worst_cost_usd", worst_cost_usd)
        )
        if worst.shape != cost.shape or not (worst >= 0).all():
            raise InputError(f"worst_cost_usd must be a number of at least 0 for each of {len(cost)} models")
        uncommitted = self.budget_usd - self._settled_usd - self._told.at_worst(self._under_way.values())
        covered = open_ & (worst <= uncommitted)
        if not covered.any():
            raise InfeasibleError(
                f"budget_usd {self.budget_usd:g} is spent: {max(uncommitted, 0.0):.6g} USD is not committed, "
                f"and the cheapest model may cost {worst[open_].min():.6g}"
            )
        spare = self.left_usd - (expected - 1) * self._curve.cheapest_usd * correction
        frugal = covered & (cost * correction <= spare)
        self.price = self._curve.price_for(self.left_usd / expected / correction)
        if frugal.any():
            at = int(np.lexsort((cost, -np.where(frugal, p - self.price * cost, -np.inf)))[0])
        else:
            at = int(np.where(covered, cost, np.inf).argmin())
        told = None if worst_cost_usd is None else float(worst[at])
        return Booking(scores.models[at], float(cost[at]), float(cost[at] * correction), told), at
