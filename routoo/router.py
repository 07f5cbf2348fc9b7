"""The router: a bundle that predicts, selects and assigns, on ONNX Runtime alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from routoo.data.chat import prompt_text
from routoo.data.checks.arguments import (
    known_keys,
    known_names,
    number,
    path_of,
    record,
)
from routoo.data.checks.batch import listed
from routoo.data.errors import InputError
from routoo.data.pool import Pool
from routoo.data.progress import Progress
from routoo.data.request import Request, named_requests
from routoo.data.scores import Scores
from routoo.data.text import check_prompt
from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime
from routoo.solver.select import Selection, select

if TYPE_CHECKING:
    from routoo.data.assignment import Assignment
    from routoo.data.chat import Prompt
    from routoo.data.costs.cost_spread import CostSpread
    from routoo.data.costs.nominal import NominalCosts
    from routoo.data.domains import Attribute, Attributes, AttributeValue
    from routoo.data.validation import ValidationRecord
    from routoo.models.signals.answer_model import AnswerModel
    from routoo.policies.cascade_answer import CascadeAnswer, CascadeAnswers, OnSettled
    from routoo.policies.contracts.contract import Contract
    from routoo.policies.routed import RoutedCascade
    from routoo.solver.pacer import Pacer
    from routoo.solver.solve import SolverName

__all__ = ["Router", "Selection"]

DEFAULT_KEPT = 0.95
"""Share of the best single model's score that `Router.default_price` kept on validation."""


class Router:
    """Predicts what each model of the pool will achieve on a prompt, and chooses by it.

    Args:
        runtime: The bundle at work.

    Example:
        A bundle is written by ``routoo.train(...).export(folder)``::

            router = routoo.Router.from_pretrained("bundle/")
            router.select("What is the capital of Australia?", max_cost_usd=0.002).model
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        pool: Pool | str | Path | None = None,
        threads: int | None = 1,
        int8: bool | None = None,
        revision: str | None = None,
    ) -> Self:
        """The router of a bundle in a folder or at the Hugging Face hub.

        Args:
            where: A folder, or an id such as ``team/router``.
            pool: Other prices or limits, or fewer models, than those it was trained under; or a TOML file.
            threads: Threads to predict with; all cores of this process when None.
            int8: Whether to use the graph in int8; None to use it where the bundle has it.
            revision: Branch, tag or commit at the hub.

        Raises:
            BundleError: There is no bundle, or it is broken or of a newer format.
            InputError: The pool has a model that the bundle does not know.
        """
        bundle = Bundle.open(where, revision=revision)
        if pool is not None and not isinstance(pool, Pool):
            pool = Pool.read(path_of("pool", pool), among=bundle.description.pool.names)
        return cls(Runtime(bundle, pool=pool, threads=threads, int8=int8))

    @property
    def pool(self) -> Pool:
        """The models it chooses from."""
        return self.runtime.pool

    @property
    def nominal_costs(self) -> NominalCosts:
        """Models whose costs are nominal, by name, with what a call counts, in words; see `Scores`."""
        return self.runtime.bundle.description.nominal_costs(self.pool)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes that it learned, with their values.

        A value that it did not learn counts as all others where `Attribute.rest` says that these have a
        number, and is inferred from the text where not.
        """
        return self.runtime.bundle.description.attributes

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that it learned."""
        return self.runtime.bundle.description.domains

    @cached_property
    def validation(self) -> ValidationRecord | None:
        """What choices at a price showed on validation, before any test prompt was seen.

        None where that is not known: the bundle is older, a model came or went after training, or its pool
        has other models or costs than the one that was trained under.
        """
        described = self.runtime.bundle.description
        return described.validation if self.pool.costs_as(described.pool) else None

    @cached_property
    def default_price(self) -> float | None:
        """Score per USD that kept 95 % of the best single model's score on validation, at the least cost.

        What `select` chooses at unless asked otherwise. None where `validation` is, or no price kept so much.
        """
        return None if self.validation is None else self.validation.price_keeping(DEFAULT_KEPT)

    @cached_property
    def answer_model(self) -> AnswerModel | None:
        """What answers of its models tell of whether they, and other models' answers, are right.

        None where that is not known: the bundle is older, or the outcomes it was trained on held no answers.
        """
        known = self.runtime.bundle.description.answer_model
        return None if known is None else known.select(self.pool.names)

    @cached_property
    def fingerprints(self) -> tuple[str, str]:
        """Hashes of pool and bundle, by which a contract knows them again."""
        from routoo.policies.contracts.fingerprints import of_bundle, of_pool

        return of_pool(self.pool), of_bundle(self.runtime)

    def warm_up(self) -> Self:
        """The router itself, once it is ready to answer the next prompt at full speed."""
        self.runtime.warm_up()
        return self

    def predict(
        self,
        prompts: Iterable[Prompt],
        *,
        domains: Iterable[str | None] | None = None,
        attributes: Attributes | None = None,
        prompt_ids: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Scores:
        """Predicted score, cost and latency of each model on each prompt.

        Args:
            prompts: Texts, or chats (lists of messages, or requests), in a list, array, column or iterator.
            domains: Domain of each prompt, where it is known; else, or where it is none of `domains`, it is
                inferred from the text.
            attributes: By name of an attribute that it learned, its value for each prompt: text, a number,
                True, False, or None where it is not known. White space around it and the case of ``true`` and
                ``false`` do not matter, and 1.0 is ``"1"``.
            prompt_ids: Their names in the result.
            progress: Called with the prompts that are done, and all that there are.

        Raises:
            InputError: There is no prompt, or one is neither text nor chat, or blank, a domain is neither
                text nor None, or an attribute was not learned or has another kind of value.
        """
        return self.runtime.predict(
            prompts, domains=domains, attributes=attributes, prompt_ids=prompt_ids, progress=progress
        )

    def select(
        self,
        prompt: Prompt,
        *,
        max_cost_usd: float | None = None,
        max_latency_s: float | None = None,
        models: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        price: float | None = None,
        domain: str | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
        confidence: float | None = None,
        pacer: Pacer | None = None,
        progress: float | None = None,
        now_s: float | None = None,
        contract: Contract | str | Path | None = None,
    ) -> Selection:
        """The model for one prompt: most predicted score, less cost at the price, within the limits.

        A model whose `context_window` in the pool is smaller than the prompt and its expected answer is not
        chosen. Rates of the pool are kept by the pacer alone: without one, a choice knows of no other.

        Args:
            prompt: Text, a list of messages, or a request.
            max_cost_usd: Most that the call may be expected to cost.
            max_latency_s: Most seconds that it may be expected to take.
            models: Names that may be chosen; the whole pool when not given.
            tags: Tags that the model must have in the pool, all of them.
            price: Quality per dollar: score that one USD must buy. `Assignment.prices` has it for a budget,
                and 0 takes the best model. When not given it is `default_price`; 0 where that is not
                known, or where `max_cost_usd` says what a call may cost.
            domain: Domain of the prompt, where it is known.
            attributes: Its values of attributes that the router learned, where they are known.
            confidence: Choose by the score that each model exceeds with this confidence (see
                `Scores.cautious`), such as 0.9; by the expected score when not given. The choice reports
                both: `p_correct` is expected of it, `cautious_p_correct` is what it was chosen by.
            pacer: Sets the price so that a budget lasts for a period; tell it the true cost of the call by
                ``pacer.settle(selection.ticket, cost_usd)``. It keeps the rates of the pool too.
            progress: For a pacer: the share of the period that has passed, 0 to 1.
            now_s: For a pacer: the time in seconds, such as ``time.time()``; needed where the pool states
                requests or tokens per minute, or tickets expire by time.
            contract: Sets the price (`routoo.contract` makes one), or the path of its file. Once it has
                lapsed its reference model is chosen, and a warning and `Selection.lapsed` say why.

        Raises:
            InputError: The prompt or a limit cannot be used, or a contract has something beside it.
            InfeasibleError: No model keeps the limits; the message names the least that would do.
        """
        if contract is not None:
            from routoo.policies.contracts.terms import terms_of

            beside = {
                "max_cost_usd": max_cost_usd,
                "max_latency_s": max_latency_s,
                "models": models,
                "tags": tags,
                "price": price,
                "domain": domain,
                "attributes": attributes,
                "confidence": confidence,
                "pacer": pacer,
                "progress": progress,
                "now_s": now_s,
            }
            terms = terms_of(contract, self, beside=beside)
            choice = self.select(prompt, price=terms.price, models=terms.models)
            return dataclasses.replace(choice, lapsed=terms.lapsed)
        if attributes is not None and not isinstance(attributes, Mapping):
            raise InputError(
                f"attributes must be a mapping from attribute to value, got {type(attributes).__name__}"
            )
        predicted = self.predict(
            [check_prompt(prompt_text(prompt), "prompt")],
            domains=None if domain is None else [domain],
            attributes={name: [value] for name, value in (attributes or {}).items()},
        )
        scores = predicted if confidence is None else predicted.cautious(confidence)
        limits: dict[str, Any] = {  # Any: each limit has its own type
            "max_cost_usd": max_cost_usd,
            "max_latency_s": max_latency_s,
            "allowed": None if models is None else known_names("models", models, predicted.models),
            "pool": self.pool,
            "tags": tags,
        }
        if pacer is not None:
            if price is not None and number("price", price):
                raise InputError("a pacer sets the price itself: leave price out, or the pacer")
            from routoo.solver.pacer import Pacer

            choice = record("pacer", pacer, Pacer).select(scores, progress=progress, now_s=now_s, **limits)
        else:
            if now_s is not None:
                raise InputError("now_s is for a pacer, which keeps rates: give one, or leave now_s out")
            if progress is not None:
                raise InputError("progress is for a pacer: give one, or leave progress out")
            if price is None:
                price = 0.0 if max_cost_usd is not None else self.default_price or 0.0
            choice = select(scores, price=price, **limits)
        if confidence is None:
            return choice
        expected = float(predicted.p_correct[0, predicted.models.index(choice.model)])
        return dataclasses.replace(choice, p_correct=expected, cautious_p_correct=choice.p_correct)

    def assign(
        self,
        prompts: Iterable[Prompt] | Scores,
        *,
        attributes: Attributes | None = None,
        prompt_ids: Sequence[str] | None = None,
        confidence: float | None = None,
        budget_confidence: float | None = None,
        solver: SolverName = "auto",
        progress: Progress | None = None,
        contract: Contract | str | Path | None = None,
        **limits: Any,  # the fields of Problem, checked there
    ) -> Assignment:
        """A model for every prompt of a batch, under limits for all of it together.

        A budget holds for what calls are predicted to cost. With a budget confidence a reserve is kept, so
        that what they cost in truth is within it too, as far as prompts are like those of validation.

        With a confidence, what is optimised and what is promised speak of the cautious scores: the objective,
        its bound, the prices, and floors on the score (`min_mean_score` and those of domains), which hold
        even if every model is only as good as that. `score` and `chosen_p_correct` stay what is expected.

        Args:
            prompts: Texts or chats, as in `predict`; or scores that were predicted before.
            attributes: As in `predict`, where texts are given.
            prompt_ids: Their names in the result, where texts are given.
            confidence: Choose by the score that each model exceeds with this confidence (see
                `Scores.cautious`); by the expected score when not given.
            budget_confidence: Keep of `budget_usd` what true costs above the predicted ones may need, with
                this confidence (see `Assignment.reserve`); none when not given.
            solver: Backend, or ``auto`` for the quickest that keeps these limits.
            progress: Called with the prompts that are predicted, and all that there are.
            contract: As in `select`; every prompt then is given what it would be alone.
            **limits: Fields of `routoo.solver.problem.Problem`: `budget_usd`, `max_mean_latency_s`,
                `model_limits`, `max_cost_usd`, `domains` (read by the predictor too) and so on. The `pool`,
                whose context windows, tags and (with `period_s`) rates are kept, is the router's own unless
                given.

        Raises:
            InputError: A prompt or a limit cannot be used, or a budget confidence is asked of a router whose
                `validation` is not known.
            InfeasibleError: No assignment keeps the limits; the message says which, and what would do.
        """
        from routoo.solver.problem import Problem
        from routoo.solver.reserve import solve_with_reserve
        from routoo.solver.solve import solve

        known = {field.name for field in dataclasses.fields(Problem)} - {"scores"}
        if unknown := sorted(set(limits) - known):
            raise InputError(f"unknown limits {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        terms = None
        if contract is not None:
            from routoo.policies.contracts.terms import assigned, terms_of

            beside = {"attributes": attributes, "confidence": confidence, **limits}
            beside |= {"budget_confidence": budget_confidence, "solver": None if solver == "auto" else solver}
            terms = terms_of(contract, self, beside=beside)
            limits = {"allowed": terms.models}
        if limits.get("domains") is not None:  # read twice, by the predictor and by the problem
            limits["domains"] = listed(limits["domains"], "domains", "names or None")
        if isinstance(prompts, Scores):
            given = {"attributes": attributes, "prompt_ids": prompt_ids}
            if late := [name for name, value in given.items() if value is not None]:
                raise InputError(
                    f"{' and '.join(late)} are given when scores are predicted: give texts, or leave them out"
                )
        else:
            prompts = self.predict(
                prompts,
                domains=limits.get("domains"),
                attributes=attributes,
                prompt_ids=prompt_ids,
                progress=progress,
            )
        scores = prompts if confidence is None else prompts.cautious(confidence)
        problem = Problem(scores=scores, **{"pool": self.pool, **limits})
        if terms is not None:
            return assigned(scores, problem, terms)
        if budget_confidence is None:
            plan = solve(problem, solver=solver).or_raise()
        else:
            plan = solve_with_reserve(
                problem, self._cost_spread(), budget_confidence, solver=solver
            ).or_raise()
        if confidence is None:
            return plan
        expected = prompts.p_correct[np.arange(len(plan)), plan.choice]
        return dataclasses.replace(
            plan, score=float(expected.sum(dtype=np.float64)), chosen_p_correct=expected
        )

    def cascade(
        self,
        prompt: Prompt | Request,
        *,
        domain: str | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
        pacer: Pacer | None = None,
        progress: float | None = None,
        now_s: float | None = None,
        **options: Any,  # the fields of RoutedCascade, checked there
    ) -> CascadeAnswer:
        """The answer to one prompt: a model is asked, its answer read, and another asked while that pays.

        Args:
            prompt: Text, a chat, or a request.
            domain: As in `select`, as the rest.
            attributes: Likewise.
            pacer: Sets the price, and is given what all calls cost.
            progress: For a pacer.
            now_s: For a pacer.
            **options: `members`, `max_calls`, `price`, `price_s`, `max_cost_usd`, `max_latency_s`, `models`,
                `tags` and `retries`: see `routoo.policies.routed.RoutedCascade`; or a `contract`, as in
                `select`, and `members` and `retries` alone.

        Raises:
            InputError: A value cannot be used, or the router does not know what answers tell.
            InfeasibleError: No model keeps the limits.
        """
        from routoo.members.background import run_in_background

        return run_in_background(
            self.cascade_async(
                prompt,
                domain=domain,
                attributes=attributes,
                pacer=pacer,
                progress=progress,
                now_s=now_s,
                **options,
            )
        )

    async def cascade_async(
        self,
        prompt: Prompt | Request,
        *,
        domain: str | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
        pacer: Pacer | None = None,
        progress: float | None = None,
        now_s: float | None = None,
        **options: Any,  # the fields of RoutedCascade, checked there
    ) -> CascadeAnswer:
        """The answer to one prompt; see `cascade`. Many may be under way in one event loop."""
        beside = {"domain": domain, "attributes": attributes, "pacer": pacer}
        asking = self._cascades(options, beside)
        request = prompt if isinstance(prompt, Request) else Request("prompt", prompt)
        scores = self.predict(
            [request.text],
            domains=None if domain is None else [domain],
            attributes={name: [value] for name, value in (attributes or {}).items()},
        )
        if pacer is not None:
            return await asking.paced(request, scores, pacer, progress=progress, now_s=now_s)
        (came,) = await asking.run([request], scores)
        return came

    def cascade_batch(
        self,
        prompts: Iterable[Prompt | Request],
        *,
        budget_usd: float | None = None,
        domains: Iterable[str | None] | None = None,
        attributes: Attributes | None = None,
        prompt_ids: Sequence[str] | None = None,
        on_settled: OnSettled | None = None,
        **options: Any,  # the fields of RoutedCascade, checked there
    ) -> CascadeAnswers:
        """Answers to a batch of prompts by cascades, at a price or under a budget for all of them.

        Under a budget the price is solved before every round of calls, so that all plans together are
        expected to cost what is left, and no call is made for which there is no money.

        Args:
            prompts: Texts, chats, or requests.
            budget_usd: Most money for all calls together.
            domains: As in `predict`, as the rest.
            attributes: Likewise.
            prompt_ids: Names of the prompts, ``0``, ``1`` and so on where they are left out.
            on_settled: Called with what came of each prompt.
            **options: As in `cascade`.

        Raises:
            InputError: A value cannot be used, or the router does not know what answers tell.
            InfeasibleError: A prompt has no model within the limits.
        """
        from routoo.members.background import run_in_background

        beside = {"budget_usd": budget_usd, "domains": domains, "attributes": attributes}
        asking, requests = self._cascades(options, beside), named_requests(prompts, prompt_ids)
        texts = [request.text for request in requests]
        scores = self.predict(texts, domains=domains, attributes=attributes)
        return run_in_background(asking.run(requests, scores, budget_usd=budget_usd, on_settled=on_settled))

    def _cascades(self, options: Mapping[str, Any], beside: Mapping[str, object]) -> RoutedCascade:
        from routoo.policies.routed import OPTIONS, RoutedCascade

        known_keys("options", options, (*OPTIONS, "contract"))
        if "contract" in options:
            from routoo.policies.contracts.terms import cascade_options

            options = cascade_options(self, options, beside)
        return RoutedCascade(
            pool=self.pool, answer_model=self.answer_model, usual_price=self.default_price, **options
        )

    def _cost_spread(self) -> CostSpread:
        if self.validation is None:
            raise InputError(
                "this router does not know how far true costs are from predicted ones: its bundle is older, "
                "its models changed after training, or its pool has other models or costs. Train it under "
                "this pool, or leave budget_confidence out"
            )
        return self.validation.spread

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes a copy of the bundle."""
        self.runtime.bundle.save_pretrained(folder)

    def push_to_hub(self, hub_id: str, *, private: bool = True) -> str:
        """The address at the Hugging Face hub to which the bundle was uploaded.

        Raises:
            BundleError: The hub refused, or could not be reached.
            MissingExtraError: Extra `hub` is not installed.
        """
        return self.runtime.bundle.push_to_hub(hub_id, private=private)
