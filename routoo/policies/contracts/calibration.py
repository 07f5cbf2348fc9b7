"""Calibration prompts: those of which neither predictor nor answer model has learned, with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.errors import InputError
from routoo.data.near_duplicates import near_duplicate_groups
from routoo.data.outcomes import Outcomes
from routoo.data.scores import Scores
from routoo.data.splits import Split
from routoo.data.words import some
from routoo.evaluation.trial.windows import within_windows

if TYPE_CHECKING:
    from routoo.router import Router

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a contract is made from.

    Args:
        outcomes: The prompts with their outcomes, in the row order of the arrays.
        scores: What the router predicts of them.
        score: What the models achieved, ``(n_prompts, n_models)``, by a judge where there are labels.
        cost_usd: What a call cost, likewise; what its tokens cost where the pool has other prices than the
            bundle was made with, and the predicted cost where nothing was recorded.
        human: Scores by people of some of the prompts, likewise, NaN elsewhere; None where `score` is that.
        open_: Models that can take a prompt by their windows, likewise; None where all can.
        order: Random order of the rows, in which they are bet on.
    """

    outcomes: Outcomes
    scores: Scores
    score: Array
    cost_usd: Array
    human: Array | None
    open_: npt.NDArray[np.bool_] | None
    order: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls, router: Router, outcomes: Outcomes, *, human: str | None = None, seed: int = 0
    ) -> Calibration:
        """The calibration prompts among recorded outcomes.

        A prompt on which not every model of the pool was scored is left out.

        Args:
            router: Whose pool, and whose split, it is.
            outcomes: Recorded outcomes.
            human: Column of the outcomes with scores by people of some prompts; `score` is then a judge's.
            seed: Of the order.

        Raises:
            InputError: A model of the pool has no outcome, no prompt is left, or there is no such column.
        """
        models = router.pool.names
        if missing := [name for name in models if name not in outcomes.models]:
            raise InputError(
                f"{outcomes.name} has no outcome of {some(missing)}, of which the router could choose: "
                "record some, or give the router a pool without"
            )
        unseen = unseen_prompts(outcomes, router.runtime.bundle.split())
        whole = ~np.isnan(unseen.to_matrices(models).score).any(1)
        if not whole.any():
            raise InputError(
                f"{outcomes.name} has no prompt with a score of every model of the pool that the router has "
                "not learned from: a contract needs prompts of its own"
            )
        kept = unseen.subset(np.array(unseen.prompt_ids, object)[whole].tolist())
        scores = router.predict(kept.texts, prompt_ids=kept.prompt_ids)
        priced = kept
        if not router.pool.costs_as(router.runtime.bundle.description.pool):
            rows = kept.outcomes.drop("cost_usd", strict=False)
            priced = Outcomes(kept.prompts, rows, kept.name)
        cost = recorded_cost_usd(priced, router.pool)
        return cls(
            outcomes=kept,
            scores=scores,
            score=kept.to_matrices(models).score,
            cost_usd=np.where(np.isnan(cost), scores.cost_usd, cost),
            human=None if human is None else _human(kept, human, models),
            open_=within_windows(scores, router.pool)[0],
            order=np.random.default_rng(seed).permutation(len(kept)),
        )


def unseen_prompts(outcomes: Outcomes, split: Split) -> Outcomes:
    """Prompts that were not learned from, and are not nearly the same as one that was; of such that are
    nearly the same as one another, the first.

    Args:
        outcomes: Prompts of the part ``test`` where they have a split; all count else.
        split: What the router was trained with.
    """
    if not outcomes.has_split and not split.parts:
        outcomes = outcomes.with_split(keep=split)
    parts = outcomes.prompts["split"].to_list() if outcomes.has_split else ["test"] * len(outcomes)
    learned = np.array(
        [
            part != "test" or split.part_of(text) in ("train", "val")
            for part, text in zip(parts, outcomes.texts, strict=True)
        ]
    )
    groups = near_duplicate_groups(outcomes.texts)
    free = ~np.isin(groups, groups[learned])
    _, first = np.unique(groups[free], return_index=True)
    ids = np.array(outcomes.prompt_ids, object)[free][np.sort(first)].tolist()
    if not ids:
        raise InputError(
            f"the router has learned from every prompt of {outcomes.name}, or from one that is nearly the "
            "same: a contract needs prompts of its own"
        )
    return outcomes.subset(ids)


def _human(outcomes: Outcomes, column: str, models: Sequence[str]) -> Array:
    """Scores by people, NaN where there are none; a prompt that lacks one of a model counts as not scored."""
    rows = outcomes.outcomes
    if column not in rows.columns:
        raise InputError(
            f"{outcomes.name} has no column {column!r} of human scores; it has {', '.join(rows.columns)}"
        )
    given = rows.filter(pl.col(column).is_not_null()).with_columns(score=pl.col(column))
    try:
        found = Outcomes(outcomes.prompts, given, outcomes.name).to_matrices(models).score
    except InputError as error:
        raise InputError(f"{outcomes.name}: {column} holds no human scores: {error}") from None
    whole = ~np.isnan(found).any(1)
    if not whole.any():
        raise InputError(
            f"{outcomes.name}: {column} scores no prompt on every model of the pool, among those that the "
            "router has not learned from: score all models of some prompts, drawn at random"
        )
    found[~whole] = np.nan
    return found
