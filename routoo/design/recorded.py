"""What recorded outcomes say of the models of a pool: who is dominated, a duplicate, or hardly recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

from routoo.data.costs.nominal import nominal_costs
from routoo.data.costs.recorded_costs import RecordedCosts
from routoo.data.curves import Vector
from routoo.data.group_table import GroupTable
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.design.finding import Finding
from routoo.design.groups import PromptGroups
from routoo.design.prices import off_prices

LEAST_OUTCOMES = 100
"""Outcomes below which a model is called thinly recorded."""

_LEAST_COMMON = 50  # prompts that two models must share to be compared
_AGREEMENT, _KAPPA = 0.98, 0.9
_ERROR = 0.05  # chance that a model is called dominated by luck, over all that it is compared with


def lint_recorded(models: Sequence[PoolModel], outcomes: Outcomes) -> list[Finding]:
    """What the outcomes say of these models; those without any outcome are named and left aside."""
    listed = {model.name for model in models}
    findings = [
        Finding("outcomes", model.name, f"has no outcome in {outcomes.name}")
        for model in models
        if model.name not in outcomes.models
    ]
    findings += [
        Finding("price", name, f"has outcomes in {outcomes.name} and no entry in the pool")
        for name in outcomes.models
        if name not in listed
    ]
    known = tuple(model for model in models if model.name in outcomes.models)
    if known:
        recorded = _Recorded.of(outcomes, Pool(known))
        findings += recorded.thin()
        findings += recorded.without_usage()
        findings += off_prices(outcomes, recorded.pool)
        findings += recorded.constant()
        findings += recorded.too_long()
        findings += recorded.duplicates()
        findings += recorded.dominated()
    return findings


@dataclass(frozen=True, eq=False)
class _Recorded:
    """Scores and tokens, ``(n_prompts, n_models)``, NaN where nothing is known, and what calls cost."""

    outcomes: Outcomes
    pool: Pool
    score: Vector
    input_tokens: Vector
    costs: RecordedCosts

    @classmethod
    def of(cls, outcomes: Outcomes, pool: Pool) -> _Recorded:
        matrices = outcomes.to_matrices(pool.names)
        return cls(outcomes, pool, matrices.score, matrices.input_tokens, RecordedCosts.of(outcomes, pool))

    @property
    def cost_usd(self) -> Vector:
        """What a call costs, NaN where only other calls of the model are known."""
        return self.costs.cost_usd

    @cached_property
    def seen(self) -> Vector:
        """1 where a score is known."""
        return (~np.isnan(self.score)).astype(np.float64)

    @cached_property
    def mean_cost_usd(self) -> Vector:
        """Mean cost of a call of each model, ``(n_models,)``."""
        return np.asarray(np.nanmean(self.cost_usd, axis=0), np.float64)

    @cached_property
    def common(self) -> Vector:
        """Prompts that two models share, ``(n_models, n_models)``."""
        return np.asarray(self.seen.T @ self.seen, np.float64)

    def thin(self) -> Iterator[Finding]:
        """Models of which little is recorded."""
        for name, count in zip(self.pool.names, self.seen.sum(0), strict=True):
            if count < min(LEAST_OUTCOMES, len(self.outcomes)):
                words = f"has {count:.0f} outcomes; with fewer than {LEAST_OUTCOMES} little can be said of it"
                yield Finding("outcomes", name, words)

    def without_usage(self) -> Iterator[Finding]:
        """Models of which no cost and no tokens are recorded."""
        others = self.outcomes.records("output_tokens")
        nominal = nominal_costs(self.pool, self.costs.unrecorded, others=others)
        for name in self.costs.unrecorded:
            counted = f", and {nominal[name]} a call" if name in nominal else ""
            yield Finding("outcomes", name, f"has no recorded usage: its list price is taken{counted}")

    def constant(self) -> Iterator[Finding]:
        """Models that never score, which is more often a broken run than a model."""
        for name, scores in zip(self.pool.names, self.score.T, strict=True):
            known = scores[~np.isnan(scores)]
            if len(known) >= _LEAST_COMMON and not known.any():
                yield Finding("outcomes", name, f"scores 0 on all of {len(known):,} prompts: a broken run?")

    def too_long(self) -> Iterator[Finding]:
        """Models whose window is shorter than prompts that they were sent."""
        for model, tokens in zip(self.pool.models, self.input_tokens.T, strict=True):
            over = int((tokens > (model.context_window or np.inf)).sum())
            if over:
                words = f"context_window is {model.context_window:,} tokens"
                yield Finding("limit", model.name, f"{words}, and {over:,} recorded prompts are longer")

    @cached_property
    def alike(self) -> list[tuple[int, int, float]]:
        """Pairs whose scores agree nearly everywhere, and by more than chance, with the share that agrees."""
        pairs = []
        for left in range(len(self.pool)):
            for right in range(left + 1, len(self.pool)):
                rows = ~np.isnan(self.score[:, left] + self.score[:, right])
                if rows.sum() < _LEAST_COMMON:
                    continue
                a, b = self.score[rows, left], self.score[rows, right]
                share = float((np.abs(a - b) < 1e-6).mean())
                if share >= _AGREEMENT and 1 - np.square(a - b).sum() / _by_chance(a, b) >= _KAPPA:
                    pairs.append((left, right, share))
        return pairs

    def duplicates(self) -> Iterator[Finding]:
        """Models that do what another does; named by the dearer one."""
        mean = self.mean_cost_usd
        for left, right, share in self.alike:
            kept, named = (right, left) if mean[left] > mean[right] else (left, right)
            other = self.pool.names[kept]
            words = f"scores like {other} on {100 * share:.1f} % of {self.common[left, right]:,.0f} prompts"
            yield Finding("duplicate", self.pool.names[named], words, other)

    def dominated(self) -> Iterator[Finding]:
        """Models that another beats in score, beyond chance, at no higher cost."""
        alike = {pair for left, right, _ in self.alike for pair in ((left, right), (right, left))}
        for at, name in enumerate(self.pool.names):
            leads = [self._lead(other, at) for other in range(len(self.pool)) if (other, at) not in alike]
            known = [lead for lead in leads if lead is not None]
            if not known:
                continue
            z = NormalDist().inv_cdf(1 - _ERROR / len(known))
            low, mean, other = max((mean - z * error, mean, other) for mean, error, other in known)
            if low > 0:
                better = self.pool.names[other]
                niche = self._niche[at]
                best = "the best of the models that cost no more"
                still = (
                    f"it is still {best} on {100 * niche:.1f} % of the prompts"
                    if niche > 0
                    else f"there is no group in which it is {best}"
                )
                words = (
                    f"{better} costs no more and scores {mean:.4f} more (at least {low:.4f}); with "
                    f"prompts grouped by {self._groups.by}, {still}"
                )
                yield Finding("dominated", name, words, better)

    def _lead(self, other: int, at: int) -> tuple[float, float, int] | None:
        """Mean lead in score of a model that is no dearer, its standard error, and the model."""
        rows = ~np.isnan(self.score[:, other] + self.score[:, at])
        if other == at or rows.sum() < _LEAST_COMMON:
            return None
        cost = self.cost_usd[rows][:, [other, at]]
        cost = cost[~np.isnan(cost).any(axis=1)].sum(axis=0)
        if not len(cost) or cost[0] > cost[1]:
            return None
        lead = self.score[rows, other] - self.score[rows, at]
        return float(lead.mean()), float(lead.std(ddof=1) / np.sqrt(len(lead))), other

    @cached_property
    def _groups(self) -> PromptGroups:
        return PromptGroups.of(self.outcomes)

    @cached_property
    def _niche(self) -> Vector:
        """Share of the prompts, by group, on which no model that is no dearer is expected to score more."""
        groups = self._groups
        table = GroupTable.of(self.score, groups.of_prompts(self.outcomes), len(groups))
        cost = self.mean_cost_usd
        best = np.stack(
            [
                table.expected[:, at] >= table.expected[:, cost <= cost[at]].max(axis=1)
                for at in range(len(self.pool))
            ]
        )
        return np.asarray(best @ table.share, np.float64)


def _by_chance(a: Vector, b: Vector) -> float:
    """Expected sum of squared differences of scores paired at random (what kappa divides by)."""
    chance = len(a) * float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    return max(chance, 1e-300)
