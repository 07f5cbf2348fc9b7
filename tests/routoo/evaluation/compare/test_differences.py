"""Differences between rows, spends and usage: against brute force, and where they are known beforehand."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from routoo.data.curves import area, hull
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.evaluation.compare.differences import AT_COST, COMPARED
from routoo.evaluation.compare.mean_costs import BY_MEAN_COST
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.usage_errors import ALL_MODELS, rank_correlation
from routoo.evaluation.trial.bootstrap import Resamples
from routoo.evaluation.trial.policy import BEST_SINGLE, HULL, MIXING, ORACLE

Array = npt.NDArray[Any]  # Any: records take any kind of float

MODELS = ("large", "small")
POOL = Pool(tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1) for name in MODELS))
N = 300


def recorded() -> tuple[Outcomes, Array, Array, Array]:
    """Two models whose tokens, and so whose costs, differ from prompt to prompt; half is judged."""
    random = np.random.default_rng(1)
    score = (random.random((N, 2)) < [0.8, 0.5]).astype(float)
    tokens = np.round(np.exp(random.normal([5.0, 4.0], 0.8, (N, 2))))
    cost = tokens * [1e-5, 1e-6]
    ids = [f"q{i:03d}" for i in range(N)]
    prompts = pl.DataFrame(
        {"prompt_id": ids, "prompt": ids, "split": ["train" if i % 2 else "test" for i in range(N)]}
    )
    columns = [
        pl.DataFrame(
            {
                "prompt_id": ids,
                "model": [name] * N,
                "score": score[:, j],
                "output_tokens": tokens[:, j],
                "cost_usd": cost[:, j],
                "latency_s": tokens[:, j] / 50,
            }
        )
        for j, name in enumerate(MODELS)
    ]
    return Outcomes(prompts, pl.concat(columns), "made up"), score[::2], tokens[::2], cost[::2]


def evaluation_of(samples: int = 50, *, exact: bool = True) -> Evaluation:
    """A router with noisy scores; its tokens and costs are those recorded if `exact`, else twice as many."""
    outcomes, score, tokens, cost = recorded()
    random = np.random.default_rng(2)
    p: Array = np.clip(0.25 + 0.4 * score + 0.2 * random.random(score.shape), 0, 1)
    factor = 1 if exact else 2
    ids = outcomes.part("test").prompt_ids
    seconds: Array = factor * tokens / 50
    good = Scores(p, factor * cost, seconds, models=MODELS, prompt_ids=ids, output_tokens=factor * tokens)
    blind = Scores(np.full_like(p, 0.5), cost, models=MODELS, prompt_ids=ids)
    return evaluate(outcomes, {"router": good, "blind": blind}, pool=POOL, samples=samples)


def test_there_is_a_difference_to_every_other_row() -> None:
    found = evaluation_of()
    assert [d.other for d in found.differences] == [BEST_SINGLE, MIXING, HULL, "blind", ORACLE]
    assert {d.name for d in found.differences} == {"router"}
    assert set(found.over("blind").metrics) <= set(COMPARED)
    assert found.over("blind").metrics["brier"].high < 0
    assert "area" not in found.over(BEST_SINGLE).metrics
    with pytest.raises(InputError, match="no difference to 'router'; there are best single model, random"):
        found.over("router")
    with pytest.raises(InputError, match="none, for want of resamples"):
        evaluation_of(samples=0).over(HULL)


def test_differences_are_those_of_the_rows() -> None:
    found = evaluation_of()
    ours, theirs = found.row("router"), found.row("blind")
    figures = found.over("blind").metrics
    assert figures["area"].value == pytest.approx(ours.area - theirs.area)
    assert figures["cost@0.95"].value == pytest.approx(ours.cost_at[0.95] - theirs.cost_at[0.95])
    assert figures["brier"].value == pytest.approx(ours.brier - theirs.brier)
    gap = theirs.over_reference
    assert gap is not None
    assert (gap.value, gap.low, gap.high) == pytest.approx(
        (-figures["area"].value, -figures["area"].high, -figures["area"].low)
    )


def test_at_equal_cost_the_hulls_are_compared() -> None:
    found = evaluation_of()
    best, cheapest = found.best_single, found.cheapest_single
    for key, share in zip(AT_COST, (0.1, 0.25, 0.5, 0.75, 1.0), strict=True):
        budget = share * best.cost_usd
        if budget < cheapest.cost_usd:
            assert key not in found.over(HULL).metrics
            continue
        points = np.vstack([found.curves["router"].points, [(cheapest.cost_usd, cheapest.score)]])
        reached = np.interp(budget, *hull(points).T)
        gap = found.over(HULL).metrics[key]
        assert gap.value == pytest.approx(reached - found.mixed_score(budget))
        assert gap.low <= gap.value <= gap.high


def test_each_draw_is_an_evaluation_of_the_drawn_prompts() -> None:
    outcomes, score, _, cost = recorded()
    found = evaluation_of(samples=3)
    prices = found.curves["router"].prices[::3]
    random = np.random.default_rng(2)
    p = np.clip(0.25 + 0.4 * score + 0.2 * random.random(score.shape), 0, 1).astype(np.float32)
    expected = cost.astype(np.float32).astype(np.float64)
    rows = np.arange(len(p))
    gaps = []
    for counts in Resamples(len(p), samples=3, seed=0).counts:
        drawn = np.repeat(rows, counts)
        singles = np.c_[cost[drawn].mean(0), score[drawn].mean(0)]
        chosen = [(p.astype(float) - price * expected).argmax(1)[drawn] for price in prices]
        points = [(cost[drawn, j].mean(), score[drawn, j].mean()) for j in chosen]
        low, high = singles[:, 0].min(), singles[singles[:, 1].argmax(), 0]
        gaps.append(area(np.vstack([points, singles[1]]), low, high) - area(singles, low, high))
    shown = found.over(HULL).metrics["area"]
    assert (shown.low, shown.high) == pytest.approx(tuple(np.quantile(gaps, [0.025, 0.975])), abs=1e-5)
    assert outcomes.name == found.data


def test_usage_that_is_known_has_no_error() -> None:
    errors = {(error.quantity, error.model): error for error in evaluation_of().usage}
    assert set(errors) == {(q, m) for q in ("output_tokens", "latency_s") for m in (ALL_MODELS, *MODELS)}
    for error in errors.values():
        assert error.error == pytest.approx(0, abs=1e-6)
        assert error.total == pytest.approx(1)
        assert error.correlation == pytest.approx(1)
        assert error.gain is not None
        assert error.gain.low > 0.3
    assert errors["output_tokens", ALL_MODELS].count == N
    outcomes, _, tokens, _ = recorded()
    mean = outcomes.part("train").to_matrices(MODELS).output_tokens.mean(0)
    expected = np.abs(np.log((1 + mean) / (1 + tokens))).mean(0)
    assert errors["output_tokens", "small"].mean_error == pytest.approx(expected[1], rel=1e-5)


def test_usage_that_is_doubled_is_off_by_the_log_of_two() -> None:
    errors = {(error.quantity, error.model): error for error in evaluation_of(exact=False).usage}
    assert errors["latency_s", ALL_MODELS].error == pytest.approx(math.log(2), rel=1e-5)
    assert errors["latency_s", ALL_MODELS].total == pytest.approx(2)


def test_usage_that_was_never_recorded_or_predicted_is_left_out() -> None:
    outcomes, score, _, cost = recorded()
    scores = Scores(score, cost, models=MODELS, prompt_ids=outcomes.part("test").prompt_ids)
    assert evaluate(outcomes, {"router": scores}, pool=POOL, samples=0).usage == ()


def test_rank_correlation_needs_something_that_varies() -> None:
    assert math.isnan(rank_correlation(np.ones(3), np.arange(3.0)))
    assert rank_correlation(np.array([3.0, 1.0, 2.0]), np.array([-3.0, -1.0, -2.0])) == pytest.approx(-1)


def test_the_spend_of_exact_costs_is_exact_and_of_doubled_ones_half() -> None:
    for exact, off in ((True, 0.0), (False, -0.5)):
        spend = evaluation_of(exact=exact).spending.spend
        assert spend.errors
        for error in spend.errors:
            assert error.off == pytest.approx(off, abs=1e-5)
            assert error.excess is not None
            assert (error.excess.low, error.excess.high) == pytest.approx((off, off), abs=1e-4)
            assert error.predicted_usd <= error.share * evaluation_of().spend_usd * (1 + 1e-6)


def test_costs_known_call_by_call_are_worth_more_than_means() -> None:
    spending = evaluation_of(200).spending
    assert spending.by_mean.name == BY_MEAN_COST
    assert spending.difference is not None
    assert spending.difference.metrics["area"].low > 0
    assert spending.difference.metrics["brier"].value == 0
    assert any(abs(error.off) > 0.01 for error in spending.spend_by_mean.errors)
    assert evaluation_of(0).spending.difference is None
    assert evaluation_of(0).spending.spend.errors[0].excess is None


def test_needless_calls_are_those_that_a_cheaper_model_would_have_answered_as_well() -> None:
    outcomes, score, _, cost = recorded()
    found = evaluation_of()
    needless = ((cost[:, 1] < cost[:, 0]) & (score[:, 1] >= score[:, 0])).astype(float)
    other = ((cost[:, 0] < cost[:, 1]) & (score[:, 0] >= score[:, 1])).astype(float)
    chosen_large = found.curves["blind"]
    assert chosen_large.shares[0].tolist() == [1, 0]
    assert chosen_large.needless[0] == pytest.approx(needless.mean())
    assert found.curves[ORACLE].needless[1] == pytest.approx(0)
    assert other.mean() < 0.2
    assert outcomes.models == MODELS


def test_the_document_holds_every_difference() -> None:
    document = evaluation_of().to_dict()
    assert len(document["differences"]) == 5
    assert document["differences"][2]["figures"]["area"].keys() == {"value", "low", "high"}
    assert document["usage"][0]["model"] == ALL_MODELS
    assert document["spending"]["errors"][0]["off"] == pytest.approx(0, abs=1e-5)
    assert evaluation_of(0).to_dict()["differences"] == []
