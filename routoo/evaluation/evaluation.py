"""What a router is worth on recorded outcomes, beside everything that it must be held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from routoo.data.costs.nominal import NominalCosts
from routoo.data.curves import hull
from routoo.data.errors import InputError
from routoo.data.splits import Part
from routoo.evaluation.compare.cascades import Cascades
from routoo.evaluation.compare.differences import Difference
from routoo.evaluation.compare.mean_costs import Spending
from routoo.evaluation.compare.validated import ValidatedSetting
from routoo.evaluation.headline import SPENDS, hindsight_words, validated_words
from routoo.evaluation.metrics.budgets import score_of
from routoo.evaluation.metrics.coverage import Coverage
from routoo.evaluation.metrics.deferral import Deferral
from routoo.evaluation.metrics.group_calibration import Group, GroupCalibration
from routoo.evaluation.metrics.policy_metrics import HINDSIGHT, PolicyMetrics
from routoo.evaluation.metrics.published import Published
from routoo.evaluation.metrics.reliability import Reliability
from routoo.evaluation.metrics.robustness import Robustness, flips_in_words
from routoo.evaluation.metrics.undefined import as_json
from routoo.evaluation.metrics.usage_errors import UsageError
from routoo.evaluation.trial.bootstrap import Interval
from routoo.evaluation.trial.curve import Curve
from routoo.evaluation.trial.policy import DOMAIN_TABLE, HULL
from routoo.evaluation.trial.single_models import SingleModel, SingleModels
from routoo.evaluation.verdict import Verdict, verdict_of
from routoo.evaluation.volume import Volume

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The table of an evaluation, its curves, and what it was made from.

    Args:
        data: Name of the outcomes.
        part: Part of the split that was judged.
        n_prompts: Prompts in that part.
        models: The judged models; columns of the shares in `curves`.
        router: Name of the row that the headline speaks of.
        reference: Name of the row that `PolicyMetrics.over_reference` compares with.
        rows: The table: what needs no router, the predictions in the order given, the oracle.
        curves: What each predicted row and the oracle realise along the price, by row name.
        reliability: What each predicted row promised against what came, by row name.
        calibration: The same model by model and domain by domain, by row name.
        coverage: Whether the router's intervals held what they promised, level by level, where it has any.
        deferral: What each of them makes of the cheapest and the best single model alone, by row name.
        published: The metrics of others, by row name.
        validated: What prices chosen on validation keep and cost, by name of the rows for which such are
            known; of all others every setting is picked in hindsight, on the judged prompts.
        differences: What the router has above every other row, each metric with its range, in row order.
        usage: How far predicted output tokens and seconds are from recorded ones, where both are known.
        spending: What the router's batches were expected to cost, and cost.
        cascades: What cascades add to the router and what they do, where there is a row of them.
        singles: The judged models one by one.
        spend_usd: What the best single model costs on these prompts: the 1 of every share of cost.
        split: Prompts in each part of the data.
        samples: Resamples behind the intervals; `seed` says which.
        nominal_costs: Models whose costs the router's predictions state as nominal; see `Scores`.
        notes: What was left out or filled in, in words.
        provenance: What else the reader should know (command, training seed, bundle), by label.
        simulated: Whether the outcomes are simulated rather than recorded.
        observed_domains: Whether the router observed the domain of each prompt, or inferred it from the text.
        observed_attributes: Of how many prompts the router observed each attribute that it learned; None for
            those that it inferred.
        robustness: How often the router's choices flip, where that was asked.
    """

    data: str
    part: Part
    n_prompts: int
    models: tuple[str, ...]
    router: str
    reference: str
    rows: tuple[PolicyMetrics, ...]
    curves: Mapping[str, Curve]
    reliability: Mapping[str, Reliability]
    calibration: Mapping[str, tuple[GroupCalibration, ...]]
    coverage: tuple[Coverage, ...]
    deferral: Mapping[str, Deferral]
    published: Mapping[str, Published]
    validated: Mapping[str, tuple[ValidatedSetting, ...]]
    differences: tuple[Difference, ...]
    usage: tuple[UsageError, ...]
    spending: Spending
    cascades: Cascades | None
    singles: tuple[SingleModel, ...]
    spend_usd: float
    split: Mapping[str, int]
    samples: int
    seed: int
    nominal_costs: NominalCosts = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    observed_domains: bool = False
    observed_attributes: Mapping[str, int | None] = field(default_factory=dict)
    robustness: tuple[Robustness, ...] = ()

    def row(self, name: str) -> PolicyMetrics:
        """The metrics of one row.

        Raises:
            InputError: There is no row of that name.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise InputError(f"no row {name!r}; there are {', '.join(row.name for row in self.rows)}")

    def over(self, other: str) -> Difference:
        """What the router has above another row.

        Raises:
            InputError: There is no such row, or there are no resamples.
        """
        for found in self.differences:
            if found.other == other:
                return found
        known = ", ".join(found.other for found in self.differences) or "none, for want of resamples"
        raise InputError(f"no difference to {other!r}; there are {known}")

    def over_mixtures(self, share: float) -> Interval | None:
        """What the router scores above the best mixture of single models at a share of the best one's cost.

        None where there are no resamples, or too many of them have no score there.
        """
        gaps = [found.metrics.get(f"hull@{share:g}") for found in self.differences if found.other == HULL]
        return gaps[0] if gaps else None

    @property
    def best_single(self) -> SingleModel:
        """The model with the highest mean score, the cheapest of those that tie; known only in hindsight.

        One with too few outcomes is passed over; see `SingleModels.best`.
        """
        return self.singles[self._single_models.best]

    @property
    def cheapest_single(self) -> SingleModel:
        """The model with the lowest mean cost on these prompts."""
        return self.singles[self._single_models.cheapest]

    @property
    def volume(self) -> Volume:
        """For how many prompts money is stated."""
        return Volume(self.best_single.cost_usd)

    def mixed_score(self, budget_usd: float) -> float:
        """What the best mixture of single models scores at this cost a prompt."""
        vertices = hull(self._single_models.points)
        return float(np.interp(budget_usd, vertices[:, 0], vertices[:, 1]))

    def routed_score(self, budget_usd: float) -> float:
        """What the router scores at exactly this cost a prompt, two settings mixed if need be.

        NaN where it cannot spend so little.
        """
        points = self.curves[self.router].points
        return score_of(hull(self._single_models.with_cheapest(points)), budget_usd)

    @cached_property
    def _single_models(self) -> SingleModels:
        points = [(model.cost_usd, model.score) for model in self.singles]
        return SingleModels(np.array(points), np.array([model.outcomes for model in self.singles]))

    def furthest_off(self, by: Group) -> GroupCalibration | None:
        """The model or domain of which the router's promise is furthest from what came; None without any."""
        groups = [group for group in self.calibration[self.router] if group.by == by and group.count]
        return max(groups, key=lambda group: abs(group.bias), default=None)

    def setting(self, aim: str) -> ValidatedSetting | None:
        """The router at the price that served an aim on validation (see `AIMS`), where one is known."""
        settings = self.validated.get(self.router, ())
        return next((found for found in settings if found.aim == aim), None)

    def domains_in_words(self) -> str:
        """Who observes the domains of the prompts; empty where they have none."""
        if not any(group.by == "domain" for group in self.calibration[self.router]):
            return ""
        how = "observes the true ones" if self.observed_domains else "infers them from the text"
        router = f"{self.router} {how}"
        table = any(row.name == DOMAIN_TABLE for row in self.rows)
        return f"{router}; the {DOMAIN_TABLE} is given the true domains" if table else router

    def attributes_in_words(self) -> str:
        """Which attributes the router observes, and of how many prompts; empty where it learned none."""
        return "; ".join(
            f"{name} inferred from the text"
            if observed is None
            else f"{name} observed for {observed} of {self.n_prompts} prompts"
            for name, observed in self.observed_attributes.items()
        )

    def flips_in_words(self) -> str:
        """How often the worst kind of harmless change moves a choice; empty where that was not asked."""
        return flips_in_words(self.robustness)

    def verdict(self) -> Verdict:
        """Whether routing is worth it: at the price chosen on validation that comes first in `AIMS`."""
        settings = self.validated.get(self.router, ())
        found = verdict_of(
            settings[0] if settings else None,
            best=self.best_single,
            cheapest=self.cheapest_single,
            singles=self.singles,
            prompts=self.n_prompts,
            simulated=self.simulated,
        )
        return found if self.cascades is None else replace(found, cascades=self.cascades.gain_in_words())

    def headline(self) -> str:
        """What the router buys at a price chosen on validation, or else in hindsight, in one sentence."""
        where = "On simulated outcomes, " if self.simulated else ""
        if len(self.singles) == 1:
            return f"{self.best_single.name} is the only model in the pool: there is nothing to choose."
        settings = self.validated.get(self.router, ())
        best = self.best_single
        if settings:
            mixed = self.mixed_score(settings[0].cost * best.cost_usd)
            words = validated_words(self.router, best, settings[0], mixed)
        else:
            words = self._hindsight_words()
        sentence = where + words
        return sentence[0].upper() + sentence[1:].replace("%", " %")

    def _hindsight_words(self) -> str:
        best = self.best_single
        scores = {share: self.routed_score(share * best.cost_usd) for share in SPENDS}
        share = next((share for share, score in scores.items() if not math.isnan(score)), None)
        if share is None or not best.score:
            return f"{self.router} has nothing to gain: no model scores above 0 at any cost."
        mixed, gap = self.mixed_score(share * best.cost_usd), self.over_mixtures(share)
        return hindsight_words(self.router, best, share, scores[share], mixed, gap)

    def to_polars(self) -> pl.DataFrame:
        """The table, one row a policy; ``acc@0.5`` and ``cost@1`` as in `PolicyMetrics.to_dict`."""
        import polars as pl

        rows = [row.to_dict() for row in self.rows]
        texts = {"name": pl.String, "kind": pl.String}
        return pl.DataFrame(rows, schema={key: texts.get(key, pl.Float64) for key in rows[0]})

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The table and what it was made from, as JSON has it; NaN becomes None. Curves are left out."""
        kept = {key: as_json(getattr(self, key)) for key in _DOCUMENT}
        furthest = {by: as_json(self.furthest_off(by)) for by in _GROUPS}
        return {
            **kept,
            "headline": self.headline(),
            "verdict": self.verdict().to_dict(),
            "best_single": self.best_single.to_dict(),
            "furthest_off": furthest,
            "in_hindsight": list(HINDSIGHT),
        }


_GROUPS: tuple[Group, ...] = ("model", "domain")

_DOCUMENT = (
    *("data", "simulated", "observed_domains", "observed_attributes", "part", "n_prompts", "split", "models"),
    *("router", "reference", "spend_usd", "rows", "published", "calibration", "coverage", "validated"),
    *("differences", "usage", "spending", "cascades", "robustness", "singles", "samples", "seed"),
    *("nominal_costs", "notes", "provenance"),
)
"""What the JSON of an evaluation holds as it is."""
