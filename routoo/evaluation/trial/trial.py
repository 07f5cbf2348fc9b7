"""What an evaluation stands on: the prompts of a part, the models judged, what they cost and achieved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routoo.data.costs.recorded_costs import RecordedCosts
from routoo.data.curves import Vector
from routoo.data.errors import InputError
from routoo.data.group_table import without_gaps
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.data.splits import PARTS, Part
from routoo.data.words import some
from routoo.evaluation.trial.single_models import LEAST_JUDGED, SingleModels


@dataclass(frozen=True, eq=False)
class Trial:
    """Scores and costs of the judged models on the prompts of one part.

    Args:
        prompt_ids: The prompts, in the row order of the arrays.
        models: The judged models, sorted by name: where choices tie, the first one is taken.
        score: What was achieved, ``(n_prompts, n_models)``, NaN where a model was not run; see `earned`.
        cost_usd: What a call cost, the same shape, without gaps.
        mean_cost_usd: What a call to each model costs on average over the prompts that are neither judged
            nor in test, ``(n_models,)``.
        part: The part that is judged.
        domains: Domain of each prompt, where the data know any.
        split: Prompts in each part of the data.
        notes: What was left out or filled in, in words.
    """

    prompt_ids: list[str]
    models: tuple[str, ...]
    score: Vector
    cost_usd: Vector
    mean_cost_usd: Vector
    part: Part
    domains: list[str | None] | None
    split: Mapping[str, int]
    notes: tuple[str, ...]

    @cached_property
    def earned(self) -> Vector:
        """Scores without gaps (see `without_gaps`): what curves, and the means of single models, count."""
        return without_gaps(self.score, self.domains)

    @cached_property
    def needless(self) -> Vector:
        """1 where a cheaper model scores no less on the prompt, else 0; the shape of `score`."""
        found = np.empty(self.earned.shape)
        for j in range(len(self.models)):
            cheaper = self.cost_usd < self.cost_usd[:, [j]]
            found[:, j] = (cheaper & (self.earned >= self.earned[:, [j]])).any(1)
        return found

    def rows_of(self, outcomes: Outcomes) -> tuple[np.ndarray, np.ndarray]:
        """Which prompts of `outcomes` are judged, and which are neither judged nor in test."""
        parts = outcomes.prompts["split"].to_numpy()
        return parts == self.part, (parts != self.part) & (parts != "test")

    @cached_property
    def judged(self) -> npt.NDArray[np.int64]:
        """How many scores of each model were recorded, ``(n_models,)``."""
        return np.asarray((~np.isnan(self.score)).sum(0), np.int64)

    @cached_property
    def singles(self) -> SingleModels:
        """The single models on these prompts."""
        return SingleModels(np.stack([self.cost_usd.mean(0), self.earned.mean(0)], axis=1), self.judged)

    def align(self, name: str, scores: Scores) -> Scores:
        """The scores with the rows and columns of this trial.

        Raises:
            InputError: A model or a prompt of the trial has no prediction.
        """
        missing = [model for model in self.models if model not in scores.models]
        if missing:
            raise InputError(f"{name!r} predicts nothing for {some(missing)}; predict the whole pool")
        scores = scores.columns(self.models)
        if scores.prompt_ids is None:
            if len(scores) != len(self.prompt_ids):
                raise InputError(
                    f"{name!r} has {len(scores)} rows for {len(self.prompt_ids)} prompts; "
                    "give its prompt_ids, or predict just the prompts of the part, in order"
                )
            return scores
        rows = {prompt_id: row for row, prompt_id in enumerate(scores.prompt_ids)}
        absent = [prompt_id for prompt_id in self.prompt_ids if prompt_id not in rows]
        if absent:
            raise InputError(
                f"{name!r} lacks {len(absent)} of {len(self.prompt_ids)} prompts, such as {absent[0]!r}"
            )
        return scores.rows(np.array([rows[prompt_id] for prompt_id in self.prompt_ids]))


def trial_of(outcomes: Outcomes, pool: Pool, part: Part) -> Trial:
    """The trial that the prompts of `part` make for the models of `pool`.

    What a call cost is said by `RecordedCosts`, and where it is not, it counts as the model's mean over the
    prompts outside `part` and test; for a score see `Trial.earned`.

    Raises:
        InputError: There is no split, the part is empty, or no model of the pool was run on it.
    """
    judged = outcomes.part(part)
    models = tuple(sorted(set(pool.names) & set(judged.models)))
    if not models:
        raise InputError(
            f"no model of the pool ({some(pool.names)}) has an outcome in the {part} part of "
            f"{outcomes.name}; outcomes there are of {some(judged.models)}"
        )
    parts = outcomes.prompts["split"].to_numpy()
    rows = parts == part
    score = judged.to_matrices(models).score
    domains = judged.domains if any(judged.domains or ()) else None
    costs = RecordedCosts.of(outcomes, pool.select(models))
    cost, means, gaps = _without_gaps(costs.cost_usd, rows, parts, models)
    return Trial(
        prompt_ids=judged.prompt_ids,
        models=models,
        score=score,
        cost_usd=cost,
        mean_cost_usd=means,
        part=part,
        domains=domains,
        split={name: int((parts == name).sum()) for name in PARTS},
        notes=(
            *_left_out(pool, judged),
            *_unrecorded(score, domains),
            *_seldom(score, models),
            *costs.in_words(rows),
            *gaps,
        ),
    )


def _without_gaps(
    cost: Vector, rows: np.ndarray, parts: np.ndarray, models: tuple[str, ...]
) -> tuple[Vector, Vector, tuple[str, ...]]:
    """Costs of the judged rows, gaps filled by the model's mean elsewhere; the means; what was done."""
    judged, elsewhere = cost[rows], cost[~rows & (parts != "test")]
    means = np.array([_mean(elsewhere[:, j], judged[:, j], models[j]) for j in range(len(models))])
    gaps = np.isnan(judged)
    if not gaps.any():
        return judged, means, ()
    note = f"{gaps.sum():,} of {gaps.size:,} costs were not recorded and count as the mean of their model"
    return np.where(gaps, means, judged), means, (note,)


def _mean(elsewhere: Vector, judged: Vector, model: str) -> float:
    for column in (elsewhere, judged):
        known = column[~np.isnan(column)]
        if len(known):
            return float(known.mean())
    raise InputError(f"no cost of {model!r} is known, recorded or by price; leave it out of the pool")


def _unrecorded(score: Vector, domains: list[str | None] | None) -> tuple[str, ...]:
    """In words: how many scores are estimates, and of what kind."""
    gaps = int(np.isnan(score).sum())
    if not gaps:
        return ()
    expected = f"what is expected of their model{' in that domain' if domains else ''}"
    return (f"{gaps:,} of {score.size:,} scores were not recorded and count as {expected}",)


def _seldom(score: Vector, models: tuple[str, ...]) -> tuple[str, ...]:
    """In words: the models with too few outcomes to be the best single model, where others have more."""
    counts = (~np.isnan(score)).sum(0)
    few = [f"{name} ({count})" for name, count in zip(models, counts, strict=True) if count < LEAST_JUDGED]
    if not few or len(few) == len(models):
        return ()
    return (f"not the best single model, since fewer than {LEAST_JUDGED} scores were recorded: {some(few)}",)


def _left_out(pool: Pool, judged: Outcomes) -> tuple[str, ...]:
    """In words: the models that stand on one side only."""
    unpriced = [name for name in judged.models if name not in pool.names]
    unseen = [name for name in pool.names if name not in judged.models]
    notes = []
    if unpriced:
        notes.append(f"left out, since not in the pool: {some(unpriced)}")
    if unseen:
        notes.append(f"left out, since without outcomes: {some(unseen)}")
    return tuple(notes)
