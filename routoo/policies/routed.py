"""Cascades of a router: its predictions, its answer model, and the members of its pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from routoo.collect.kept_answers import KeptAnswers
from routoo.data.checks.arguments import known_names, number
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.pool import Pool
from routoo.data.request import Request
from routoo.data.scores import Scores
from routoo.members.calling import Retries
from routoo.members.member import Member
from routoo.members.registry import members_of
from routoo.models.signals.answer_model import AnswerModel
from routoo.policies.cascade import MOST_CALLS, Cascade
from routoo.policies.cascade_answer import CascadeAnswer, CascadeAnswers, OnSettled
from routoo.solver.eligibility import Tags
from routoo.solver.limits import PerPrompt
from routoo.solver.problem import Problem
from routoo.solver.results.infeasible import unserved

if TYPE_CHECKING:
    from routoo.solver.pacer import Pacer


@dataclass(frozen=True, eq=False, kw_only=True)
class RoutedCascade:
    """Answers prompts by a router's cascades.

    Args:
        pool: The models that the router chooses from.
        answer_model: What their answers tell; None where the router does not know.
        usual_price: Score that a dollar must buy unless a price is given (`Router.default_price`).
        members: Who answers, by name; the models of the pool that say how they are called, when
            not given.
        max_calls: Most models that a prompt may ask.
        price: Score that a dollar must buy; as in `Router.select` when not given.
        price_s: Score that a second must buy.
        max_cost_usd: Most that the calls for one prompt may be expected to cost together.
        max_latency_s: Seconds within which a prompt must have its answer, one for all or one each.
        models: Names that may be asked; all when not given.
        tags: Tags that a model must have in the pool, all of them.
        retries: See `Cascade`.
        kept: Likewise.
        lapsed: See `CascadeAnswer`.

    Raises:
        InputError: The router does not know what answers tell, or a value cannot be used.
    """

    pool: Pool
    answer_model: AnswerModel | None
    usual_price: float | None
    members: Mapping[str, Member] | None = None
    max_calls: int = MOST_CALLS
    price: float | None = None
    price_s: float = 0.0
    max_cost_usd: float | None = None
    max_latency_s: PerPrompt | None = None
    models: Sequence[str] | None = None
    tags: Tags | None = None
    retries: Retries | None = None
    kept: KeptAnswers | None = None
    lapsed: str | None = None

    def __post_init__(self) -> None:
        if self.price is not None:
            number("price", self.price, finite=True)
        self._cascade(self._price)  # refuses what it cannot use before anything is asked

    async def run(
        self,
        requests: Sequence[Request],
        scores: Scores,
        *,
        budget_usd: float | None = None,
        on_settled: OnSettled | None = None,
    ) -> CascadeAnswers:
        """What comes of these prompts; see `Cascade.run`.

        Raises:
            InputError: A value cannot be used.
            InfeasibleError: A prompt has no model within the limits.
        """
        if budget_usd is not None and self.price is not None:
            raise InputError("a budget sets the price itself: leave price out, or the budget")
        cascade = self._cascade(self._price)
        found = await cascade.run(
            requests, scores, open_=self._open(scores), budget_usd=budget_usd, on_settled=on_settled
        )
        if self.lapsed is None:
            return found
        return replace(found, answers=tuple(replace(came, lapsed=self.lapsed) for came in found))

    async def paced(
        self, request: Request, scores: Scores, pacer: Pacer, *, progress: float | None, now_s: float | None
    ) -> CascadeAnswer:
        """What comes of one prompt at the price of a pacer, which is then given what all calls cost.

        A call whose cost nobody knows counts as it was expected.

        Raises:
            InfeasibleError: No model keeps the limits, or the pacer's budget has nothing left.
        """
        if self.price is not None:
            raise InputError("a pacer sets the price itself: leave price out, or the pacer")
        choice = pacer.select(
            scores,
            progress=progress,
            now_s=now_s,
            max_cost_usd=self.max_cost_usd,
            max_latency_s=None if self.max_latency_s is None else float(np.min(self.max_latency_s)),
            allowed=None if self.models is None else known_names("models", self.models, scores.models),
            pool=self.pool,
            tags=self.tags,
        )
        left = pacer.left_usd + choice.cost_usd  # its own reserve included
        capped = left if self.max_cost_usd is None else min(self.max_cost_usd, left)
        cascade = replace(self._cascade(choice.price), max_cost_usd=capped)
        (came,) = await cascade.run([request], scores, open_=self._open(scores))
        expected = dict(zip(scores.models, scores.cost_usd[0].tolist(), strict=True))
        spent = [
            expected[answer.model] if answer.cost_usd is None else answer.cost_usd for answer in came.asked
        ]
        pacer.settle(choice.ticket, sum(spent))
        return came

    @cached_property
    def _answer_model(self) -> AnswerModel:
        if self.answer_model is None:
            raise InputError(
                "this router does not know what answers tell, as a cascade needs: train it on outcomes that "
                "hold answers (routoo collect writes them), or use select"
            )
        return self.answer_model

    @cached_property
    def _members(self) -> Mapping[str, Member]:
        if self.members is not None:
            return self.members
        called = [model.name for model in self.pool.models if model.call is not None]
        return members_of(self.pool, names=called or None)

    @property
    def _price(self) -> float:
        if self.price is None:
            return 0.0 if self.max_cost_usd is not None else self.usual_price or 0.0
        return self.price

    def _cascade(self, price: float) -> Cascade:
        return Cascade(
            members=self._members,
            model=self._answer_model,
            max_calls=self.max_calls,
            price=price,
            price_s=self.price_s,
            max_cost_usd=self.max_cost_usd,
            max_latency_s=self.max_latency_s,
            retries=self.retries,
            kept=self.kept,
        )

    def _open(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """Which models each prompt may be sent to."""
        asked = [name for name in scores.models if name in self._members]
        allowed = asked if self.models is None else known_names("models", self.models, asked)
        problem = Problem(
            scores=scores,
            allowed=allowed,
            max_cost_usd=self.max_cost_usd,
            max_latency_s=self.max_latency_s if np.isfinite(scores.latency).all() else None,
            pool=self.pool,
            tags=self.tags,
        )
        open_ = problem.rows(slice(None)).allowed
        if open_ is None or not open_.any(1).all():
            raise InfeasibleError(str(unserved(problem)))
        return np.asarray(open_, np.bool_)


_OF_THE_ROUTER = ("pool", "answer_model", "usual_price", "lapsed")
OPTIONS = tuple(field.name for field in fields(RoutedCascade) if field.name not in _OF_THE_ROUTER)
"""What a caller may set, by name."""
