"""Cascades by thresholds, the plain way of asking several models, chosen anew for every price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FOLDS, PAIR_CUTS, CHAIN_CUTS = 5, 24, 7


@dataclass(frozen=True, eq=False)
class Realised:
    """What policies, one for each of some prices, achieved on each prompt and cost.

    Args:
        score: ``(n_prices, n_prompts)``.
        cost_usd: Likewise.
    """

    score: Array
    cost_usd: Array


@dataclass(frozen=True, eq=False)
class Recorded:
    """Answers of all models to some prompts, ``(n_prompts, n_models)``.

    Args:
        score: What they achieved.
        cost_usd: What they cost.
        confidence: P(correct), given the prompt and the answer's signals.
        code: Equal numbers for equal answers of a prompt, -1 for one that equals no other.
    """

    score: Array
    cost_usd: Array
    confidence: Array
    code: Codes

    def rows(self, at: npt.NDArray[np.bool_]) -> Recorded:
        """Those of some prompts."""
        return Recorded(self.score[at], self.cost_usd[at], self.confidence[at], self.code[at])


@dataclass(frozen=True)
class Rule:
    """Models in the order in which they are asked, and when to go on.

    Args:
        models: By rising cost.
        cuts: P(correct) below which the next one is asked, one for every model but the last; none where the
            third is asked if and only if the first two disagree.
    """

    models: tuple[int, ...]
    cuts: tuple[float, ...]

    def on(self, recorded: Recorded) -> tuple[Array, Array]:
        """Scores and costs of the prompts; the last answer is given."""
        score, cost = (value[:, self.models[0]] for value in (recorded.score, recorded.cost_usd))
        if not self.cuts:
            first, second, third = self.models
            code = recorded.code[:, [first, second]]
            differ = (code[:, 0] != code[:, 1]) | (code[:, 0] < 0)
            cost = cost + recorded.cost_usd[:, second] + np.where(differ, recorded.cost_usd[:, third], 0)
            return np.where(differ, recorded.score[:, third], score), cost
        going = np.ones(len(score), bool)
        for before, model, cut in zip(self.models, self.models[1:], self.cuts, strict=False):
            going = going & (recorded.confidence[:, before] < cut)
            score = np.where(going, recorded.score[:, model], score)
            cost = np.where(going, cost + recorded.cost_usd[:, model], cost)
        return score, cost


def rules(recorded: Recorded) -> Iterator[tuple[Rule, float, float]]:
    """All rules of two and three models, cheaper ones first, with their mean score and cost.

    Cuts are quantiles of what is seen; 0 and 1 are among them, so that a rule can be a single model.
    """
    n, order = len(recorded.score), np.argsort(recorded.cost_usd.mean(0), kind="stable").tolist()
    score, cost = recorded.score, recorded.cost_usd
    sorted_ = {at: np.argsort(recorded.confidence[:, at], kind="stable") for at in order}
    share = np.arange(PAIR_CUTS + 1) / PAIR_CUTS
    for one, two in combinations(order, 2):
        rank = sorted_[one]
        count = np.rint(share * n).astype(int)
        gain = np.concatenate([[0], np.cumsum((score[:, two] - score[:, one])[rank])])[count]
        paid = np.concatenate([[0], np.cumsum(cost[rank, two])])[count]
        ordered = np.append(recorded.confidence[rank, one], np.inf)
        for at, much, usd in zip(count, gain, paid, strict=True):
            rule = Rule((one, two), (float(ordered[at]),))
            yield rule, score[:, one].mean() + much / n, cost[:, one].mean() + usd / n
    share = np.arange(1, CHAIN_CUTS) / CHAIN_CUTS
    below = {}
    for at in order:
        cuts = np.quantile(recorded.confidence[:, at], share)
        below[at] = cuts, (recorded.confidence[:, [at]] < cuts).astype(np.float64)
    for one, two, three in combinations(order, 3):
        (first, leaves), (second, leaves_too) = below[one], below[two]
        on = leaves.T @ np.column_stack([score[:, two] - score[:, one], cost[:, two]]) / n
        more = [
            (leaves * value[:, None]).T @ leaves_too / n
            for value in (score[:, three] - score[:, two], cost[:, three])
        ]
        base = score[:, one].mean(), cost[:, one].mean()
        for i, cut in enumerate(first):
            for j, other in enumerate(second):
                yield (
                    Rule((one, two, three), (float(cut), float(other))),
                    base[0] + on[i, 0] + more[0][i, j],
                    base[1] + on[i, 1] + more[1][i, j],
                )
        rule = Rule((one, two, three), ())
        of_all, paid_by_all = rule.on(recorded)
        yield rule, float(of_all.mean()), float(paid_by_all.mean())


def best_rules(recorded: Recorded, prices: Array) -> list[Rule]:
    """The rule of most score less the price of its cost, at each price."""
    found = [*rules(recorded)]
    score, cost = np.array([point for _, *point in found]).T
    return [found[(score - price * cost).argmax()][0] for price in prices]


def threshold_cascades(recorded: Recorded, prices: Array, *, seed: int = 0) -> Realised:
    """The best cascade by thresholds at each price, chosen on four fifths of the prompts, run on the rest."""
    n = len(recorded.score)
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    found = Realised(np.empty((len(prices), n)), np.empty((len(prices), n)))
    for part in range(FOLDS):
        rest, here = recorded.rows(fold != part), recorded.rows(fold == part)
        for at, rule in enumerate(best_rules(rest, prices)):
            found.score[at, fold == part], found.cost_usd[at, fold == part] = rule.on(here)
    return found
