"""What a router is worth on recorded outcomes, beside everything that it must be held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from routoo.data.curves import hull
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes, Part
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.evaluation.bootstrap import Resamples
from routoo.evaluation.calibration import Calibration, calibrations
from routoo.evaluation.deferral import Deferral
from routoo.evaluation.figures import Curve, Figures, SingleModel
from routoo.evaluation.metrics import Reliability, reliability
from routoo.evaluation.policy import (
    BEST_SINGLE,
    HULL,
    MIXING,
    ORACLE,
    deferral,
    given_policies,
    measured,
    oracle,
    predicted,
    with_intervals,
)
from routoo.evaluation.published import Published, published_of
from routoo.evaluation.robustness import Robustness
from routoo.evaluation.trial import trial_of

if TYPE_CHECKING:
    import polars as pl

    from routoo.evaluation.table import EvaluationTable


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The table of an evaluation, its curves, and what it was made from.

    Args:
        data: Name of the outcomes.
        part: Part of the split that was judged.
        n_prompts: Prompts in that part.
        models: The judged models; columns of the shares in `curves`.
        router: Name of the row that the headline speaks of.
        reference: Name of the row that `Figures.over_reference` compares with.
        rows: The table: what needs no router, the predictions in the order given, the oracle.
        curves: What each predicted row and the oracle realise along the price, by row name.
        reliability: What each predicted row promised against what came, by row name.
        calibration: The same model by model and domain by domain, by row name.
        deferral: What each of them makes of the cheapest and the best single model alone, by row name.
        published: The measures of others, by row name.
        singles: The judged models one by one.
        spend_usd: What the best single model costs on these prompts: the 1 of every share of cost.
        split: Prompts in each part of the data.
        samples: Resamples behind the intervals; `seed` says which.
        notes: What was left out or filled in, in words.
        provenance: What else the reader should know (command, training seed, bundle), by label.
        simulated: Whether the outcomes are simulated rather than recorded.
        robustness: How often the router's choices flip, where that was asked.
    """

    data: str
    part: Part
    n_prompts: int
    models: tuple[str, ...]
    router: str
    reference: str
    rows: tuple[Figures, ...]
    curves: Mapping[str, Curve]
    reliability: Mapping[str, Reliability]
    calibration: Mapping[str, tuple[Calibration, ...]]
    deferral: Mapping[str, Deferral]
    published: Mapping[str, Published]
    singles: tuple[SingleModel, ...]
    spend_usd: float
    split: Mapping[str, int]
    samples: int
    seed: int
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    robustness: tuple[Robustness, ...] = ()

    def row(self, name: str) -> Figures:
        """The figures of one row.

        Raises:
            InputError: There is no row of that name.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise InputError(f"no row {name!r}; there are {', '.join(row.name for row in self.rows)}")

    @property
    def best_single(self) -> SingleModel:
        """The model with the highest mean score, known only in hindsight."""
        return max(self.singles, key=lambda model: model.score)

    @property
    def cheapest_single(self) -> SingleModel:
        """The model with the lowest mean cost on these prompts."""
        return min(self.singles, key=lambda model: model.cost_usd)

    def mixed_score(self, budget_usd: float) -> float:
        """The best mean score that single models reach at this cost a prompt, mixed at random."""
        vertices = hull(np.array([(model.cost_usd, model.score) for model in self.singles]))
        return float(np.interp(budget_usd, vertices[:, 0], vertices[:, 1]))

    def headline(self) -> str:
        """What the router buys, in one sentence."""
        row, best = self.row(self.router), self.best_single
        where = "On simulated outcomes, " if self.simulated else ""
        if len(self.singles) == 1:
            return f"{best.name} is the only model in the pool: there is nothing to choose."
        spend = {0.5: "half of", 0.75: "three quarters of", 1.0: "all of"}
        share = next((share for share in spend if not math.isnan(row.score_at[share])), None)
        if share is None or not best.score:
            return f"{where}{self.router} has nothing to gain: no model scores above 0 at any cost."
        kept, mixed = row.score_at[share] / best.score, self.mixed_score(share * best.cost_usd) / best.score
        sentence = (
            f"{where}at {spend[share]} what {best.name} costs, {self.router} keeps {kept:.1%} of its score; "
            f"mixing single models at random keeps {mixed:.1%}."
        )
        return sentence[0].upper() + sentence[1:].replace("%", " %")

    def to_polars(self) -> pl.DataFrame:
        """The table, one row a policy; ``acc@0.5`` and ``cost@1`` as in `Figures.to_dict`."""
        import polars as pl

        rows = [row.to_dict() for row in self.rows]
        texts = {"name": pl.String, "kind": pl.String}
        return pl.DataFrame(rows, schema={key: texts.get(key, pl.Float64) for key in rows[0]})

    def table(self) -> EvaluationTable:
        """The table for a terminal: give it to rich's `print`."""
        from routoo.evaluation.table import EvaluationTable

        return EvaluationTable(self)

    def to_dict(self) -> dict[str, Any]:  # Any: a JSON document
        """The table and what it was made from, as JSON has it; NaN becomes None. Curves are left out."""
        return {
            "data": self.data,
            "simulated": self.simulated,
            "part": self.part,
            "n_prompts": self.n_prompts,
            "split": dict(self.split),
            "models": list(self.models),
            "router": self.router,
            "reference": self.reference,
            "headline": self.headline(),
            "spend_usd": self.spend_usd,
            "best_single": self.best_single.to_dict(),
            "rows": [row.to_dict() for row in self.rows],
            "published": {name: row.to_dict() for name, row in self.published.items()},
            "calibration": {
                name: [group.to_dict() for group in groups] for name, groups in self.calibration.items()
            },
            "robustness": [kind.to_dict() for kind in self.robustness],
            "singles": [model.to_dict() for model in self.singles],
            "samples": self.samples,
            "seed": self.seed,
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }


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
) -> Evaluation:
    """What predictions are worth: what their choices cost and achieve on recorded outcomes.

    Every prediction chooses by its own expected costs and pays the recorded ones. Beside the predictions
    stand the best single model, the random mixture of the cheapest and the best, the hull of all single
    models, and the oracle, which knows every outcome beforehand: a ceiling that nobody reaches.

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

    Raises:
        InputError: There is no split or no prediction, a name is reserved, or a prediction does not cover the
            pool and the part.
    """
    trial = trial_of(outcomes, pool, part)
    names = _checked_names(predictions, router, reference)
    policies = [
        *given_policies(trial.scale),
        *(predicted(name, trial.align(name, scores), trial) for name, scores in predictions.items()),
        oracle(trial),
    ]
    rows = measured(policies, trial)
    if samples:
        rows = with_intervals(rows, policies, trial, names[1], Resamples(len(trial.score), samples, seed))
    scale = trial.scale
    choosing = [policy for policy in policies if policy.chosen is not None]
    deferrals = {policy.name: found for policy in choosing if (found := deferral(policy, trial)) is not None}
    return Evaluation(
        data=outcomes.name,
        part=part,
        n_prompts=len(trial.score),
        models=trial.models,
        router=names[0],
        reference=names[1],
        rows=tuple(rows),
        curves={p.name: p.curve(trial) for p in choosing},
        reliability={
            p.name: reliability(p.p_correct, trial.score) for p in policies if p.p_correct is not None
        },
        calibration={
            p.name: calibrations(p.p_correct, trial.score, trial.models, trial.domains)
            for p in choosing
            if p.p_correct is not None
        },
        deferral=deferrals,
        published={p.name: published_of(p, policies, trial, deferrals.get(p.name)) for p in choosing},
        singles=tuple(
            SingleModel(name, float(cost), float(score))
            for name, (cost, score) in zip(trial.models, scale.singles, strict=True)
        ),
        spend_usd=scale.high_usd * len(trial.score),
        split=trial.split,
        samples=samples,
        seed=seed,
        notes=trial.notes,
        provenance=dict(provenance or {}),
        simulated=outcomes.simulated if simulated is None else simulated,
    )


def _checked_names(
    predictions: Mapping[str, Scores], router: str | None, reference: str | None
) -> tuple[str, str]:
    """The names of the router and of the reference row."""
    given = (BEST_SINGLE, MIXING, HULL, ORACLE)
    if not predictions:
        raise InputError("nothing to evaluate: give the predictions of a router at least")
    taken = [name for name in predictions if name in given]
    if taken:
        raise InputError(f"{taken[0]!r} is a row of every evaluation; give the prediction another name")
    router = next(iter(predictions)) if router is None else router
    reference = router if reference is None else reference
    if router not in predictions:
        raise InputError(f"no prediction is called {router!r}; there are {', '.join(predictions)}")
    if reference not in (*predictions, HULL, MIXING, ORACLE):
        raise InputError(
            f"no row is called {reference!r} that has an area; there are {', '.join(predictions)}"
        )
    return router, reference
