"""The figures on cases worked by hand, by brute force, and against the independent scorer."""

import importlib.util
import json
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routoo.data.curves import PRICES, area, choices, curve, hull
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation
from routoo.evaluation.metrics.budgets import apgr, cost_of, costs_at, score_of, score_within
from routoo.evaluation.metrics.ranking import auc, mean_auc
from routoo.evaluation.metrics.reliability import brier, reliability
from routoo.evaluation.metrics.undefined import ratio
from routoo.evaluation.trial.single_models import SingleModels

Array = npt.NDArray[np.float64]


def test_prices_are_zero_and_600_geometric_steps() -> None:
    assert len(PRICES) == 601
    assert PRICES[0] == 0
    assert PRICES[1] == pytest.approx(1e-2)
    assert PRICES[-1] == pytest.approx(1e7)
    assert np.allclose(np.diff(np.log(PRICES[1:])), np.log(1e9) / 599)


def test_auc_counts_pairs_and_ties_by_half() -> None:
    random = np.random.default_rng(0)
    p = random.integers(0, 6, 60) / 5
    y = random.integers(0, 2, 60).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in p[y == 1] for b in p[y == 0]]
    assert auc(p, y) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("y", [np.zeros(3), np.ones(3), np.array([0.5, 0.4, 0.0])])
def test_auc_needs_both_sides(y: Array) -> None:
    assert math.isnan(auc(np.array([0.1, 0.2, 0.3]), y))


def test_mean_auc_leaves_out_missing_cells_and_models_without_one() -> None:
    p = np.array([[0.9, 0.1, 0.5], [0.1, 0.2, 0.5], [0.5, 0.3, 0.5]])
    y = np.array([[1, 1, 0], [0, 1, 0], [np.nan, 0, np.nan]])
    assert mean_auc(p, y) == pytest.approx((1.0 + 0.0) / 2)
    assert math.isnan(mean_auc(p[:, 2:], y[:, 2:]))


def test_brier_of_nothing_known_is_undefined() -> None:
    assert math.isnan(brier(np.array([0.5]), np.array([np.nan])))


def test_reliability_bins_are_of_equal_mass_and_ordered() -> None:
    p = np.linspace(0, 1, 100)
    bins = reliability(p, (p > 0.5).astype(float), bins=10)
    assert bins.count.tolist() == [10] * 10
    assert np.all(np.diff(bins.p_correct) > 0)
    assert bins.score.tolist() == [0] * 5 + [1] * 5
    assert bins.ece == pytest.approx(np.abs(bins.p_correct - bins.score).mean())


def test_reliability_of_fewer_predictions_than_bins() -> None:
    assert reliability(np.array([0.3]), np.array([1.0])).ece == pytest.approx(0.7)
    assert math.isnan(reliability(np.array([0.3]), np.array([np.nan])).ece)


@st.composite
def _problems(draw: st.DrawFn) -> tuple[Array, Array]:
    """Predictions and costs on coarse grids, so that ties abound."""
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    cell = st.integers(0, 4)
    p = draw(st.lists(cell, min_size=n * m, max_size=n * m))
    cost = draw(st.lists(cell, min_size=n * m, max_size=n * m))
    return np.reshape(p, (n, m)) / 4, np.reshape(cost, (n, m)) * 2.0**-10


@given(_problems())
@settings(max_examples=150, deadline=None)
def test_choices_are_those_of_every_price_in_turn(problem: tuple[Array, Array]) -> None:
    p, cost = problem
    plain = np.array([(p - price * cost).argmax(1) for price in PRICES])
    assert np.array_equal(choices(p, cost), plain)


def test_curve_pays_the_true_costs_of_the_choices() -> None:
    p = np.array([[0.9, 0.2], [0.6, 0.5]])
    expected = np.array([[0.01, 0.001]] * 2)
    score, paid = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.02, 0.002]] * 2)
    points = curve(choices(p, expected, np.array([0.0, 20.0, 1e6])), score, paid)
    assert points == pytest.approx(np.array([[0.02, 0.5], [0.011, 1.0], [0.002, 0.5]]))


points_strategy = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda t: (t[0] / 8, t[1] / 8)),
    min_size=1,
    max_size=12,
)


@given(points_strategy)
@settings(max_examples=150, deadline=None)
def test_hull_is_the_least_non_decreasing_concave_curve_above_the_points(
    points: list[tuple[float, float]],
) -> None:
    vertices = hull(np.array(points))
    costs, scores = vertices.T
    assert np.all(np.diff(costs) > 0)
    assert np.all(np.diff(scores) > 0)
    slopes = np.diff(scores) / np.diff(costs)
    assert np.all(np.diff(slopes) < 0)
    assert {tuple(v) for v in vertices.tolist()} <= set(points)
    assert all(score <= np.interp(cost, costs, scores) + 1e-12 for cost, score in points)


def test_area_of_a_hull_continued_on_both_sides() -> None:
    points = np.array([[0.25, 0.4], [0.75, 0.8]])
    assert area(points, 0.0, 1.0) == pytest.approx(0.25 * 0.4 + 0.5 * 0.6 + 0.25 * 0.8, abs=1e-4)
    assert area(points, 0.75, 0.75) == pytest.approx(0.8)


def test_score_within_score_of_and_cost_of() -> None:
    points = np.array([[1.0, 0.2], [2.0, 0.6], [4.0, 0.7]])
    assert score_within(points, 2.0) == 0.6
    assert math.isnan(score_within(points, 0.5))
    vertices = hull(points)
    assert cost_of(vertices, 0.4) == pytest.approx(1.5)
    assert cost_of(vertices, 0.1) == 1.0
    assert math.isnan(cost_of(vertices, 0.71))
    assert cost_of(vertices, 0.7 * (1 + 1e-7)) == 4.0
    assert score_of(vertices, 1.5) == pytest.approx(0.4)
    assert score_of(vertices, 9.0) == 0.7
    assert math.isnan(score_of(vertices, 0.5))


def test_scale_of_a_weak_and_a_strong_model() -> None:
    singles = SingleModels(np.array([[10.0, 0.8], [1.0, 0.5]]))
    assert (singles.best, singles.cheapest) == (0, 1)
    assert apgr(0.65, singles) == pytest.approx(0.5)
    mixing = singles.points
    assert apgr(singles.area(mixing), singles) == pytest.approx(0.5, abs=1e-3)
    assert costs_at(mixing, singles)[1.0] == pytest.approx(1.0)
    assert costs_at(mixing, singles, [0.8125])[0.8125] == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("judged", "best"), [([100, 100, 29], 0), ([100, 100, 30], 2), ([29, 12, 3], 2), ([29, 31, 3], 1)]
)
def test_a_model_with_few_outcomes_is_best_only_where_all_have_few(judged: list[int], best: int) -> None:
    singles = SingleModels(np.array([[10.0, 0.8], [1.0, 0.5], [2.0, 1.0]]), np.array(judged))
    assert singles.best == best


def test_scale_of_equal_models_leaves_shares_undefined() -> None:
    singles = SingleModels(np.array([[0.0, 0.5], [0.0, 0.5]]))
    assert math.isnan(apgr(0.5, singles))
    assert all(math.isnan(value) for value in costs_at(singles.points, singles).values())
    assert math.isnan(ratio(1.0, 0.0))


# Against the independent scorer ----------------------------------------------------------------------------


@pytest.fixture
def scorer(recorded: Path) -> ModuleType:
    """The independent scorer that lies beside the recorded outcome sets."""
    path = recorded.parent / "referee" / "score.py"
    if not path.is_file():
        pytest.skip(f"no scorer beside the recorded outcome sets: {path} is missing")
    spec = importlib.util.spec_from_file_location("scorer_score", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _outcomes(folder: Path) -> Outcomes:
    prompts, outcomes = (pl.read_parquet(folder / f"{name}.parquet") for name in ("prompts", "outcomes"))
    return Outcomes(prompts, outcomes, folder.name)


def _whole(folder: Path, copy: Path) -> Path:
    """A copy of an outcome set without prompts on which a model is missing: the scorer counts that as 0."""
    prompts, outcomes = (pl.read_parquet(folder / f"{name}.parquet") for name in ("prompts", "outcomes"))
    runs = outcomes.group_by("prompt_id").len()
    whole = runs.filter(pl.col("len") == outcomes["model"].n_unique())["prompt_id"].to_list()
    prompts.filter(pl.col("prompt_id").is_in(whole)).write_parquet(copy / "prompts.parquet")
    outcomes.filter(pl.col("prompt_id").is_in(whole)).write_parquet(copy / "outcomes.parquet")
    shutil.copy(folder / "models.json", copy)
    return copy


def _pool(folder: Path, models: list[str]) -> Pool:
    """The listed prices of these models."""
    listed = {row["model"]: row for row in json.loads((folder / "models.json").read_text())}
    return Pool(
        tuple(
            PoolModel(
                name=name,
                usd_per_1m_input=0.0,
                usd_per_1m_output=listed[name]["usd_per_1m_output"] or (10.0 if "gpt-4" in name else 1.0),
            )
            for name in models
        )
    )


def _noisy(score: Array, parts: npt.NDArray[np.str_]) -> Array:
    """The truth behind a veil of noise: a good router."""
    random = np.random.default_rng(1)
    means: Array = np.nanmean(score[parts == "train"], 0)
    return np.clip(0.8 * means + 0.2 * np.nan_to_num(score) + random.normal(0, 0.1, score.shape), 0, 1)


def _tied(score: Array, parts: npt.NDArray[np.str_]) -> Array:
    """Few different values, as few neighbours give them."""
    random = np.random.default_rng(2)
    return np.clip(np.round(5 * (0.5 * np.nan_to_num(score) + 0.5 * random.random(score.shape))) / 5, 0, 1)


def _means(score: Array, parts: npt.NDArray[np.str_]) -> Array:
    """Each model's mean, whatever the prompt."""
    means: Array = np.nanmean(score[parts == "train"], 0)
    return np.tile(means, (len(score), 1))


def _random(score: Array, parts: npt.NDArray[np.str_]) -> Array:
    return np.random.default_rng(3).random(score.shape)


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["mmlu_pro", "llmrouter_mix", "routellm_mmlu"])
@pytest.mark.parametrize("predict", [_noisy, _tied, _means, _random], ids=lambda f: f.__name__[1:])
@pytest.mark.parametrize("varying", [False, True], ids=["mean costs", "varying costs"])
def test_every_figure_agrees_with_the_scorer(
    recorded: Path,
    scorer: ModuleType,
    name: str,
    predict: Callable[[Array, npt.NDArray[np.str_]], Array],
    varying: bool,
    tmp_path: Path,
) -> None:
    folder = _whole(recorded / name, tmp_path)
    _, models, score, cost = scorer.load(folder, "open")
    outcomes = _outcomes(folder)
    parts = outcomes.prompts["split"].to_numpy()
    p = predict(score, parts).astype(np.float32)
    expected = np.tile(np.nanmean(cost[parts != "test"], 0), (len(cost), 1))
    if varying:
        expected = expected * np.random.default_rng(4).lognormal(0, 0.3, expected.shape)
    expected = expected.astype(np.float32)
    wanted = scorer.report(folder, "open", p.astype(float), expected.astype(float))
    test = parts == "test"
    scores = Scores(p[test], expected[test], models=tuple(models))
    pool = _pool(folder, models[::-1])
    evaluation = evaluate(outcomes, {"router": scores}, pool=pool, samples=0)
    assert _named(evaluation) == pytest.approx(wanted, abs=1e-6, nan_ok=True)


def _named(evaluation: Evaluation) -> dict[str, float]:
    """The router's figures under the independent scorer's names."""
    row = evaluation.row("router").to_dict()
    given = {"singles": evaluation.row("hull of single models").area, "oracle": evaluation.row("oracle").area}
    given["best_single"] = evaluation.best_single.score
    figures = {key: value for key, value in row.items() if not key.startswith(("over_", "area_"))}
    del figures["name"], figures["kind"]
    return given | {key: math.nan if value is None else value for key, value in figures.items()}


@pytest.mark.recorded
def test_intervals_agree_with_the_scorer(recorded: Path, scorer: ModuleType) -> None:
    folder = recorded / "llmrouter_mix"
    _, models, score, cost = scorer.load(folder, "open")
    outcomes = _outcomes(folder)
    parts = outcomes.prompts["split"].to_numpy()
    expected = np.tile(np.nanmean(cost[parts != "test"], 0), (len(cost), 1)).astype(np.float32)
    given = {"router": _noisy(score, parts), "other": _means(score, parts)}
    drawn = {
        name: scorer.area_samples(folder, "open", p.astype(np.float32), expected, samples=60, seed=7)
        for name, p in given.items()
    }
    test = parts == "test"
    scores = {name: Scores(p[test], expected[test], models=tuple(models)) for name, p in given.items()}
    evaluation = evaluate(outcomes, scores, pool=_pool(folder, models), reference="other", samples=60, seed=7)
    row = evaluation.row("router")
    for found, samples in (
        (row.area_interval, drawn["router"]),
        (row.over_reference, drawn["router"] - drawn["other"]),
    ):
        assert found is not None
        assert [found.low, found.high] == pytest.approx(
            np.quantile(samples, [0.025, 0.975]).tolist(), abs=1e-5
        )
