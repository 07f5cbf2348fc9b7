"""Cascades against the best router and the best cascade by thresholds, at five budgets.

    python benchmarks/cascade_routing.py lab | FOLDER [--models NAME...] [--seeds 0 1 2]

For each seed the prompts are split anew, the default predictor learns from train and val, what answers tell
with it, and policies run over the recorded answers to test prompts; those that lack a model's answer are left
out. A policy is asked at each of 32 prices and read off the hull of what it achieved, at shares of what the
best single model costs: at matched cost. The router and the cascades of up to 2, 3 and 4 calls are the same
rule at the same predictions. A cascade by thresholds asks two or three models by rising cost and goes on
where P(correct), given the prompt and the signals of the answer, is below a cut, or where two models
disagree; models and cuts are the best ones at each price on four fifths of the test prompts, run on the last
(`threshold_cascades.py`). The oracle knows all scores. Differences are paired; ranges hold 95 % of 500
resamples of the prompts of all seeds. The table is printed as Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threshold_cascades import Realised, Recorded, threshold_cascades

import routoo
from routoo.commands.pools import derived_pool
from routoo.data.costs.recorded_costs import recorded_cost_usd
from routoo.data.curves import best_single, hull
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.data.scores import Scores
from routoo.lab.members import lab_pool
from routoo.lab.shipped import lab_outcomes
from routoo.models.signals.answer_model import AnswerModel
from routoo.models.signals.left_out import log_odds
from routoo.policies.evidence import Evidence
from routoo.policies.replayed import replay_cascades

Array = npt.NDArray[np.float64]

SHARES = np.array([0.1, 0.2, 0.35, 0.5, 1.0])
"""Budgets, as shares of the mean cost of the best single model."""
PRICES = np.geomspace(0.03, 60, 32)
"""Score that as much money must buy as a call of the best single model costs."""
CALLS = (2, 3, 4)
ROUTER, THRESHOLDS, ORACLE = "router", "thresholds", "oracle"
RESAMPLES = 500


@dataclass(frozen=True, eq=False)
class Run:
    """What all policies did on the test prompts of one seed.

    Args:
        prompt_ids: Of the prompts.
        budgets: In USD a prompt.
        policies: By name.
    """

    prompt_ids: list[str]
    budgets: Array
    policies: dict[str, Realised]

    def scores(self, name: str, weight: Array) -> Array:
        """Mean score of a policy at each budget, where each prompt counts so much."""
        share, found = weight / weight.sum(), self.policies[name]
        vertices = hull(np.column_stack([found.cost_usd @ share, found.score @ share]))
        return np.interp(self.budgets, vertices[:, 0], vertices[:, 1])


@dataclass(frozen=True, eq=False)
class Trained:
    """A seed's predictor, as far as policies need it.

    Args:
        pool: Of all models that it learned.
        test: Outcomes of the test prompts.
        scores: What it predicts of them.
        answers: What it learned of answers.
    """

    pool: Pool
    test: Outcomes
    scores: Scores
    answers: AnswerModel


def trained(outcomes: Outcomes, pool: Pool, seed: int) -> Trained:
    """The default predictor of train and val, on the test prompts."""
    predictor = routoo.train(outcomes, pool, seed=seed, progress=False)
    if predictor.answer_model is None:
        raise SystemExit(f"{outcomes.name} has no recorded answers")
    test = outcomes.part("test")
    return Trained(pool, test, predictor.predict(test.texts), predictor.answer_model)


def run(of: Trained, models: list[str], seed: int) -> Run:
    """All policies that may ask these models, on the test prompts for which all were recorded."""
    known = np.flatnonzero(~np.isnan(of.test.to_matrices(models).score).any(1))
    test = of.test.subset([of.test.prompt_ids[at] for at in known])
    scores, answers = of.scores.rows(known).columns(models), of.answers.select(models)
    evidence = Evidence.of(test, scores, answers)
    score, cost = test.to_matrices(models).score, recorded_cost_usd(test, of.pool.select(models))
    single = best_single(np.column_stack([cost.mean(0), score.mean(0)]))
    prices = PRICES / cost[:, single].mean()
    policies = {}
    for calls in (1, *CALLS):
        found = replay_cascades(
            scores,
            answers.observation,
            evidence,
            cost_usd=cost,
            prices=prices,
            max_calls=calls,
        )
        name = ROUTER if calls == 1 else f"cascade, {calls} calls"
        policies[name] = Realised(found.realised(score), found.cost_usd)
    confidence = 1 / (1 + np.exp(-log_odds(scores.p_correct.astype(np.float64)) - evidence.log_ratio))
    policies[THRESHOLDS] = threshold_cascades(
        Recorded(score, cost, confidence, evidence.code), prices, seed=seed
    )
    best = (score - prices[:, None, None] * cost).argmax(2)
    rows = np.arange(len(score))
    policies[ORACLE] = Realised(score[rows, best], cost[rows, best])
    return Run(test.prompt_ids, SHARES * cost[:, single].mean(), policies)


def resampled(runs: list[Run]) -> dict[str, Array]:
    """Score of each policy at each budget, mean of the seeds: first as it is, then of each resample."""
    ids = sorted({name for each in runs for name in each.prompt_ids})
    place = {name: at for at, name in enumerate(ids)}
    rows = [np.array([place[name] for name in each.prompt_ids]) for each in runs]
    draw = np.random.default_rng(0)
    drawn = [draw.integers(len(ids), size=len(ids)) for _ in range(RESAMPLES)]
    weights = [np.ones(len(ids)), *(np.bincount(at, minlength=len(ids)).astype(np.float64) for at in drawn)]
    return {
        name: np.array(
            [
                np.mean([each.scores(name, w[at]) for each, at in zip(runs, rows, strict=True)], 0)
                for w in weights
            ]
        )
        for name in runs[0].policies
    }


def table_of(found: dict[str, Array]) -> list[str]:
    """The table, as lines of Markdown: scores in points, differences with ranges."""
    lines = ["| | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |"]
    lines.append("| --- |" + " ---: |" * len(SHARES))
    for name, values in found.items():
        lines.append(f"| {name} | " + " | ".join(f"{value:.2f}" for value in 100 * values[0]) + " |")
    for calls in CALLS:
        name = f"cascade, {calls} calls"
        for other in (ROUTER, THRESHOLDS):
            gain = 100 * (found[name] - found[other])
            low, high = np.percentile(gain[1:], [2.5, 97.5], axis=0)
            cells = [
                f"{value:+.2f} ± {error:.2f} [{lo:+.2f}, {hi:+.2f}]"
                for value, error, lo, hi in zip(gain[0], gain[1:].std(0), low, high, strict=True)
            ]
            lines.append(f"| {name}, over {other} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="lab, or a folder of outcomes with answers")
    parser.add_argument("--models", nargs="+", help="a second table, of policies that may ask these alone")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    lab = given.data == "lab"
    recorded = lab_outcomes() if lab else Outcomes.read(given.data)
    prompts = recorded.prompts.drop("split", strict=False)
    tables = [list(recorded.models), *([given.models] if given.models else [])]
    runs: list[list[Run]] = [[] for _ in tables]
    for seed in given.seeds:
        outcomes = Outcomes(prompts, recorded.outcomes, recorded.name).with_split(seed=seed)
        pool = lab_pool().select(outcomes.models) if lab else derived_pool(outcomes, quiet=True)
        of = trained(outcomes, pool, seed)
        for models, found in zip(tables, runs, strict=True):
            found.append(run(of, models, seed))
    for models, found in zip(tables, runs, strict=True):
        counts = ", ".join(f"{len(each.prompt_ids):,}" for each in found)
        print(f"\n{recorded.name}, {len(models)} models, test prompts: {counts}\n")
        print("\n".join(table_of(resampled(found))))


if __name__ == "__main__":
    main()
