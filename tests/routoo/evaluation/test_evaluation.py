"""Evaluations of pools and parts that are easy to read, and of those that are not."""

import json
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.evaluation.diagnostics import equal_cost
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.registry import IN_HINDSIGHT
from routoo.evaluation.report.table import EvaluationTable
from routoo.evaluation.trial.bootstrap import Interval, Resamples, interval
from routoo.evaluation.trial.curve import Curve
from routoo.evaluation.trial.policy import BEST_SINGLE, HULL, MIXING, ORACLE
from routoo.evaluation.trial.trial import trial_of

COSTS = {"large": 0.010, "medium": 0.004, "small": 0.001}


def outcomes_of(n: int = 400, *, seed: int = 0, name: str = "made up") -> Outcomes:
    """Prompts of two domains: the small model is at home in one, the large one in both."""
    random = np.random.default_rng(seed)
    skill = {"large": (0.9, 0.9), "medium": (0.6, 0.5), "small": (0.85, 0.1)}
    domain = random.integers(0, 2, n)
    ids = [f"q{i:04d}" for i in range(n)]
    prompts = pl.DataFrame(
        {
            "prompt_id": ids,
            "prompt": [f"question {i}" for i in range(n)],
            "domain": [("facts", "proofs")[d] for d in domain],
            "split": ["train" if i % 2 else "test" for i in range(n)],
        }
    )
    rows = [
        pl.DataFrame(
            {
                "prompt_id": ids,
                "model": [model] * n,
                "score": (random.random(n) < np.array(skill[model])[domain]).astype(float),
                "cost_usd": COSTS[model] * random.uniform(0.5, 1.5, n),
            }
        )
        for model in skill
    ]
    return Outcomes(prompts, pl.concat(rows), name)


def pool_of(*names: str) -> Pool:
    return Pool(tuple(PoolModel(name=name, usd_per_1m_input=1, usd_per_1m_output=1) for name in names))


def by_domain(outcomes: Outcomes, part: str = "test") -> Scores:
    """A router that knows each domain's odds."""
    judged = outcomes.part(part)  # type: ignore[arg-type]  # a test may ask for a part that is none
    facts = np.array(judged.domains) == "facts"
    p = np.where(facts[:, None], [0.9, 0.6, 0.85], [0.9, 0.5, 0.1])
    cost = np.tile([COSTS[name] for name in ("large", "medium", "small")], (len(judged), 1))
    return Scores(p, cost, models=("large", "medium", "small"), prompt_ids=judged.prompt_ids)


POOL = pool_of("small", "large", "medium")


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    outcomes = outcomes_of()
    good = by_domain(outcomes)
    blind = Scores(np.full((len(good), 3), 0.5), good.cost_usd, models=good.models)
    return evaluate(outcomes, {"router": good, "blind": blind}, pool=POOL, samples=200)


def test_rows_stand_in_the_order_of_reading(evaluation: Evaluation) -> None:
    assert [row.name for row in evaluation.rows] == [BEST_SINGLE, MIXING, HULL, "router", "blind", ORACLE]
    assert evaluation.models == ("large", "medium", "small")
    assert evaluation.split == {"train": 200, "val": 0, "test": 200}
    assert evaluation.best_single.name == "large"
    assert evaluation.spend_usd == pytest.approx(200 * evaluation.best_single.cost_usd)


def test_a_router_that_knows_the_domain_beats_every_mixture(evaluation: Evaluation) -> None:
    row = evaluation.row("router")
    assert row.over_hull is not None
    assert row.over_hull.low > 0.02
    assert row.over_hull.value == pytest.approx(row.area - evaluation.row(HULL).area)
    assert row.over_reference is None
    assert row.cost_at[0.95] < 0.75
    assert 0 < row.closed < 1
    blind = evaluation.row("blind").over_reference
    assert blind is not None
    assert blind.high < 0


def test_what_is_given_by_definition(evaluation: Evaluation) -> None:
    assert evaluation.row(MIXING).apgr == pytest.approx(0.5)
    assert evaluation.row(HULL).closed == 0
    assert evaluation.row(ORACLE).closed == 1
    single = evaluation.row(BEST_SINGLE)
    assert math.isnan(single.area)
    assert single.score_at[1.0] == evaluation.best_single.score
    assert math.isnan(single.score_at[0.5])
    assert all(evaluation.row(ORACLE).area >= row.area for row in evaluation.rows if row.kind != "single")


def test_curves_and_shares(evaluation: Evaluation) -> None:
    assert set(evaluation.curves) == {"router", "blind", ORACLE}
    curve = evaluation.curves["router"]
    assert np.allclose(curve.shares.sum(1), 1)
    assert curve.shares[0].tolist() == [1, 0, 0]
    assert curve.shares[-1].tolist() == [0, 0, 1]
    budgets = np.array([curve.cost_usd.min(), 0.004, curve.cost_usd.max()])
    shares = curve.shares_at(budgets)
    assert np.allclose(shares.sum(1), 1)
    assert shares[0, 2] == 1
    assert shares[2, 0] == 1


def test_what_stands_beside_the_table(evaluation: Evaluation) -> None:
    assert set(evaluation.published) == set(evaluation.deferral) == {"router", "blind", ORACLE}
    router, blind, oracle = (evaluation.published[name] for name in ("router", "blind", ORACLE))
    assert blind["apgr_by_calls"] == pytest.approx(0.5)
    assert oracle["apgr_by_calls"] > router["apgr_by_calls"] > 0.6
    assert router["cpt_50"] < blind["cpt_50"]
    assert router["aiq"] == pytest.approx(evaluation.row("router").area, abs=1e-4)
    assert math.isnan(oracle["pareto_dist"])
    assert 0 <= router["pareto_dist"] < blind["pareto_dist"]
    assert oracle["collapse"] == 0
    needless = evaluation.curves["router"].needless[1]
    assert evaluation.curves["router"].shares[1].tolist() == [1, 0, 0]
    assert router["collapse"] == needless > 0.3
    assert 1 < router["effective_models"] < 3
    names = [(group.by, group.name) for group in evaluation.calibration["router"]]
    assert names[-2:] == [("domain", "facts"), ("domain", "proofs")]
    assert [name for by, name in names if by == "model"] == list(evaluation.models)
    document = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert document["published"]["router"]["apgr_by_calls"] == router["apgr_by_calls"]
    assert document["published"]["router"]["collapse"] == router["collapse"]
    assert "apgr" not in document["published"]["router"]
    assert document["rows"][3]["apgr"] == evaluation.row("router").apgr != router["apgr_by_calls"]
    for by in ("model", "domain"):
        groups = [group for group in document["calibration"]["router"] if group["by"] == by]
        assert document["furthest_off"][by] == max(groups, key=lambda group: abs(group["bias"]))
    assert document["robustness"] == []
    assert document["calibration"]["router"][0]["name"] == "large"


def test_the_best_setting_in_hindsight_has_a_range() -> None:
    outcomes = outcomes_of()
    scores = by_domain(outcomes)
    worse = Scores(1 - scores.p_correct, scores.cost_usd, models=scores.models, prompt_ids=scores.prompt_ids)
    evaluation = evaluate(outcomes, {"router": scores, "worse": worse}, pool=POOL, samples=50)
    router = evaluation.published["router"]
    assert set(router.ranges) == set(IN_HINDSIGHT)
    for key, found in router.ranges.items():
        assert found.value == router.values[key]
        assert found.low < found.high
    document = evaluation.to_dict()["published"]
    assert document["router"]["arena_low"] == router.ranges["arena"].low
    assert math.isnan(evaluation.published["worse"]["cost_save"])
    assert document["worse"]["cost_save_high"] is None
    untold = evaluate(outcomes, {"router": scores}, pool=POOL, samples=0).published["router"]
    assert untold.ranges == {}
    assert untold["arena"] == router["arena"]
    assert untold.to_dict()["arena_low"] is None


def test_sending_everything_to_the_best_model_saves_and_gains_nothing_in_every_draw() -> None:
    outcomes = outcomes_of()
    graded = outcomes.outcomes.with_columns(0.1 + 0.7 * pl.col("score"))
    outcomes = Outcomes(outcomes.prompts, graded)
    ids = outcomes.part("test").prompt_ids
    p, cost = np.tile([0.9, 0.5, 0.5], (len(ids), 1)), np.tile([1e-9, 1.0, 1.0], (len(ids), 1))
    always = Scores(p, cost, models=("large", "medium", "small"), prompt_ids=ids)
    evaluation = evaluate(outcomes, {"always": always}, pool=POOL, samples=200)
    for key in ("perf_gain", "cost_save"):
        found = evaluation.published["always"].ranges[key]
        assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-5)
    found = evaluation.over(BEST_SINGLE).metrics["cost@1"]
    assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-5)


def test_shares_between_two_prices_are_mixed() -> None:
    cost, score, needless = np.array([3.0, 1.0]), np.array([0.9, 0.5]), np.array([1.0, 0.0])
    curve = Curve(np.array([1.0, 2.0]), cost, score, np.eye(2), needless)
    assert curve.needless_at(np.array([2.5])).tolist() == [0.75]
    assert curve.shares_at(np.array([2.5])).tolist() == [[0.75, 0.25]]


def test_predictions_are_matched_by_prompt_id_and_model_name() -> None:
    outcomes = outcomes_of()
    good = by_domain(outcomes)
    order = np.random.default_rng(3).permutation(len(good))
    mixed = good.columns(["small", "large", "medium"]).rows(order)
    first, second = (evaluate(outcomes, {"r": s}, pool=POOL, samples=0) for s in (good, mixed))
    assert first.to_dict() == second.to_dict()


def test_intervals_depend_on_the_seed_alone() -> None:
    outcomes = outcomes_of(80)
    scores = {"r": by_domain(outcomes)}
    one, same, other = (evaluate(outcomes, scores, pool=POOL, samples=50, seed=s) for s in (1, 1, 2))
    assert one.to_dict() == same.to_dict()
    assert one.row("r").area_interval != other.row("r").area_interval


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        drawn = random.normal(1.0, 2.0, (60, 1))
        found = interval(float(drawn.mean()), Resamples(60, 300, trial).means(drawn)[:, 0])
        assert found is not None
        covered += found.low <= 1.0 <= found.high
    assert 180 <= covered <= 199


def test_resamples_draw_whole_prompts() -> None:
    counts = Resamples(50, samples=20, seed=0).counts
    assert np.all(counts.sum(1) == 50)
    assert interval(0.5, np.array([])) is None
    assert interval(math.nan, np.ones(3)) is None
    assert interval(0.5, np.full(20, np.nan)) is None
    assert Interval(0.1, 0.05, 0.2).excludes_zero
    assert not Interval(0.1, -0.05, 0.2).excludes_zero


@pytest.mark.parametrize(("undefined", "known"), [(0, True), (1, True), (2, True), (3, False), (19, False)])
def test_a_range_leaves_out_one_draw_in_ten_that_has_no_figure(undefined: int, known: bool) -> None:
    drawn = np.linspace(1.0, 2.0, 20)
    drawn[:undefined] = np.nan
    found = interval(1.5, drawn)
    assert (found is not None) == known
    if found is not None:
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn[undefined:], [0.025, 0.975])))


def test_sums_over_draws_are_exact_for_what_is_right_or_wrong() -> None:
    resamples = Resamples(1000, samples=50, seed=0)
    score = (np.random.default_rng(1).random((1000, 1)) < 0.6).astype(float)
    for columns in (1, 2, 400):
        drawn = resamples.means(np.repeat(score, columns, axis=1))
        assert np.array_equal(drawn, np.repeat(resamples.counts @ score / 1000, columns, axis=1))


def test_models_on_one_side_only_are_left_out_and_named() -> None:
    outcomes = outcomes_of(60)
    pool = pool_of("large", "small", "unheard-of")
    evaluation = evaluate(outcomes, {"r": by_domain(outcomes)}, pool=pool, samples=0)
    assert evaluation.models == ("large", "small")
    assert evaluation.notes == (
        "left out, since not in the pool: medium",
        "left out, since without outcomes: unheard-of",
    )


def without(outcomes: Outcomes, model: str, prompt_ids: list[str]) -> Outcomes:
    """The outcomes as they would be had the model not been run on these prompts."""
    gone = (pl.col("model") == model) & pl.col("prompt_id").is_in(prompt_ids)
    return Outcomes(outcomes.prompts, outcomes.outcomes.filter(~gone))


def test_a_model_is_not_judged_by_how_often_it_was_run() -> None:
    outcomes = outcomes_of()
    judged = outcomes.part("test")
    whole = evaluate(outcomes, {"r": by_domain(outcomes)}, pool=POOL, samples=0)
    thin = without(outcomes, "large", judged.prompt_ids[::2])
    found = evaluate(thin, {"r": by_domain(thin)}, pool=POOL, samples=0)
    seen = np.nanmean(trial_of(thin, POOL, "test").score, 0)
    assert [model.score for model in found.singles] == pytest.approx(seen.tolist(), abs=0.01)
    assert found.row("r").area == pytest.approx(whole.row("r").area, abs=0.03)
    assert found.notes[0] == (
        "100 of 600 scores were not recorded and count as what is expected of their model in that domain"
    )


def test_a_missing_score_is_expected_in_its_domain() -> None:
    outcomes = outcomes_of()
    judged = outcomes.part("test")
    thin = trial_of(without(outcomes, "small", judged.prompt_ids[::2]), POOL, "test")
    small, facts = thin.models.index("small"), np.array(judged.domains) == "facts"
    gone = np.isnan(thin.score[:, small])
    assert thin.earned[gone & facts, small] == pytest.approx(np.full((gone & facts).sum(), 0.85), abs=0.1)
    assert thin.earned[gone & ~facts, small] == pytest.approx(np.full((gone & ~facts).sum(), 0.1), abs=0.1)
    seen = ~np.isnan(thin.score)
    assert seen.sum() == thin.score.size - 100
    assert np.array_equal(thin.earned[seen], thin.score[seen])


def test_without_domains_a_missing_score_is_the_models_own_level() -> None:
    outcomes = outcomes_of()
    bare = Outcomes(outcomes.prompts.drop("domain"), outcomes.outcomes)
    gone = bare.part("test").prompt_ids[::2]
    trial = trial_of(without(bare, "large", gone), POOL, "test")
    assert trial.earned[::2, 0] == pytest.approx(np.full(100, np.nanmean(trial.score[:, 0])), abs=0.03)
    assert trial.notes[0].endswith("count as what is expected of their model")


def test_a_model_that_was_hardly_run_does_not_set_the_scale() -> None:
    outcomes = outcomes_of()
    judged = outcomes.part("test")
    hard = np.flatnonzero(judged.to_matrices(["large"]).score[:, 0] == 0)[:3]
    lucky = (pl.col("model") == "medium") & pl.col("prompt_id").is_in([judged.prompt_ids[at] for at in hard])
    right = pl.when(lucky).then(1.0).otherwise(pl.col("score")).alias("score")
    gone = [prompt_id for at, prompt_id in enumerate(judged.prompt_ids) if at not in hard]
    thin = without(Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(right)), "medium", gone)
    evaluation = evaluate(thin, {"r": by_domain(thin)}, pool=POOL, samples=20)
    assert evaluation.singles[1].score > evaluation.singles[0].score
    assert evaluation.best_single.name == "large"
    assert evaluation.row(BEST_SINGLE).score_at[1.0] == evaluation.singles[0].score
    assert [model.outcomes for model in evaluation.singles] == [200, 3, 200]
    assert evaluation.notes[1] == (
        "not the best single model, since fewer than 30 scores were recorded: medium (3)"
    )
    few = outcomes_of(40)
    sparse = without(few, "small", few.part("test").prompt_ids[1:])
    notes = evaluate(sparse, {"r": by_domain(sparse)}, pool=POOL, samples=0).notes
    assert not [note for note in notes if "best single model" in note]


def test_nothing_changes_where_nothing_is_missing() -> None:
    trial = trial_of(outcomes_of(), POOL, "test")
    assert trial.earned is trial.score
    assert trial.notes == ()


def test_missing_costs_count_as_the_mean() -> None:
    outcomes = outcomes_of(100)
    test_ids = outcomes.part("test").prompt_ids
    frame = without(outcomes, "large", test_ids[:10]).outcomes.with_columns(
        pl.when((pl.col("model") == "small") & (pl.col("prompt_id") == test_ids[0]))
        .then(None)
        .otherwise(pl.col("cost_usd"))
        .alias("cost_usd")
    )
    thin = Outcomes(outcomes.prompts, frame)
    evaluation = evaluate(thin, {"r": by_domain(thin)}, pool=POOL, samples=20)
    train_mean = outcomes.part("train").to_matrices(["large"]).cost_usd.mean()
    rest = outcomes.part("test").to_matrices(["large"]).cost_usd[10:].sum()
    assert evaluation.singles[0].cost_usd == pytest.approx((10 * train_mean + rest) / 50)
    assert evaluation.notes[1:] == ("11 of 150 costs were not recorded and count as the mean of their model",)


def test_a_part_without_others_fills_costs_from_itself() -> None:
    outcomes = outcomes_of(20)
    frame = outcomes.outcomes.with_columns(
        pl.when(pl.col("prompt_id") == "q0000").then(None).otherwise(pl.col("cost_usd")).alias("cost_usd")
    )
    alone = Outcomes(outcomes.prompts.with_columns(pl.lit("test").alias("split")), frame)
    evaluation = evaluate(alone, {"r": by_domain(alone)}, pool=POOL, samples=0)
    recorded = alone.to_matrices(["large"]).cost_usd
    assert evaluation.singles[0].cost_usd == pytest.approx(np.nanmean(recorded))


def test_a_model_without_usage_is_judged_at_its_list_price_which_is_said() -> None:
    outcomes = outcomes_of(20)
    cost = pl.when(pl.col("model") == "small").then(None).otherwise(pl.col("cost_usd")).alias("cost_usd")
    unused = Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(cost))
    scores = replace(by_domain(outcomes), nominal_costs={"small": "100 output tokens"})
    evaluation = evaluate(unused, {"r": scores}, pool=POOL, samples=0)
    tokens = 100 + np.mean([len(text) / 4 for text in outcomes.part("test").texts])
    small = next(model for model in evaluation.singles if model.name == "small")
    assert small.cost_usd == pytest.approx(tokens * POOL["small"].usd_per_1m_output * 1e-6)
    assert any(
        note.startswith("10 of 30 costs are nominal, list prices, since no usage of small was recorded")
        for note in evaluation.notes
    )
    assert evaluation.notes[-1].startswith("costs are nominal: no output tokens of small were recorded")
    assert evaluation.to_dict()["nominal_costs"] == {"small": "100 output tokens"}


def test_a_model_whose_cost_is_known_in_test_alone_is_refused_by_name() -> None:
    outcomes = outcomes_of(20)
    parts = ["test" if at % 2 else "val" for at in range(20)]
    unknown = (pl.col("model") == "small") & pl.col("prompt_id").str.slice(1).cast(pl.Int64).mod(2).eq(0)
    cost = pl.when(unknown).then(None).otherwise(pl.col("cost_usd")).alias("cost_usd")
    unused = Outcomes(
        outcomes.prompts.with_columns(pl.Series("split", parts)), outcomes.outcomes.with_columns(cost)
    )
    with pytest.raises(InputError, match="no cost of 'small' is known"):
        evaluate(unused, {"r": by_domain(unused, "val")}, pool=POOL, part="val")


def test_what_is_less_than_no_resample_is_refused() -> None:
    outcomes = outcomes_of(20)
    with pytest.raises(InputError, match=r"samples must be a whole number of at least 0 .*, got -3"):
        evaluate(outcomes, {"r": by_domain(outcomes)}, pool=POOL, samples=-3)


def test_who_observed_the_domains_is_kept() -> None:
    outcomes = outcomes_of(40)
    scores = {"r": by_domain(outcomes)}
    told = evaluate(outcomes, scores, pool=POOL, samples=0, observed_domains=True)
    assert told.to_dict()["observed_domains"] is True
    assert "domains: r observes the true ones" in _printed(told, 120)
    both = evaluate(outcomes, {**scores, "domain table": scores["r"]}, pool=POOL, samples=0)
    assert both.to_dict()["observed_domains"] is False
    assert (
        both.domains_in_words() == "r infers them from the text; the domain table is given the true domains"
    )
    bare = Outcomes(outcomes.prompts.drop("domain"), outcomes.outcomes)
    assert evaluate(bare, scores, pool=POOL, samples=0).domains_in_words() == ""


def test_a_pool_of_one() -> None:
    outcomes = outcomes_of(40)
    evaluation = evaluate(outcomes, {"r": by_domain(outcomes)}, pool=pool_of("large"), samples=20)
    row = evaluation.row("r")
    assert row.area == pytest.approx(evaluation.best_single.score)
    assert math.isnan(row.closed)
    assert math.isnan(row.apgr)
    assert "only model in the pool" in evaluation.headline()


def test_no_saving_is_shown_where_the_cheapest_model_is_as_good_as_any() -> None:
    outcomes = outcomes_of(40)
    flat = Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(pl.lit(1.0).alias("score")))
    evaluation = evaluate(flat, {"r": by_domain(flat)}, pool=POOL, samples=20)
    assert evaluation.best_single.name == "small"
    assert trial_of(flat, POOL, "test").singles.best == evaluation.models.index("small")
    assert evaluation.row("r").cost_at[0.95] == pytest.approx(1)
    assert evaluation.over(HULL).metrics["cost@0.95"].high == pytest.approx(0)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_equal_scores_leave_shares_undefined(score: float) -> None:
    outcomes = outcomes_of(40)
    flat = Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(pl.lit(score).alias("score")))
    evaluation = evaluate(flat, {"r": by_domain(flat)}, pool=POOL, samples=20)
    row = evaluation.row("r")
    assert row.area == pytest.approx(score)
    assert math.isnan(row.closed)
    assert math.isnan(row.auc)
    assert _printed(evaluation, 120).count("–") > 10
    assert evaluation.headline()
    json.dumps(evaluation.to_dict(), allow_nan=False)


def test_one_prompt_and_free_models() -> None:
    outcomes = outcomes_of(2)
    free = Outcomes(outcomes.prompts, outcomes.outcomes.with_columns(pl.lit(0.0).alias("cost_usd")))
    evaluation = evaluate(free, {"r": by_domain(free)}, pool=POOL, samples=20)
    assert evaluation.n_prompts == 1
    assert math.isnan(evaluation.row("r").cost_at[1.0])
    assert "1 recorded prompt" in _printed(evaluation, 80)
    json.dumps(evaluation.to_dict(), allow_nan=False)


def test_simulated_outcomes_are_called_simulated() -> None:
    outcomes = outcomes_of(40, name="simulated sample")
    scores = {"r": by_domain(outcomes)}
    assert evaluate(outcomes, scores, pool=POOL, samples=0).headline().startswith("On simulated outcomes, ")
    assert not evaluate(outcomes, scores, pool=POOL, samples=0, simulated=False).simulated


def test_headline_says_what_half_the_money_buys(evaluation: Evaluation) -> None:
    best, budget = evaluation.best_single, 0.5 * evaluation.best_single.cost_usd
    kept, mixed = evaluation.routed_score(budget) / best.score, evaluation.mixed_score(budget) / best.score
    assert kept > evaluation.row("router").score_at[0.5] / best.score
    assert evaluation.over(HULL).metrics["hull@0.5"].value == pytest.approx((kept - mixed) * best.score)
    assert evaluation.headline() == (
        f"In hindsight, at half of what large costs, router keeps {100 * kept:.1f} % of its score; "
        f"the hull of single models (their best mixtures) keeps {100 * mixed:.1f} %."
    )


def test_headline_says_what_may_be_chance(evaluation: Evaluation) -> None:
    sure = evaluation.over_mixtures(0.5)
    assert sure is not None
    assert sure.excludes_zero
    found = evaluation.over(HULL)
    open_ = {**found.metrics, "hull@0.5": Interval(0.08, -0.04, 0.14)}
    doubtful = replace(evaluation, differences=(replace(found, metrics=open_),))
    assert doubtful.headline() == evaluation.headline()[:-1] + ", a difference that may be chance."
    assert equal_cost.DIAGNOSTIC.sentence(doubtful).endswith("hull of single models, which may be chance")
    assert equal_cost.DIAGNOSTIC.sentence(evaluation).endswith("hull of single models")
    untold = replace(evaluation, differences=())
    assert untold.over_mixtures(0.5) is None
    assert untold.headline() == evaluation.headline()


def test_the_table_in_every_form(evaluation: Evaluation) -> None:
    frame = evaluation.to_polars()
    assert frame["name"].to_list() == [row.name for row in evaluation.rows]
    assert frame.schema["acc@0.1"] == pl.Float64
    assert json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))["rows"] == frame.to_dicts()
    for width in (80, 120):
        printed = _printed(evaluation, width)
        assert all(len(line) <= width for line in printed.splitlines())
        for value in (evaluation.row("router").area, evaluation.row("router").ece):
            assert f"{value:.4f}".removeprefix("0") in printed
        assert "200 resamples of the prompts, seed 0" in printed
        assert "apgr: by cost, under the hull (not RouteLLM's, by share of calls)" in " ".join(
            printed.split()
        )


def _printed(evaluation: Evaluation, width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(EvaluationTable(evaluation))
    return capture.get()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {}, "nothing to evaluate"),
        (lambda s: {"oracle": s}, "'oracle' is a name that every evaluation uses"),
        (lambda s: {"r": s.columns(["large", "small"])}, "'r' predicts nothing for medium"),
        (lambda s: {"r": s.rows(np.arange(5))}, "lacks 15 of 20 prompts, such as"),
        (lambda s: {"r": Scores(s.p_correct[:5], s.cost_usd[:5], models=s.models)}, "5 rows for 20 prompts"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(change: object, words: str) -> None:
    outcomes = outcomes_of(40)
    assert callable(change)
    with pytest.raises(InputError, match=words):
        evaluate(outcomes, change(by_domain(outcomes)), pool=POOL, samples=0)


def test_names_that_are_no_row_are_refused() -> None:
    outcomes = outcomes_of(40)
    scores = {"r": by_domain(outcomes)}
    with pytest.raises(InputError, match="no prediction is called 'x'"):
        evaluate(outcomes, scores, pool=POOL, router="x")
    with pytest.raises(InputError, match="no row is called 'x'"):
        evaluate(outcomes, scores, pool=POOL, reference="x")
    with pytest.raises(InputError, match="no row 'x'"):
        evaluate(outcomes, scores, pool=POOL, samples=0).row("x")


def test_a_pool_without_outcomes_and_a_part_without_prompts_are_refused() -> None:
    outcomes = outcomes_of(40)
    scores = {"r": by_domain(outcomes)}
    with pytest.raises(InputError, match=r"no model of the pool \(unheard-of\)"):
        evaluate(outcomes, scores, pool=pool_of("unheard-of"))
    with pytest.raises(InputError, match="no prompt in val"):
        evaluate(outcomes, scores, pool=POOL, part="val")


def test_prompts_beyond_a_window_are_not_sent_there() -> None:
    outcomes = outcomes_of()
    plain = by_domain(outcomes)
    sent = np.where(np.arange(len(plain))[:, None] < 50, 5000, 10) * np.ones(3, np.float32)
    sent[:20] = 9000
    scores = replace(plain, input_tokens=sent, output_tokens=np.ones((len(plain), 3), np.float32))
    windows = {"large": 4096, "medium": 8192, "small": 8192}
    pool = Pool(tuple(replace(POOL[name], context_window=windows[name]) for name in POOL.names))
    free, held = (evaluate(outcomes, {"r": scores}, pool=of, samples=0) for of in (POOL, pool))
    assert not [note for note in free.notes if "window" in note]
    assert held.notes[-4:] == (
        *(
            f"{count} of 200 prompts, with the answer that is expected, exceed the context_window of {name}: "
            "predictions send them elsewhere, and its own row counts what was recorded"
            for name, count in (("large", 50), ("medium", 20), ("small", 20))
        ),
        "20 of them fit no window: a router refuses them, and here they count as if they fitted all",
    )
    for found, most in ((free, 1.0), (held, 170 / 200)):  # 20 of the 50 fit nowhere, and count as if they did
        assert found.curves["r"].shares[:, found.models.index("large")].max() == pytest.approx(most)
    untold = evaluate(outcomes, {"r": plain}, pool=pool, samples=0)
    assert "context windows were not looked at: the predictions say no tokens" in untold.notes
