"""A few models that together are worth most, chosen from recorded outcomes."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from routoo.data.checks.arguments import number, record
from routoo.data.costs.recorded_costs import RecordedCosts
from routoo.data.curves import Vector, area, best_single
from routoo.data.errors import InfeasibleError, InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.design.groups import PromptGroups
from routoo.design.worth import NO_ANSWER, Columns, Worth
from routoo.evaluation.trial.bootstrap import MOST_SAMPLES, Interval, Resamples, interval
from routoo.solver.subset import GUARANTEE, Subset, pick_subset


@dataclass(frozen=True)
class PickedModel:
    """A model, in the order in which each adds most to those before it.

    Args:
        name: The model.
        cost_usd: Its mean cost of a call.
        gain: What it was expected to add to the worth of a prompt, when it was chosen.
        added: What it added on held-out prompts, with an interval; None for the first.
        area: Area of score against cost on held-out prompts, of a router among it and those before, from the
            cheapest candidate's cost to the best one's; NaN where there is nothing to trade.
        share: Share of the held-out prompts that it is given by the whole pick, over all prices.
    """

    name: str
    cost_usd: float
    gain: float
    added: Interval | None
    area: float
    share: float


@dataclass(frozen=True)
class PoolPick:
    """Models that complement one another, and what they are worth on prompts they were not chosen on.

    Args:
        pool: The models, in the order of `models`.
        models: What each adds.
        prices: Score per USD at which worth was counted.
        value: Worth of a prompt that was expected of the pick, when it was chosen.
        upper_bound: What no other pick within the limit exceeds, by the same expectations.
        guarantee: Share of the best possible value that the way of choosing promises in advance.
        held_out_value: Worth of a prompt that the pick has on held-out prompts.
        everyone_value: The same when all candidates stay.
        everyone_area: Area there when all candidates stay.
        candidates: How many models there were to pick from.
        grouped_by: What expectations are kept apart by: ``domain``, or ``words`` where no domain is recorded.
        spread: Standard deviation of what models are better or worse in a group of prompts than overall.
        chosen_on: Prompts that the choice was made on.
        held_out: Prompts that it was measured on.
        notes: Costs that were not recorded, and what they follow from, in words.
    """

    pool: Pool
    models: tuple[PickedModel, ...]
    prices: tuple[float, ...]
    value: float
    upper_bound: float
    guarantee: float
    held_out_value: float
    everyone_value: float
    everyone_area: float
    candidates: int
    grouped_by: str
    spread: float
    chosen_on: int
    held_out: int
    notes: tuple[str, ...] = ()

    @property
    def proved_share(self) -> float:
        """Share of the best possible value that is proved for this pick."""
        return min(1.0, self.value / self.upper_bound) if self.upper_bound > 0 else 1.0

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The same as plain JSON values."""
        document = dataclasses.asdict(self)
        return {**document, "pool": self.pool.to_records(), "proved_share": self.proved_share}


def pick_pool(
    outcomes: Outcomes,
    pool: Pool,
    *,
    models: int | None = None,
    spend_usd: float | None = None,
    price: float | None = None,
    seed: int = 0,
    samples: int = 1000,
) -> PoolPick:
    """The models of a pool that complement one another best; all that add anything, where no limit is given.

    What models are worth to a prompt is the score of the one a router would choose, less its cost at a price,
    on average over the prices of all budgets from the cheapest model's to the best one's. The choice is
    made on the prompts in ``train`` and ``val`` by expected scores for each domain (or for prompts that
    share words, where no domain is recorded), freed of the luck of the draw (`GroupTable`), and is then
    held against the prompts in ``test``. A score that was not recorded there counts as expected.

    Args:
        outcomes: Recorded outcomes; where they have no split, one is made.
        pool: The candidates and their prices.
        models: Most models to pick.
        spend_usd: Most that asking every picked model once may cost, by their mean costs of a call.
        price: Score per USD, instead of those of all budgets; at 0 the score alone counts.
        seed: Seed of the split, the groups of words and the resamples.
        samples: Resamples of the held-out prompts behind the intervals.

    Raises:
        InputError: Both limits are given, a number is out of range, or a model has no outcome.
        InfeasibleError: No model fits the spend, or none is worth its cost at this price.

    >>> from routoo.lab.members import lab_pool
    >>> from routoo.lab.shipped import lab_outcomes
    >>> outcomes = lab_outcomes(600)
    >>> pick = pick_pool(outcomes, lab_pool().select(outcomes.models), models=2)
    >>> len(pick.pool), pick.guarantee < pick.proved_share <= 1
    (2, True)
    """
    if models is not None and spend_usd is not None:
        raise InputError("models and spend_usd are two limits: give one of them")
    if models is not None:
        models = number("models", models, least=1, whole=True)
    if price is not None:
        price = number("price", price, finite=True)
    samples = number("samples", samples, most=MOST_SAMPLES, whole=True)
    seed = number("seed", seed, whole=True)
    if spend_usd is not None:
        spend_usd = number("spend_usd", spend_usd)
    record("pool", pool, Pool)
    record("outcomes", outcomes, Outcomes, "Outcomes.read makes them")
    known = outcomes.select(pool.names).with_split(seed=seed)
    learn, held = known.part("train", "val"), known.part("test")
    costs, tested = RecordedCosts.of(known, pool), (known.prompts["split"] == "test").to_numpy()
    groups = PromptGroups.of(learn, seed=seed)
    worth = Worth.of(learn, pool, costs.cost_usd[~tested], groups, price)
    size = len(pool) if models is None else models
    found = pick_subset(
        worth.values,
        size=size if spend_usd is None else None,
        spend=spend_usd,
        weights=worth.mean_cost_usd,
    )
    if not found.columns:
        raise _nothing(pool, worth, spend_usd)
    trial = _HeldOut.of(held, pool, costs.cost_usd[tested], groups, worth)
    prefixes = [trial.routed(found.columns[: at + 1]) for at in range(len(found.columns))]
    everyone = trial.routed(tuple(range(len(pool))))
    return PoolPick(
        pool=pool.select(pool.names[at] for at in found.columns),
        models=_models(found, pool, worth, trial, prefixes, Resamples(len(held), samples, seed)),
        prices=tuple(worth.prices.tolist()),
        value=found.value,
        upper_bound=found.upper_bound,
        guarantee=GUARANTEE,
        held_out_value=float(trial.net(prefixes[-1]).mean()),
        everyone_value=float(trial.net(everyone).mean()),
        everyone_area=trial.area(everyone),
        candidates=len(pool),
        grouped_by=groups.by,
        spread=worth.spread,
        chosen_on=len(learn),
        held_out=len(held),
        notes=costs.in_words(),
    )


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Prompts that had no say in the choice: their scores and costs, and a last column of no answer."""

    worth: Worth
    rows: Columns
    score: Vector
    cost_usd: Vector

    @classmethod
    def of(cls, held: Outcomes, pool: Pool, cost_usd: Vector, groups: PromptGroups, worth: Worth) -> _HeldOut:
        rows = groups.of_prompts(held)

        def known(recorded: Vector, expected: Vector) -> Vector:
            filled = np.where(np.isnan(recorded), expected[rows], recorded)
            return np.column_stack([filled, np.zeros(len(filled))])  # where NO_ANSWER points

        score = known(held.to_matrices(pool.names).score, worth.score)
        return cls(worth, rows, score, known(cost_usd, worth.cost_usd))

    def routed(self, columns: tuple[int, ...]) -> Columns:
        """The column that each prompt is given at each price, ``(n_prices, n_prompts)``."""
        return self.worth.routed(columns)[:, self.rows]

    def net(self, chosen: Columns) -> Vector:
        """What the choices are worth to each prompt, over all prices, ``(n_prompts,)``."""
        score, cost = self._of(chosen)
        return np.asarray(self.worth.budgets @ (score - self.worth.prices[:, None] * cost), np.float64)

    def area(self, chosen: Columns) -> float:
        """Area of score against cost of the choices at all prices, mixed with no answer."""
        means = (self.cost_usd[:, :NO_ANSWER].mean(0), self.score[:, :NO_ANSWER].mean(0))
        singles = np.stack(means, axis=1)
        low, high = singles[:, 0].min(), singles[best_single(singles), 0]
        if high <= low:
            return math.nan
        score, cost = self._of(chosen)
        points = np.stack([cost.mean(axis=1), score.mean(axis=1)], axis=1)
        return area(np.vstack([[0.0, 0.0], points]), float(low), float(high))

    def _of(self, chosen: Columns) -> tuple[Vector, Vector]:
        every = np.arange(len(self.rows))
        return self.score[every, chosen], self.cost_usd[every, chosen]


def _models(
    found: Subset,
    pool: Pool,
    worth: Worth,
    trial: _HeldOut,
    prefixes: list[Columns],
    resamples: Resamples,
) -> tuple[PickedModel, ...]:
    """What each picked model adds on the held-out prompts, which are drawn again for the intervals."""
    net = np.stack([trial.net(chosen) for chosen in prefixes], axis=1)
    added = np.diff(net, axis=1)
    drawn = resamples.means(added)
    return tuple(
        PickedModel(
            name=pool.names[at],
            cost_usd=float(worth.mean_cost_usd[at]),
            gain=found.gains[k],
            added=interval(float(added[:, k - 1].mean()), drawn[:, k - 1]) if k else None,
            area=trial.area(prefixes[k]),
            share=float(worth.budgets @ (prefixes[-1] == at).mean(axis=1)),
        )
        for k, at in enumerate(found.columns)
    )


def _nothing(pool: Pool, worth: Worth, spend_usd: float | None) -> InfeasibleError:
    each = worth.mean_cost_usd
    least = float(each.min())
    if spend_usd is not None and spend_usd < least:
        return InfeasibleError(
            f"no model's call costs {spend_usd:g} USD or less on average; the cheapest, "
            f"{pool.names[int(each.argmin())]}, costs {least:.6g}",
            least_budget_usd=least,
        )
    if not worth.prices.min():
        return InfeasibleError("no model scored above 0 on any prompt: there is nothing to choose by")
    return InfeasibleError(
        f"no model is worth what it costs at {worth.prices.min():g} score per USD; lower the price"
    )
