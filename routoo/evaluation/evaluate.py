"""Predictions judged by what their choices cost and achieve on recorded outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from routoo.data.checks.arguments import choice, mapping, number, record, text_of
from routoo.data.costs.nominal import nominal_remark
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.splits import PARTS, Part
from routoo.data.validation import ValidationRecord
from routoo.evaluation.compare.cascades import compared_cascades
from routoo.evaluation.compare.differences import (
    compared_metrics,
    difference,
    hindsight_ranges,
    with_intervals,
)
from routoo.evaluation.compare.mean_costs import BY_MEAN_COST, spending_of
from routoo.evaluation.compare.validated import records_of, settings_of
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.coverage import coverage_of
from routoo.evaluation.metrics.group_calibration import calibrations
from routoo.evaluation.metrics.metric import Subject
from routoo.evaluation.metrics.policy_metrics import deferral, measured
from routoo.evaluation.metrics.published import published_of
from routoo.evaluation.metrics.reliability import reliability
from routoo.evaluation.metrics.usage_errors import usage_errors
from routoo.evaluation.trial.bootstrap import MOST_SAMPLES, Resamples
from routoo.evaluation.trial.cascades import MOST_CALLS, cascades_of
from routoo.evaluation.trial.policy import (
    BEST_SINGLE,
    CASCADE,
    HULL,
    MIXING,
    ORACLE,
    cascading,
    given_policies,
    oracle,
    predicted,
)
from routoo.evaluation.trial.single_models import SingleModel
from routoo.evaluation.trial.trial import trial_of
from routoo.evaluation.trial.windows import within_windows
from routoo.models.signals.answer_model import AnswerModel


def evaluate(
    outcomes: Outcomes,
    predictions: Mapping[str, Scores],
    *,
    pool: Pool,
    part: Part = "test",
    router: str | None = None,
    reference: str | None = None,
    samples: int = 1000,
    seed: int = 0,
    provenance: Mapping[str, str] | None = None,
    simulated: bool | None = None,
    observed_domains: bool = False,
    validation: Mapping[str, Scores | ValidationRecord] | None = None,
    answer_model: AnswerModel | None = None,
    max_calls: int = 3,
) -> Evaluation:
    """What predictions are worth: what their choices cost and achieve on recorded outcomes.

    Every prediction chooses by its own expected costs, within the context windows of the pool as the router's
    tokens tell them, and pays the recorded costs. Beside the predictions
    stand the best single model, the random mixture of the cheapest and the best, the hull of all single
    models, and the oracle, which knows every outcome beforehand: a ceiling that nobody reaches. Where answers
    were recorded and it is known what they tell, there are cascades too: they begin with the router's
    predictions, read answers as they come, and ask again or stop.

    Args:
        outcomes: Recorded outcomes with a split.
        predictions: Scores of the prompts of `part` by name: the router and the baselines.
        pool: The models to choose from; what has no outcomes, or is not in the pool, is left out and noted.
        part: The part to judge on.
        router: The prediction that the headline speaks of; the first one when not given.
        reference: The row whose area all others are compared with; the router when not given.
        samples: Resamples of the prompts behind the intervals; 0 for none.
        seed: Which resamples.
        provenance: What else the reader should know, by label: command, training seed, bundle.
        simulated: Whether the outcomes are simulated; when not given, whether their names say so.
        observed_domains: Whether the router observed the domain of each prompt; kept with the metrics.
        validation: By name of a prediction what it showed on validation (`Router.validation`), or its scores
            of the prompts in ``val``, made without having learned from them: settings are then chosen there,
            and judged on `part`. All others are set in hindsight.
        answer_model: What answers tell (`Router.answer_model`); None for no cascade.
        max_calls: Most models that a cascade may ask a prompt; 1 for no cascade.

    Raises:
        InputError: There is no split or no prediction, a name is reserved or unknown, `samples` is negative,
            or a prediction does not cover the pool and the part.
    """
    samples = number("samples", samples, most=MOST_SAMPLES, whole=True)
    seed = number("seed", seed, whole=True)
    record("outcomes", outcomes, Outcomes, "Outcomes.read makes them")
    record("pool", pool, Pool)
    predictions = mapping("predictions", predictions, Scores, "name")
    provenance = mapping("provenance", {} if provenance is None else provenance, str, "label")
    part = choice("part", part, PARTS)
    max_calls = number("max_calls", max_calls, least=1, most=MOST_CALLS, whole=True)
    if answer_model is not None:
        record("answer_model", answer_model, AnswerModel)
    trial = trial_of(outcomes, pool, part)
    names = _checked_names(predictions, router, reference)
    aligned = {name: trial.align(name, scores) for name, scores in predictions.items()}
    nominal = aligned[names[0]].nominal_costs
    open_, window_notes = within_windows(aligned[names[0]], pool)
    routed = {name: predicted(name, scores, trial, open_=open_) for name, scores in aligned.items()}
    the_router, replayed = routed[names[0]], None
    if answer_model is not None and max_calls > 1:
        replayed = cascades_of(
            outcomes,
            aligned[names[0]],
            answer_model,
            trial,
            prices=the_router.best_prices(),
            max_calls=max_calls,
            open_=open_,
        )
    cascade = None if replayed is None else cascading(replayed, trial)
    policies = [
        *given_policies(trial.singles),
        *routed.values(),
        *([] if cascade is None else [cascade]),
        oracle(trial),
    ]
    means = np.tile(trial.mean_cost_usd, (len(trial.score), 1)).astype(np.float32)
    by_mean = predicted(BY_MEAN_COST, replace(aligned[names[0]], cost_usd=means), trial, open_=open_)
    rows = measured([*policies, by_mean], trial)
    resamples = Resamples(len(trial.score), samples, seed) if samples else None
    compared = compared_metrics([*policies, by_mean], trial, resamples) if resamples else {}
    if compared:
        rows = with_intervals(rows, compared, names[1])
    shown, row_by_mean = rows[:-1], rows[-1]
    singles = trial.singles
    choosing = [policy for policy in policies if policy.chosen is not None]
    promised = {policy.name: policy.p_correct for policy in choosing if policy.p_correct is not None}
    records = records_of(validation or {}, predictions, outcomes, pool)
    settled, unsettled = settings_of(records, choosing, rows, trial, resamples)
    deferrals = {policy.name: found for policy in choosing if (found := deferral(policy, trial)) is not None}
    return Evaluation(
        data=outcomes.name,
        part=part,
        n_prompts=len(trial.score),
        models=trial.models,
        router=names[0],
        reference=names[1],
        rows=tuple(shown),
        curves={p.name: p.curve(trial) for p in choosing},
        reliability={name: reliability(p, trial.score) for name, p in promised.items()},
        calibration={
            name: calibrations(p, trial.score, trial.models, trial.domains) for name, p in promised.items()
        },
        coverage=coverage_of(aligned[names[0]], trial.score, trial.domains),
        deferral=deferrals,
        published={
            p.name: published_of(
                Subject(p, policies, trial, deferrals.get(p.name)),
                hindsight_ranges(compared[p.name]) if compared else {},
            )
            for p in choosing
        },
        validated=settled,
        differences=tuple(
            difference(names[0], row.name, compared) for row in shown if compared and row.name != names[0]
        ),
        usage=usage_errors(outcomes, aligned[names[0]], trial, resamples),
        cascades=(
            compared_cascades(replayed, cascade, names[0], compared, trial)
            if replayed is not None and cascade is not None
            else None
        ),
        spending=spending_of(the_router, by_mean, row_by_mean, compared, trial, resamples),
        singles=tuple(
            SingleModel(name, float(cost), float(score), int(outcomes))
            for name, (cost, score), outcomes in zip(trial.models, singles.points, trial.judged, strict=True)
        ),
        spend_usd=singles.high_usd * len(trial.score),
        split=trial.split,
        samples=samples,
        seed=seed,
        nominal_costs=nominal,
        notes=(
            *trial.notes,
            *window_notes,
            *unsettled,
            *([remark] if (remark := nominal_remark(nominal)) else []),
        ),
        provenance=provenance,
        simulated=outcomes.simulated if simulated is None else simulated,
        observed_domains=observed_domains,
    )


def _checked_names(
    predictions: Mapping[str, Scores], router: str | None, reference: str | None
) -> tuple[str, str]:
    """The names of the router and of the reference row."""
    given = (BEST_SINGLE, MIXING, HULL, CASCADE, ORACLE, BY_MEAN_COST)
    if not predictions:
        raise InputError("nothing to evaluate: give the predictions of a router at least")
    taken = [name for name in predictions if name in given]
    if taken:
        raise InputError(
            f"{taken[0]!r} is a name that every evaluation uses; give the prediction another name"
        )
    router = next(iter(predictions)) if router is None else text_of("router", router)
    reference = router if reference is None else text_of("reference", reference)
    if router not in predictions:
        raise InputError(f"no prediction is called {router!r}; there are {', '.join(predictions)}")
    if reference not in (*predictions, HULL, MIXING, ORACLE):
        raise InputError(
            f"no row is called {reference!r} that has an area; there are {', '.join(predictions)}"
        )
    return router, reference
