"""A router on recorded outcomes, beside the baselines fitted on the same prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from routoo.data.domains import Attributes, attribute_numbers, unlearned_attributes, unlearned_domains
from routoo.data.errors import InputError, RoutooError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.progress import Stages
from routoo.data.scores import Scores
from routoo.data.splits import Part
from routoo.data.validation import ValidationRecord
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.perturbations import PERTURBATIONS
from routoo.evaluation.metrics.robustness import Robustness, robustness
from routoo.evaluation.trial.policy import DOMAIN_TABLE
from routoo.evaluation.trial.trial import Trial, trial_of
from routoo.predictor import require_training

if TYPE_CHECKING:
    from routoo.models.baselines.base_learner import BaseLearner, Embed
    from routoo.models.encoder.features import EncoderFeatures
    from routoo.router import Router

ROUTER = "routoo"
CHANGED = "changed prompts"
NEIGHBOURS = "k nearest neighbours"


def evaluate_router(
    router: Router,
    outcomes: Outcomes,
    *,
    part: Part = "test",
    observed_domains: bool = False,
    observed_attributes: bool = False,
    encoder: str | None = None,
    cache_dir: Path | None = None,
    seed: int = 0,
    samples: int = 1000,
    robustness_prompts: int = 200,
    max_calls: int = 3,
    provenance: Mapping[str, str] | None = None,
    progress: Stages | None = None,
) -> tuple[Evaluation, Scores]:
    """What a router is worth on the prompts of `part`, and its predictions for them.

    Settings are chosen by what the router showed on validation when it was trained, where its bundle knows.
    Baselines are fitted on the prompts in ``train`` and ``val``: the domain table, which is given the true
    domains, where the prompts carry them; the 100 nearest neighbours in the embedding of an encoder.
    Their settings are chosen on ``val`` by fits on ``train`` alone.

    Args:
        router: The router.
        outcomes: Recorded outcomes; those without a split get the one that the router was trained with, so
            that no prompt it learned from is judged.
        part: The part to judge on.
        observed_domains: Whether the router observes the domain of each prompt, or infers it from the text.
        observed_attributes: Whether it observes the attributes that it learned.
        encoder: Embeds the prompts for the nearest neighbours, see `load_encoder`; unless given, the
            router's own, or the default one, with a note, where that is not at hand.
        cache_dir: Where embeddings are kept.
        seed: Of the resamples behind the intervals.
        samples: How many resamples.
        robustness_prompts: How many of the prompts, drawn by the seed, are changed in ways that should not
            matter, to see whether their choices flip; 0 to leave that out.
        max_calls: Most models that a cascade may ask a prompt, where the router knows what answers tell and
            the judged outcomes hold answers; 1 for no cascade.
        provenance: What else the reader should know, by label.
        progress: Called as it goes on.

    Raises:
        InputError: The outcomes lack a part, none of them is of a model in the pool, a number is negative, or
            domains or attributes are to be observed where there are none, or the router learned none.
        MissingExtraError: Extra `train` is not installed: the nearest neighbours need an encoder.
    """
    if robustness_prompts < 0:
        raise InputError(f"robustness_prompts must be at least 0, got {robustness_prompts}")
    require_training("the nearest neighbours of an evaluation")
    bundle = router.runtime.bundle
    outcomes = outcomes.with_split(keep=bundle.split())
    pool = _common(router.pool, outcomes)
    judged = outcomes.part(part)

    def reporting(what: str) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, total: progress(what, done, total)

    domains = judged.domains if observed_domains else None
    if observed_domains and not any(domains or ()):
        raise InputError(f"{outcomes.name} has no domains to observe: its prompts need a column domain")
    if observed_domains and not router.domains:
        raise InputError("this router learned no domains: leave out --observed-domains")
    attributes = _attributes_to_observe(router, judged) if observed_attributes else None
    embed, note = _embedding(
        encoder,
        str(bundle.description.trained_on.get("encoder", "")),
        outcomes.part("train", "val").texts,
        cache_dir=cache_dir,
        progress=reporting(NEIGHBOURS),
    )
    scores = router.predict(
        judged.texts,
        domains=domains,
        attributes=attributes,
        prompt_ids=judged.prompt_ids,
        progress=reporting(ROUTER),
    )
    predictions = {ROUTER: scores, **baselines(outcomes, pool, judged, embed=embed)}
    validation: dict[str, Scores | ValidationRecord] = {}
    if part != "val" and {"train", "val"} <= set(outcomes.prompts["split"]):
        validation |= baselines(outcomes.part("train"), pool, outcomes.part("val"), embed=embed)
    if router.validation is not None:
        validation[ROUTER] = router.validation
    found = evaluate(
        outcomes,
        predictions,
        pool=pool,
        part=part,
        router=ROUTER,
        samples=samples,
        seed=seed,
        provenance=provenance,
        observed_domains=observed_domains,
        validation={name: validation[name] for name in predictions if name in validation},
        answer_model=router.answer_model,
        max_calls=max_calls,
    )
    unlearned = [
        unlearned_domains(domains, router.domains),
        *unlearned_attributes(attributes, router.attributes),
    ]
    found = replace(
        found,
        notes=(*found.notes, *filter(None, (*unlearned, note))),
        observed_attributes=_observed_attributes(router, attributes, judged),
    )
    if robustness_prompts:
        kinds = _robustness(
            router,
            trial_of(outcomes, pool, part),
            judged.texts,
            robustness_prompts,
            domains=domains,
            attributes=attributes,
            samples=samples,
            seed=seed,
            progress=reporting(CHANGED),
        )
        found = replace(found, robustness=kinds)
    return found, scores


def _embedding(
    chosen: str | None,
    own: str,
    prompts: Sequence[str],
    *,
    cache_dir: Path | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[EncoderFeatures, str | None]:
    """What embeds prompts for the nearest neighbours, and a note where it is not the router's own encoder."""
    from routoo.models.encoder.encoder import MINILM
    from routoo.models.encoder.features import EncoderFeatures

    def features(name: str) -> EncoderFeatures:
        found = EncoderFeatures(name, last_layer=True, cache_dir=cache_dir, progress=progress)
        found.load(prompts)
        return found

    try:
        return features(chosen or own), None
    except RoutooError:
        if chosen or own == MINILM:
            raise
    note = f"The nearest neighbours are by {MINILM}: the router's own encoder, {own}, is not at hand."
    return features(MINILM), note


def _attributes_to_observe(router: Router, judged: Outcomes) -> Attributes:
    if not router.attributes:
        raise InputError("this router learned no attributes: leave out --observed-attributes")
    try:
        return judged.attributes([attribute.name for attribute in router.attributes])
    except InputError as error:
        raise InputError(
            "--observed-attributes needs the columns that the router learned; add them, or leave it out: "
            f"{error}"
        ) from None


def _observed_attributes(
    router: Router, attributes: Attributes | None, judged: Outcomes
) -> dict[str, int | None]:
    """Of how many prompts a router observes each attribute that it learned; None where it infers it."""
    if attributes is None:
        return {attribute.name: None for attribute in router.attributes}
    observed = (attribute_numbers(attributes, router.attributes, len(judged)) >= 0).sum(0)
    return {attribute.name: int(count) for attribute, count in zip(router.attributes, observed, strict=True)}


def _robustness(
    router: Router,
    trial: Trial,
    texts: Sequence[str],
    n_prompts: int,
    *,
    domains: Sequence[str | None] | None,
    attributes: Attributes | None,
    samples: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Robustness, ...]:
    """How often the router's choices flip, on a few of the judged prompts."""
    n_prompts = min(n_prompts, len(texts))
    drawn = np.sort(np.random.default_rng(seed).choice(len(texts), n_prompts, replace=False))
    observed_domains = None if domains is None else [domains[at] for at in drawn]
    observed_attributes = {name: [values[at] for at in drawn] for name, values in (attributes or {}).items()}
    total, before = n_prompts * (1 + len(PERTURBATIONS)), 0

    def predict(prompts: Sequence[str]) -> Scores:
        nonlocal before
        start, before = before, before + len(prompts)
        reporting = None if progress is None else lambda done, _: progress(start + done, total)
        found = router.predict(
            prompts, domains=observed_domains, attributes=observed_attributes, progress=reporting
        )
        return found.columns(trial.models)

    return robustness(
        predict, [texts[at] for at in drawn], earned=trial.earned[drawn], seed=seed, samples=samples
    )


def baselines(
    outcomes: Outcomes,
    pool: Pool,
    judged: Outcomes,
    *,
    embed: Embed,
) -> dict[str, Scores]:
    """Predictions of the plain methods for the judged prompts, by name."""
    from routoo.models.baselines.domain_table import DomainTable
    from routoo.models.baselines.neighbours import NearestNeighbours

    estimators: dict[str, BaseLearner] = {}
    if judged.domains is not None and any(judged.domains):
        estimators[DOMAIN_TABLE] = DomainTable().fit(outcomes, pool)
    estimators[NEIGHBOURS] = NearestNeighbours(embed).fit(outcomes, pool)
    return {name: fitted.predict(judged.texts, judged.domains) for name, fitted in estimators.items()}


def _common(pool: Pool, outcomes: Outcomes) -> Pool:
    """The pool's models that have outcomes."""
    names = [name for name in pool.names if name in outcomes.models]
    if not names:
        raise InputError(
            f"{outcomes.name} has no outcome of a model in the pool: the pool has {', '.join(pool.names)}, "
            f"the outcomes have {', '.join(outcomes.models)}"
        )
    return pool.select(names)
