"""Cascades over recorded answers: whom they would have asked at each price, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from routoo.data.observation import ObservationModel
from routoo.data.scores import Scores
from routoo.policies.evidence import Evidence
from routoo.solver.cascade.belief import Beliefs
from routoo.solver.cascade.course import Course, replayed
from routoo.solver.cascade.terms import Terms

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class ReplayedCascades:
    """What cascades did at each of some prices.

    Args:
        prices: Score per USD, ``(n_prices,)``.
        asked: Models in the order in which they were asked, -1 after the last, ``(n_prices, n_prompts,
            most_calls)``.
        chosen: The model whose answer was given, ``(n_prices, n_prompts)``.
        p_correct: What was believed of that answer in the end, likewise.
        cost_usd: What all calls for a prompt cost, likewise.
        latency_s: Seconds to the last answer, likewise; NaN where those of an asked model are not known.
    """

    prices: Array
    asked: Positions
    chosen: Positions
    p_correct: Array
    cost_usd: Array
    latency_s: Array

    @property
    def calls(self) -> Positions:
        """How many models were asked, ``(n_prices, n_prompts)``."""
        return np.asarray((self.asked >= 0).sum(2), np.intp)

    def realised(self, value: npt.NDArray[np.floating]) -> Array:
        """`value` ``(n_prompts, n_models)`` of the answers given, ``(n_prices, n_prompts)``."""
        return np.asarray(value[np.arange(self.chosen.shape[1]), self.chosen], np.float64)

    def wasted_usd(self, cost_usd: npt.NDArray[np.floating]) -> Array:
        """What was paid for answers that were not given, ``(n_prices, n_prompts)``.

        Args:
            cost_usd: Of a call to each model, ``(n_prompts, n_models)``.
        """
        return np.asarray(self.cost_usd - self.realised(cost_usd), np.float64)


def replay_cascades(
    scores: Scores,
    observation: ObservationModel,
    evidence: Evidence,
    *,
    cost_usd: npt.NDArray[np.floating],
    prices: Array,
    max_calls: int = 3,
    latency_s: npt.NDArray[np.floating] | None = None,
    open_: npt.NDArray[np.bool_] | None = None,
) -> ReplayedCascades:
    """What cascades would have done over recorded answers at each price.

    Args:
        scores: What was predicted of each prompt, in the order of the models of `observation`.
        observation: What answers tell.
        evidence: What the recorded answers say.
        cost_usd: What a call to each model cost, ``(n_prompts, n_models)``.
        prices: Score that a dollar must buy, ``(n_prices,)``.
        max_calls: Most models that a prompt may ask.
        latency_s: Seconds that a call took, ``(n_prompts, n_models)``, NaN where they are not known.
        open_: Models that a prompt may be sent to, likewise; all where it is left out.
    """
    n, width = len(scores), len(prices)
    prompt = np.repeat(np.arange(n), width)
    terms = Terms.of(
        scores.cost_usd[prompt],
        price=np.tile(prices, n),
        calls_left=max_calls,
        open_=None if open_ is None else open_[prompt],
    )
    seconds = np.zeros(cost_usd.shape) if latency_s is None else latency_s.astype(np.float64)
    course = Course(Beliefs.start(scores.p_correct, observation), terms, prompt)
    replayed(course, evidence.log_ratio, evidence.code, cost_usd.astype(np.float64), seconds)
    chosen, p_correct = course.settled

    def by_price(value: npt.NDArray[T]) -> npt.NDArray[T]:
        return np.moveaxis(value.reshape(n, width, *value.shape[1:]), 1, 0)

    return ReplayedCascades(
        prices,
        by_price(course.asked),
        by_price(chosen),
        by_price(p_correct),
        by_price(course.spent),
        by_price(course.seconds if latency_s is not None else np.full(n * width, np.nan)),
    )
