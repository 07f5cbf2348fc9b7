"""Policies that a contract may rest on: the router, or its cascades, at prices declared beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.data.curves import PRICES
from routoo.models.signals.answer_model import AnswerModel
from routoo.policies.contracts.calibration import Calibration
from routoo.policies.evidence import Evidence
from routoo.policies.replayed import replay_cascades
from routoo.solver.problem import Problem
from routoo.solver.select import best_at

Array = npt.NDArray[np.float64]

CASCADE_PRICES: Array = np.concatenate([PRICES[:1], PRICES[1::8]])
"""Score per USD at which cascades are tried: every eighth of those of a router."""

_AT_ONCE = 5  # prices: most of a long list are never looked at, since a sequence of tests ends early


@dataclass(frozen=True, eq=False)
class Candidate:
    """A policy on the calibration prompts.

    Args:
        price: Score per USD that it chooses at.
        chosen: The model whose answer each prompt gets, ``(n_prompts,)``.
        cost_usd: What all calls for it cost, likewise.
    """

    price: float
    chosen: npt.NDArray[np.intp]
    cost_usd: Array


def candidates(
    calibration: Calibration, *, max_calls: int = 1, answer_model: AnswerModel | None = None
) -> Iterator[Candidate]:
    """The policies at all prices, from dear to cheap, each made when it is asked for.

    Args:
        calibration: The prompts.
        max_calls: Most models that a prompt is sent to; with more than 1 they are cascades.
        answer_model: What answers tell, which cascades need.
    """
    if max_calls == 1 or answer_model is None:
        return _routed(calibration)
    return _cascades(calibration, answer_model, max_calls)


def _routed(calibration: Calibration) -> Iterator[Candidate]:
    rows = Problem(scores=calibration.scores, allowed=calibration.open_).rows(slice(None))
    everyone = np.arange(len(calibration.scores))
    for price in PRICES.tolist():
        chosen = best_at(rows, price)[0]
        yield Candidate(price, chosen, calibration.cost_usd[everyone, chosen])


def _cascades(calibration: Calibration, answer_model: AnswerModel, max_calls: int) -> Iterator[Candidate]:
    evidence = Evidence.of(calibration.outcomes, calibration.scores, answer_model)
    for at in range(0, len(CASCADE_PRICES), _AT_ONCE):
        found = replay_cascades(
            calibration.scores,
            answer_model.observation,
            evidence,
            cost_usd=calibration.cost_usd,
            prices=CASCADE_PRICES[at : at + _AT_ONCE],
            max_calls=max_calls,
            open_=calibration.open_,
        )
        yield from map(Candidate, found.prices.tolist(), found.chosen, found.cost_usd)
