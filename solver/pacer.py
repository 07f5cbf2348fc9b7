"""Pacing: a budget for a period, spent on prompts that come one at a time and were never seen before."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from routoo.data.checks.arguments import number, numbers, record, shown
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.solver.eligibility import Tags
from routoo.solver.online.bookings import Booking, Lifetime
from routoo.solver.online.purse import Purse
from routoo.solver.online.rates import Rates
from routoo.solver.online.spending import SpendingCurve
from routoo.solver.online.volume import ToCome, Volume
from routoo.solver.problem import Problem
from routoo.solver.results.infeasible import unserved
from routoo.solver.select import Selection
from routoo.solver.sums.rows import Floats

_FORMAT = 4

_SPARE_SHARE = 0.015
"""Share of the budget that may be held back beyond what the prompts expected will cost at least."""

_DEVIATIONS = 6.0
"""Standard deviations of what these cost at least that are held back, were each as large as the mean."""


class Pacer:
    """Keeps a budget over a period: the price of money follows what is left, for what is still to come.

    At every prompt the price is set anew to that at which the prompts still expected would cost what is
    left, by the mean cost at every price that prompts so far have shown (re-solving of the Lagrangian dual;
    Jasin and Kumar 2012, Balseiro, Besbes and Pizarro 2023). A choice must leave enough for the cheapest
    answer to every prompt still expected, else the cheapest model is taken. And it is reserved for: true
    costs reported and the reserves of all calls under way never exceed the budget. A reserve is the cost at
    worst that `select` was given, or else what true costs so far let expect, with a margin for their spread.
    So the budget is overspent at most by what calls under way cost beyond their reserves.

    Where `select` is given the pool, its rates are kept too: requests and expected tokens of every minute
    and day, and calls under way at once, which are the tickets that are open.

    `docs/solver.md` states what holds and what does not. Threads may share a pacer; `to_dict` is all that a
    restart needs.

    Args:
        budget_usd: Money for the period.
        expected_prompts: How many prompts are expected; may be left out where `select` is given the progress.
        most_prompts: How many there may be at most: money is held back for the cheapest answers to all of
            these. When None, for twice those expected, as far as 1.5 % of the budget goes.
        calibration: Predictions for prompts like those to come; the price starts from them.
        half_life: Prompts after which one counts half: long for steady traffic, short for shifting.
        expire_after: Prompts after which a ticket that was not settled is closed at its reserve.
        expire_after_s: Seconds after which it is; never, when None.

    Raises:
        InputError: A number is NaN, infinite, negative or 0 where it must not be.

    >>> scores = Scores(np.array([[0.9, 0.4]]), np.array([[0.02, 0.001]]), models=("large", "small"))
    >>> pacer = Pacer(0.05, expected_prompts=5, calibration=scores)
    >>> [pacer.select(scores).model for _ in range(5)]
    ['small', 'small', 'small', 'large', 'large']
    >>> round(pacer.spent_usd, 6)
    0.043
    """

    def __init__(
        self,
        budget_usd: float,
        *,
        expected_prompts: float | None = None,
        most_prompts: float | None = None,
        calibration: Scores | None = None,
        half_life: float = 2000.0,
        expire_after: float = 20_000.0,
        expire_after_s: float | None = None,
    ) -> None:
        lifetime = Lifetime(
            _positive("expire_after", expire_after),
            None if expire_after_s is None else _positive("expire_after_s", expire_after_s),
        )
        self._purse = Purse(number("budget_usd", budget_usd, finite=True), lifetime)
        self.half_life = _positive("half_life", half_life)
        self.most_prompts = None if most_prompts is None else _positive("most_prompts", most_prompts)
        if calibration is not None:
            record("calibration", calibration, Scores)
        self.price = 0.0
        self._volume = Volume(
            None if expected_prompts is None else _positive("expected_prompts", expected_prompts)
        )
        self._rates = Rates()
        self._curve = SpendingCurve.of(calibration, half_life=self.half_life)
        self._lock = threading.RLock()

    @property
    def seen(self) -> int:
        """Prompts that came and had a model open to them, those included that the budget did not allow."""
        return self._volume.seen

    @property
    def expired(self) -> int:
        """Tickets that expired."""
        return self._purse.expired

    @property
    def budget_usd(self) -> float:
        """Money for the period."""
        return self._purse.budget_usd

    @property
    def spent_usd(self) -> float:
        """Money spent: true costs that were reported, reserves of tickets that expired, and the expected
        costs of calls under way."""
        return self._purse.spent_usd

    @property
    def left_usd(self) -> float:
        """Money that is left, at least 0."""
        return self._purse.left_usd

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
            progress: Share of the period that has passed, 0 to 1; needed where volume is not known. One that
                is smaller than the latest counts as that.
            worst_cost_usd: What a call can cost at worst, by model (from a cap on output tokens, say): with
                it the budget holds whatever the predictions are worth.
            max_cost_usd: Most money for this prompt.
            max_latency_s: Most seconds for this prompt.
            allowed: Models that may be chosen, by name.
            pool: What is stated of the models: context windows, tags, and the rates that are kept.
            tags: Tags that the model must have, all of them.
            now_s: The time in seconds, by any clock; needed where the pool states requests or tokens per
                minute or day, or tickets expire by time. One that is earlier than the latest counts as that.

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
        opened = problem.rows(slice(None)).allowed
        open_ = np.ones(len(scores.models), np.bool_) if opened is None else opened[0]
        if not open_.any():
            raise InfeasibleError(str(unserved(problem)))
        worst = None if worst_cost_usd is None else numbers("worst_cost_usd", worst_cost_usd)
        if worst is not None and (worst.shape != open_.shape or not (worst >= 0).all()):
            raise InputError(f"worst_cost_usd must be a number of at least 0 for each of {len(open_)} models")
        with self._lock:
            self._tick(now_s)
            if pool is not None:
                open_ = self._rates.free(
                    problem.scores, pool, open_, calls=self._purse.bookings.calls, timed=now_s is not None
                )
            to_come = self._volume.to_come(progress, self.most_prompts)
            self._volume.seen += 1
            ticket = self._volume.seen
            self._purse.expire(ticket, self._rates.now_s)
            self._curve.learn(scores.p_correct[0, open_], scores.cost_usd[0, open_])
            at = self._choose(scores, open_, to_come, worst)
            stated = None if worst is None else float(worst[at])
            cost = float(scores.cost_usd[0, at])
            self._purse.bookings.add(ticket, Booking(scores.models[at], cost, stated, self._rates.now_s))
            if pool is not None:
                self._rates.count(problem.scores, pool, at)
            score, latency = float(scores.p_correct[0, at]), float(scores.latency[0, at])
            return Selection(scores.models[at], score, cost, latency, self.price, ticket)

    def settle(self, ticket: int | None, cost_usd: float) -> None:
        """Takes the true cost of a call, at any time after it was chosen and before its ticket expires.

        Raises:
            InputError: The ticket is not open, or the cost is unknown, NaN, infinite or negative.
        """
        cost_usd = number("cost_usd", cost_usd, finite=True)
        known = isinstance(ticket, int | np.integer) and not isinstance(ticket, bool)
        with self._lock:
            if not (known and self._purse.settle(int(ticket or 0), cost_usd)):
                raise InputError(
                    f"ticket {shown(ticket)} is not open: it was settled before, never given out, or "
                    f"expired after {self._purse.lifetime}"
                )

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The whole state as JSON has it: some six kilobytes, and six bytes for every open ticket."""
        with self._lock:
            return {
                "format": _FORMAT,
                "most_prompts": self.most_prompts,
                "half_life": self.half_life,
                "price": self.price,
                "volume": asdict(self._volume),
                "purse": self._purse.to_dict(),
                "rates": self._rates.to_dict(),
                "curve": self._curve.to_dict(),
            }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Pacer:  # Any: a JSON document
        """The pacer that `to_dict` described, which chooses as that would have.

        Raises:
            InputError: The state is of another format, or something is missing from it.
        """
        found = record("state", state, dict).get("format")
        if not isinstance(found, int) or found != _FORMAT:
            raise InputError(f"pacer state has format {shown(found)}, this version reads {_FORMAT}")
        try:
            state = json.loads(json.dumps(state))  # nothing but what JSON holds
            purse = Purse.from_dict(state["purse"])
            pacer = cls(purse.budget_usd, most_prompts=state["most_prompts"], half_life=state["half_life"])
            pacer._purse = purse
            pacer.price = number("price", state["price"])
            pacer._volume = Volume.from_dict(state["volume"])
            pacer._rates = Rates.from_dict(state["rates"])
            pacer._curve = SpendingCurve.from_dict(state["curve"], half_life=pacer.half_life)
        except InputError:
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise InputError(f"pacer state is not whole: {error!r}") from None
        return pacer

    def __reduce__(self) -> tuple[Any, ...]:  # Any: what pickle calls
        return Pacer.from_dict, (self.to_dict(),)

    def _tick(self, now_s: float | None) -> None:
        if now_s is not None:
            self._rates.tick(now_s)
        elif self._purse.lifetime.seconds is not None:
            raise InputError("tickets expire after expire_after_s seconds: give the time as now_s")

    def _choose(
        self, scores: Scores, open_: npt.NDArray[np.bool_], to_come: ToCome, worst: Floats | None
    ) -> int:
        """The column of the choice at the price for what is left, behind the two guards."""
        p, cost = scores.p_correct[0].astype(np.float64), scores.cost_usd[0].astype(np.float64)
        free = self._purse.free(cost, worst)
        covered = open_ & (free >= 0)
        if not covered.any():
            raise InfeasibleError(
                f"budget_usd {self.budget_usd:g} is spent: with what calls under way may cost, the cheapest "
                f"model may exceed it by {float(-free[open_].max()):.6g} USD"
            )
        spare, ratio = self._spare_usd(to_come), self._purse.true_costs.ratio
        frugal = covered & (free >= ratio * self._curve.cheapest_usd * (to_come.foretold - 1.0) + spare)
        self.price = self._curve.price_for((self.left_usd - spare) / to_come.likely / ratio)
        if frugal.any():
            return int(np.lexsort((cost, -np.where(frugal, p - self.price * cost, -np.inf)))[0])
        return int(np.where(covered, cost, np.inf).argmin())

    def _spare_usd(self, to_come: ToCome) -> float:
        """Money held back beyond what prompts that were foretold cost at least: for chance, and for more."""
        more = to_come.most - to_come.foretold + _DEVIATIONS * math.sqrt(to_come.most)
        spare = self._purse.true_costs.ratio * self._curve.cheapest_usd * more
        return spare if self.most_prompts is not None else min(spare, _SPARE_SHARE * self.budget_usd)


def _positive(name: str, value: float) -> float:
    found: float = number(name, value, finite=True)
    if found == 0:
        raise InputError(f"{name} must be above 0")
    return found
