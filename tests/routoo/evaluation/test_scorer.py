"""Agreement with an independent scorer."""

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

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores
from routoo.evaluation.evaluate import evaluate
from routoo.evaluation.evaluation import Evaluation

Array = npt.NDArray[np.float64]


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


def _named(evaluation: Evaluation) -> dict[str, float]:
    """The router's figures under the independent scorer's names."""
    row = evaluation.row("router").to_dict()
    given = {"singles": evaluation.row("hull of single models").area, "oracle": evaluation.row("oracle").area}
    given["best_single"] = evaluation.best_single.score
    figures = {key: value for key, value in row.items() if not key.startswith(("over_", "area_"))}
    del figures["name"], figures["kind"]
    return given | {key: math.nan if value is None else value for key, value in figures.items()}


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
