"""Recorded outcomes changed on purpose, and small draws of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.curves import best_single
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool

MISSING = 0.6
"""Share of the learned cells that the variant ``missing`` lacks."""

_GRADES = 0.4  # how far from right or wrong a simulated grade may be

Variant = Callable[[Outcomes, np.random.Generator], Outcomes]


def plain(outcomes: Outcomes, random: np.random.Generator) -> Outcomes:
    """As recorded."""
    return outcomes


def noise(outcomes: Outcomes, random: np.random.Generator) -> Outcomes:
    """Outcomes shuffled over the prompts of each part: no text tells anything, models keep their means."""
    place: dict[str, str] = {}
    for (_,), part in outcomes.prompts.group_by("split", maintain_order=True):
        ids = part["prompt_id"].to_list()
        place.update(zip(ids, random.permutation(ids).tolist(), strict=True))
    shuffled = outcomes.outcomes.with_columns(pl.col("prompt_id").replace_strict(place))
    return Outcomes(outcomes.prompts, shuffled, outcomes.name)


def one_domain(outcomes: Outcomes, random: np.random.Generator) -> Outcomes:
    """The prompts of the most frequent domain alone.

    Raises:
        InputError: The prompts have no domains.
    """
    if not any(outcomes.domains or ()):
        raise InputError(f"{outcomes.name}: variant one-domain needs a column domain in the prompts")
    most = outcomes.prompts["domain"].drop_nulls().mode().sort()[0]
    return outcomes.subset(outcomes.prompts.filter(pl.col("domain") == most)["prompt_id"])


def dominant(outcomes: Outcomes, random: np.random.Generator) -> Outcomes:
    """The best model is raised to the highest score on every prompt: no other is ever better."""
    seen = outcomes.part("train", "val").outcomes
    best = seen.group_by("model").agg(pl.col("score").mean()).sort("score", "model")["model"][-1]
    highest = pl.col("score").max().over("prompt_id")
    raised = pl.when(pl.col("model") == best).then(highest).otherwise(pl.col("score"))
    return Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(score=raised), outcomes.name)


def missing(outcomes: Outcomes, random: np.random.Generator) -> Outcomes:
    """Six in ten outcomes outside the test part were never recorded."""
    judged = pl.col("prompt_id").is_in(outcomes.part("test").prompt_ids)
    kept = pl.Series(random.random(len(outcomes.outcomes)) >= MISSING)
    return Outcomes(outcomes.prompts, outcomes.outcomes.filter(judged | kept), outcomes.name)


def graded(outcomes: Outcomes, random: np.random.Generator) -> Outcomes:
    """Simulated grades in the place of right and wrong: each is moved towards the other by chance."""
    moved = pl.Series(_GRADES * random.random(len(outcomes.outcomes)))
    grade = pl.col("score") * (1 - moved) + (1 - pl.col("score")) * moved
    return Outcomes(
        outcomes.prompts, outcomes.outcomes.with_columns(score=grade), f"{outcomes.name}, simulated grades"
    )


VARIANTS: dict[str, Variant] = {
    "plain": plain,
    "noise": noise,
    "one-domain": one_domain,
    "dominant": dominant,
    "missing": missing,
    "graded": graded,
}


def drawn_models(outcomes: Outcomes, pool: Pool, count: int, random: np.random.Generator) -> Pool:
    """So many models of a pool: the cheapest and the best outside the test part, and others by chance."""
    learned = outcomes.part("train", "val")
    cost = np.nanmean(recorded_cost_usd(learned, pool), axis=0)
    score = np.nanmean(learned.to_matrices(pool.names).score, axis=0)
    kept = list(dict.fromkeys([int(cost.argmin()), best_single(np.c_[cost, score])]))
    others = [at for at in random.permutation(len(pool)).tolist() if at not in kept]
    return pool.select([pool.names[at] for at in sorted((kept + others)[:count])])


def drawn_prompts(outcomes: Outcomes, size: int, random: np.random.Generator) -> Outcomes:
    """So many prompts outside the test part, which stays whole; a larger draw holds every smaller one."""
    learned = random.permutation(outcomes.part("train", "val").prompt_ids)[:size]
    return outcomes.subset([*learned.tolist(), *outcomes.part("test").prompt_ids])
