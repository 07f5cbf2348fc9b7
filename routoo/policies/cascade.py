"""Cascades on models that answer: ask, read what came, and ask on while that is worth its price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routoo.collect.kept_answers import KeptAnswers
from routoo.collect.purse import Purse
from routoo.data.checks.arguments import number, numbers, record, same_length
from routoo.data.checks.came import came
from routoo.data.errors import InputError
from routoo.data.request import Request, check_distinct
from routoo.data.scores import Scores
from routoo.members.calling import Retries
from routoo.members.clock import Clock
from routoo.members.member import Member
from routoo.models.signals.answer_model import AnswerModel
from routoo.policies.asking import Asking
from routoo.policies.cascade_answer import CascadeAnswers, OnSettled
from routoo.policies.cascade_run import CascadeRun
from routoo.solver.cascade.terms import Terms
from routoo.solver.limits import PerPrompt

MOST_CALLS = 3
"""Models that a prompt may ask unless another number is given: further ones hardly pay."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Cascade:
    """Asks members of a pool, one after the other or two at once, until no call is worth its price.

    What is believed of every model follows from its predicted score, the signals of the answers that came,
    and who agrees with whom (`routoo.solver.cascade.belief`); the next step is the one of most expected
    score less its price (`routoo.solver.cascade.steps`).

    Args:
        members: Who can be asked, by name.
        model: What answers tell.
        max_calls: Most models that a prompt may ask, those that fail included.
        price: Score that a dollar must buy; 0 asks all that may still help.
        price_s: Score that a second must buy.
        max_cost_usd: Most that the calls for one prompt may be expected to cost together.
        max_latency_s: Seconds within which a prompt must have its answer, one for all or one each: what is
            under way then is broken off, and the best answer so far counts.
        retries: How often, and how long, a member is asked that did not answer; `Retries()` where it is left
            out.
        clock: Where time comes from.
        kept: Answers of a run that did not end; see `Asking`.

    Raises:
        InputError: A number cannot be used, or no member is one that the answer model knows.
    """

    members: Mapping[str, Member]
    model: AnswerModel
    max_calls: int = MOST_CALLS
    price: float = 0.0
    price_s: float = 0.0
    max_cost_usd: float | None = None
    max_latency_s: PerPrompt | None = None
    retries: Retries | None = None
    clock: Clock | None = None
    kept: KeptAnswers | None = None

    def __post_init__(self) -> None:
        number("max_calls", self.max_calls, least=1, whole=True)
        for name in ("price", "price_s"):
            number(name, getattr(self, name), finite=True)
        if self.max_cost_usd is not None:
            number("max_cost_usd", self.max_cost_usd)
        if isinstance(self.max_latency_s, Sequence | np.ndarray):
            if not (numbers("max_latency_s", self.max_latency_s) >= 0).all():
                raise InputError("max_latency_s must be numbers of at least 0, one for each prompt")
        elif self.max_latency_s is not None:
            number("max_latency_s", self.max_latency_s)
        if self.retries is not None:
            record("retries", self.retries, Retries)
        if not isinstance(self.members, Mapping):
            raise InputError(f"members must be a mapping from names to members, got {came(self.members)}")
        if not set(self.members) & set(self.model.models):
            known, names = ", ".join(self.model.models), ", ".join(self.members) or "(there is none)"
            raise InputError(f"none of the members {names} is known to the answer model, which knows {known}")

    async def run(
        self,
        requests: Sequence[Request],
        scores: Scores,
        *,
        open_: npt.NDArray[np.bool_] | None = None,
        budget_usd: float | None = None,
        on_settled: OnSettled | None = None,
    ) -> CascadeAnswers:
        """What comes of these prompts, in their order; all of a round are asked at once.

        Under a budget its price is solved anew before every round, so that all plans together are expected
        to cost what is left. It is never overspent: what a call may cost at most is set aside before it,
        and a call for which there is nothing left is not made.

        Args:
            requests: The prompts.
            scores: What is predicted of them, in their order.
            open_: Models that a prompt may be sent to, ``(n_prompts, n_models)``; all when not given.
            budget_usd: Most money for all of them, what runs before this one paid (`kept`) included; then
                `price` is not heeded.
            on_settled: See `OnSettled`.

        Raises:
            InputError: There is not one row of scores a request, or two have the same id.
        """
        same_length(requests=requests, scores=scores.p_correct)
        check_distinct(requests)
        if isinstance(self.max_latency_s, Sequence | np.ndarray):
            same_length(requests=requests, max_latency_s=self.max_latency_s)
        spent = 0.0 if self.kept is None else self.kept.spent_usd
        purse = None if budget_usd is None else Purse(budget_usd, spent_usd=spent)
        asking = Asking(
            self.members,
            requests,
            signals=self.model.signals,
            purse=purse,
            retries=self.retries,
            clock=self.clock,
            kept=self.kept,
        )
        scores_known = scores.columns(self._known(scores))
        terms = self._terms(scores_known)
        if open_ is not None:
            terms.open[:] &= open_[:, [scores.models.index(name) for name in scores_known.models]]
        run = CascadeRun(self.model.select(scores_known.models), scores_known, terms, asking, on_settled)
        return await run.to_end()

    def _known(self, scores: Scores) -> list[str]:
        return [name for name in scores.models if name in self.members and name in self.model.models]

    def _terms(self, scores: Scores) -> Terms:
        return Terms.of(
            scores.cost_usd,
            price=self.price,
            calls_left=self.max_calls,
            usd_left=np.inf if self.max_cost_usd is None else self.max_cost_usd,
            latency_s=np.nan_to_num(scores.latency, nan=0.0),
            seconds_left=np.asarray(np.inf if self.max_latency_s is None else self.max_latency_s, np.float64),
            price_s=self.price_s,
        )
