"""Every command that uses a cost says where costs are nominal, on standard error and in JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool
from routoo.predictor import Predictor, train
from routoo.router import Router

Routoo = Callable[..., Result]

UNUSED = "simulated-large"
REMARK = f"costs are nominal: no output tokens of {UNUSED} were recorded"


@pytest.fixture(scope="module")
def unused(simulated: Outcomes) -> Outcomes:
    """The simulated outcomes without any usage of one model."""
    names = ["input_tokens", "output_tokens", "cost_usd"]
    usage = [
        pl.when(pl.col("model") == UNUSED).then(None).otherwise(pl.col(name)).alias(name) for name in names
    ]
    return Outcomes(simulated.prompts, simulated.outcomes.with_columns(usage), simulated.name)


@pytest.fixture(scope="module")
def predictor(unused: Outcomes, simulated_models: Pool) -> Predictor:
    return train(unused, simulated_models, encoder="tiny", tune="full", epochs=1, members=2, progress=False)


@pytest.fixture(scope="module")
def folders(
    unused: Outcomes, predictor: Predictor, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("nominal")
    unused.write(folder / "data")
    predictor.pool.write(folder / "data" / "pool.toml")
    predictor.save_pretrained(folder / "predictor")
    predictor.export(folder / "bundle", int8=False)
    (folder / "prompts.txt").write_text("What is 3 times 4?\nName a river.\n")
    return {name: folder / name for name in ("data", "predictor", "bundle", "prompts.txt")}


def test_a_model_without_usage_is_priced_as_the_others_are_used(predictor: Predictor) -> None:
    assert list(predictor.nominal_costs) == [UNUSED]
    scores = predictor.predict(["What is 3 times 4?", "word " * 30_000])
    assert scores.input_tokens is not None
    assert scores.output_tokens is not None
    at = scores.models.index(UNUSED)
    assert scores.output_tokens[0].min() <= scores.output_tokens[0, at] <= scores.output_tokens[0].max()
    assert scores.cost_usd[1, at] > 30_000 * predictor.pool[UNUSED].usd_per_1m_input * 1e-6
    assert not predictor.remove_model(UNUSED).nominal_costs


def test_every_command_says_that_costs_are_nominal(
    routoo: Routoo, folders: dict[str, Path], tmp_path: Path
) -> None:
    bundle, prompts, predictions = folders["bundle"], folders["prompts.txt"], tmp_path / "p.parquet"
    pool = folders["data"] / "pool.toml"
    commands: list[tuple[object, ...]] = [
        ("export", folders["predictor"], tmp_path / "b", "--no-int8"),
        ("predict", bundle, prompts, "-o", predictions),
        ("select", bundle, "Name a river."),
        ("assign", bundle, prompts, "--budget-usd", 1),
        ("assign", predictions, "--budget-usd", 1, "-o", tmp_path / "plan.parquet"),
        ("evaluate", bundle, folders["data"], "--samples", 0, "--robustness", 0),
        ("model", "price", folders["predictor"], "--pool", pool, "-o", tmp_path / "q"),
    ]
    for command in commands:
        result = routoo(*command, "--json")
        assert result.exit_code == 0, result.stderr
        assert REMARK in result.stderr, command
        assert list(json.loads(result.stdout)["nominal_costs"]) == [UNUSED], command
    quiet = routoo("select", bundle, "Name a river.", "-q")
    assert quiet.stderr == ""


def test_training_says_it_and_warns_of_nothing_else(
    routoo: Routoo, folders: dict[str, Path], tmp_path: Path
) -> None:
    options = ("--encoder", "tiny", "--tune", "full", "--epochs", 1, "--members", 2, "-q", "--json")
    result = routoo("train", folders["data"], "-o", tmp_path / "p", *options)
    assert result.stderr.startswith(REMARK)
    assert len(result.stderr.splitlines()) == 1
    assert list(json.loads(result.stdout)["nominal_costs"]) == [UNUSED]


def test_a_pool_of_other_prices_that_states_output_tokens_is_heard(
    routoo: Routoo, folders: dict[str, Path], tmp_path: Path
) -> None:
    rows = Pool.read(folders["data"] / "pool.toml").to_records()
    stated = [{**row, **({"output_tokens": 900} if row["name"] == UNUSED else {})} for row in rows]
    Pool.from_records(stated).write(tmp_path / "pool.toml")
    predictions, words = tmp_path / "p.parquet", "900 output tokens, as the pool states"
    router = Router.from_pretrained(folders["bundle"], pool=tmp_path / "pool.toml")
    assert router.nominal_costs == {UNUSED: words}
    assert routoo("predict", folders["bundle"], folders["prompts.txt"], "-o", predictions).exit_code == 0
    plan, pool = tmp_path / "plan.parquet", tmp_path / "pool.toml"
    result = routoo("assign", predictions, "--budget-usd", 1, "-o", plan, "--pool", pool, "--json")
    assert json.loads(result.stdout)["nominal_costs"] == {UNUSED: words}


def test_where_all_was_recorded_nothing_is_said(routoo: Routoo, bundle_folder: Path) -> None:
    result = routoo("select", bundle_folder, "Name a river.", "--json")
    assert result.stderr == ""
    assert json.loads(result.stdout)["nominal_costs"] == {}
