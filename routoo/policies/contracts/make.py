"""Contracts made: from a router and outcomes new to it to the price that keeps a promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routoo.data.checks.arguments import known_names, number, record, text_of
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.policies.cascade import MOST_CALLS
from routoo.policies.contracts.calibration import Calibration
from routoo.policies.contracts.candidates import candidates
from routoo.policies.contracts.contract import Contract
from routoo.policies.contracts.fingerprints import of_outcomes
from routoo.policies.contracts.promise import ScorePromise, SpendPromise
from routoo.policies.contracts.risk_control import cheapest_kept

if TYPE_CHECKING:
    from routoo.router import Router


def contract(
    router: Router,
    outcomes: Outcomes,
    *,
    share: float = 0.98,
    confidence: float = 0.95,
    reference: str | None = None,
    cascade: bool = False,
    max_calls: int | None = None,
    spend_usd: float | None = None,
    prompt_usd: float | None = None,
    human: str | None = None,
    seed: int = 0,
) -> Contract:
    """The contract at the least spend: a price that keeps so large a share of a model's mean score.

    Prices are tried from dear to cheap, each by a lower bound of the policy's mean score less that share of
    the reference's, up to the first that is not shown to keep the promise (`cheapest_kept`). So it is wrong
    with probability at most ``1 - confidence`` over the draw of the prompts, whatever the predictor is worth;
    the assumptions are on the page on guarantees.

    Args:
        router: The router.
        outcomes: Recorded outcomes of all its models. Prompts count that are in ``test`` where there is a
            split, that neither the predictor nor the answer model has learned from, and that are not nearly
            the same as such a one.
        share: Of the reference's mean score that is promised.
        confidence: Of the promise.
        reference: The model; the best single one on validation when not given.
        cascade: Whether it is cascades that promise, and not the router's choices.
        max_calls: Most models that a cascade asks, 3 when not given.
        spend_usd: Most mean cost of a prompt, where that is to be promised too.
        prompt_usd: Needed then: what a prompt counts as that costs more (see `SpendPromise`).
        human: Column of the outcomes that holds scores by people of some of the prompts, drawn at random;
            `score` then is a judge's, of all, and may be as wrong as it likes (`planned_judged_lower`).
        seed: Of the order in which prompts are bet on; choose it before you look.

    Raises:
        InputError: A value cannot be used, no prompt is left, outcomes of a model are missing, or it is not
            known which model is the reference, or what answers tell.
        InfeasibleError: No price is shown to keep the promise; the message says how many prompts could do.
    """
    record("outcomes", outcomes, Outcomes, "Outcomes.read makes them")
    if not 0 < number("confidence", confidence, most=1) < 1:
        raise InputError(f"confidence must be above 0 and below 1, got {confidence:g}")
    of_score = ScorePromise(share)
    if prompt_usd is not None and spend_usd is None:
        raise InputError("prompt_usd is of a promise on spend: give spend_usd too, or leave it out")
    if max_calls is not None and not cascade:
        raise InputError("max_calls is of cascades: ask for them, or leave it out")
    if spend_usd is not None and prompt_usd is None:
        raise InputError(
            "a promise on spend_usd needs prompt_usd too, say ten times as much: what a prompt counts as "
            "that costs more, since no sample bounds a mean that one prompt could spoil"
        )
    of_spend = None if spend_usd is None else SpendPromise(spend_usd, number("prompt_usd", prompt_usd))
    most = MOST_CALLS if max_calls is None else max_calls
    calls = number("max_calls", most, least=2, whole=True) if cascade else 1
    if cascade and router.answer_model is None:
        raise InputError(
            "this router does not know what answers tell, as a cascade needs: train it on outcomes that hold "
            "answers, or make a contract of its own choices"
        )
    name = _reference(router, reference)
    column = router.pool.names.index(name)
    found = Calibration.of(router, outcomes, human=human, seed=number("seed", seed, whole=True))
    policy, margin = cheapest_kept(
        candidates(found, max_calls=calls, answer_model=router.answer_model),
        found,
        reference=column,
        of_score=of_score,
        of_spend=of_spend,
        alpha=1 - confidence,
    )
    score = found.score if found.human is None else found.human
    labelled = np.flatnonzero(~np.isnan(score[:, column]))
    pool, bundle = router.fingerprints
    return Contract(
        share=share,
        reference=name,
        confidence=confidence,
        price=policy.price,
        max_calls=calls,
        spend_usd=spend_usd,
        prompt_usd=prompt_usd,
        prompts=len(labelled),
        judged=len(score) - len(labelled),
        score=float(score[labelled, policy.chosen[labelled]].mean()),
        reference_score=float(score[labelled, column].mean()),
        margin=margin,
        cost_usd=float(policy.cost_usd.mean()),
        reference_cost_usd=float(found.cost_usd[:, column].mean()),
        data=outcomes.name,
        seed=seed,
        data_sha256=of_outcomes(found.outcomes),
        pool_sha256=pool,
        bundle_sha256=bundle,
    )


def _reference(router: Router, name: str | None) -> str:
    if name is not None:
        return known_names("reference", [text_of("reference", name)], router.pool.names)[0]
    if router.validation is None:
        raise InputError(
            "name the reference model: this router's bundle does not say which one is best, or its pool is "
            "another one by now"
        )
    return router.validation.models[router.validation.best]
