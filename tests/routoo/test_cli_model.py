"""Models that come and go on the command line, and what is left when the predictor is exported."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.predictor import Predictor
from routoo.router import Router

Routoo = Callable[..., Result]

TWIN = PoolModel(name="twin", usd_per_1m_input=3.0, usd_per_1m_output=9.0)


@pytest.fixture
def twins(simulated: Outcomes, tmp_path: Path) -> Path:
    """Outcomes of a model that did what the large one did on eighty prompts."""
    seen = simulated.part("train", "val").outcomes
    mine = seen.filter(model="simulated-large").sort("prompt_id").head(80)
    mine = mine.with_columns(pl.lit("twin").alias("model"))
    folder = tmp_path / "twins"
    Outcomes(simulated.prompts, pl.concat([seen, mine]), "twins").write(folder)
    return folder


@pytest.fixture
def prices(simulated_models: Pool, tmp_path: Path) -> Path:
    """A pool file with the known models, the twin and a model of which nothing is known."""
    path = tmp_path / "prices.toml"
    Pool((*simulated_models.models, TWIN)).write(path)
    path.write_text(f"{path.read_text()}\n[[model]]\nname = 'unpriced'\n")
    return path


def test_a_model_is_added_exported_and_routed_to(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, twins: Path, prices: Path, tmp_path: Path
) -> None:
    after = tmp_path / "after"
    result = routoo("model", "add", predictor_folder, twins, "--model", "twin", "--pool", prices, "-o", after)
    assert result.exit_code == 0
    assert "7 models; 'twin' learned from 80 prompts" in result.stdout
    assert f"next: routoo export {after} BUNDLE" in result.stdout
    before, found = Predictor.from_pretrained(predictor_folder), Predictor.from_pretrained(after)
    assert found.pool["twin"] == TWIN
    texts = simulated.texts[:30]
    was, now = before.predict(texts), found.predict(texts)
    for field in ("p_correct", "cost_usd"):
        np.testing.assert_allclose(getattr(now, field)[:, :6], getattr(was, field), rtol=1e-5, atol=1e-7)
    assert routoo("export", after, tmp_path / "bundle", "-q").exit_code == 0  # refused were graphs to differ
    router = Router.from_pretrained(tmp_path / "bundle", int8=False)
    served = router.predict(texts)
    assert served.models[-1] == "twin"
    np.testing.assert_allclose(served.p_correct, now.p_correct, atol=1e-4)
    np.testing.assert_allclose(served.cost_usd, now.cost_usd, rtol=1e-3)
    assert router.select(texts[0], models=["twin"]).model == "twin"


def test_a_model_is_removed(routoo: Routoo, predictor_folder: Path, tmp_path: Path) -> None:
    result = routoo(
        "model", "remove", predictor_folder, "--model", "simulated-tiny", "-o", tmp_path / "p", "--json"
    )
    assert result.exit_code == 0
    models = json.loads(result.stdout)["models"]
    assert len(models) == 5
    assert "simulated-tiny" not in models
    assert Predictor.from_pretrained(tmp_path / "p").pool.names == tuple(models)


def test_prices_change(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, simulated_models: Pool, tmp_path: Path
) -> None:
    rows = [
        {**row, "usd_per_1m_input": 5.0, "usd_per_1m_output": 5.0} for row in simulated_models.to_records()
    ]
    Pool.from_records(rows).write(tmp_path / "flat.toml")
    result = routoo(
        "model", "price", predictor_folder, "--pool", tmp_path / "flat.toml", "-o", tmp_path / "p"
    )
    assert result.exit_code == 0
    before, after = Predictor.from_pretrained(predictor_folder), Predictor.from_pretrained(tmp_path / "p")
    was, now = before.predict(simulated.texts[:9]), after.predict(simulated.texts[:9])
    np.testing.assert_array_equal(was.p_correct, now.p_correct)
    assert now.output_tokens is not None
    assert (now.cost_usd > 5e-6 * now.output_tokens).all()


def test_prompts_to_score_are_named_for_the_money(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, prices: Path, tmp_path: Path
) -> None:
    pool = simulated.prompts.select("prompt_id", "prompt")
    pool.write_csv(tmp_path / "all.csv")
    common = ("model", "prompts", predictor_folder, tmp_path / "all.csv", "--model", "twin", "--pool", prices)
    every = json.loads(routoo(*common, "-n", "200", "--json").stdout)
    learned = set(simulated.part("train", "val").prompt_ids)
    assert {row["prompt_id"] for row in every["prompts"]} == learned
    budget = every["expected_cost_usd"] / 10
    result = routoo(*common, "--budget-usd", str(budget), "-o", tmp_path / "chosen.parquet")
    assert result.exit_code == 0
    chosen = pl.read_parquet(tmp_path / "chosen.parquet")
    assert chosen.columns == ["prompt_id", "prompt", "model", "expected_cost_usd"]
    assert 20 < len(chosen) < 200  # more than a tenth of the prompts for a tenth of the money
    assert chosen["expected_cost_usd"].sum() <= budget
    assert f"{len(chosen)} prompts of 200" in result.stdout


def test_what_is_to_be_scored_is_learned_from_once_it_has_scores(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, prices: Path, tmp_path: Path
) -> None:
    (tmp_path / "prompts.txt").write_text("\n".join(text.replace("\n", " ") for text in simulated.texts))
    new = ("--model", "twin", "--pool", prices)
    table = tmp_path / "score-these.csv"
    asked = routoo(
        "model", "prompts", predictor_folder, tmp_path / "prompts.txt", *new, "-n", "30", "-o", table
    )
    assert asked.exit_code == 0
    scored = pl.read_csv(table).with_columns(score=pl.Series([1.0, 0.0] * 15))
    scored.write_csv(tmp_path / "scored.csv")
    after = tmp_path / "after"
    result = routoo("model", "add", predictor_folder, tmp_path / "scored.csv", *new, "-o", after)
    assert result.exit_code == 0
    assert "'twin' learned from 30 prompts" in result.stdout
    found = Predictor.from_pretrained(after)
    assert found.trained_on["added"] == [{"model": "twin", "data": "scored", "prompts": 30}]
    assert abs(found.predict(simulated.texts).p_correct[:, -1].mean() - 0.5) < 0.2


def test_what_is_in_test_is_not_asked_for_and_the_split_goes_on(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, prices: Path, tmp_path: Path
) -> None:
    new = ("--model", "twin", "--pool", prices)
    tested = simulated.part("test").prompts
    again = tested.head(1).with_columns(pl.lit("again").alias("prompt_id"), pl.lit("train").alias("split"))
    pl.concat([simulated.prompts, again]).write_csv(tmp_path / "all.csv")
    table = tmp_path / "score-these.csv"
    result = routoo(
        "model", "prompts", predictor_folder, tmp_path / "all.csv", *new, "-n", "300", "-o", table
    )
    assert f"{200 - len(tested)} prompts of 201, " in result.stdout
    assert f"; {len(tested) + 1} in test left out; all in {table}" in " ".join(result.stdout.split())
    chosen = pl.read_csv(table)
    assert chosen["prompt"].is_in(tested["prompt"].implode()).sum() == 0
    assert dict(chosen.select("prompt_id", "split").iter_rows()) == dict(
        simulated.part("train", "val").prompts.select("prompt_id", "split").iter_rows()
    )
    scored = pl.concat([chosen.head(40), chosen.tail(5).with_columns(pl.lit("test").alias("split"))])
    scored.with_columns(pl.lit(1.0).alias("score")).write_csv(tmp_path / "scored.csv")
    after = tmp_path / "after"
    learned = routoo("model", "add", predictor_folder, tmp_path / "scored.csv", *new, "-o", after)
    assert "'twin' learned from 40 prompts" in learned.stdout


def test_what_was_scored_is_not_asked_for_again(
    routoo: Routoo, predictor_folder: Path, simulated: Outcomes, prices: Path, tmp_path: Path
) -> None:
    simulated.prompts.select("prompt_id", "prompt").write_csv(tmp_path / "all.csv")
    ask = ("model", "prompts", predictor_folder, tmp_path / "all.csv", "--model", "twin", "--pool", prices)
    assert routoo(*ask, "-n", "30", "-o", tmp_path / "first.csv").exit_code == 0
    first = pl.read_csv(tmp_path / "first.csv")
    scored = tmp_path / "scored.parquet"
    split = pl.Series("split", ["test", *["train"] * 29])
    first.with_columns(split, pl.lit(1.0).alias("score")).write_parquet(scored)
    more = json.loads(routoo(*ask, "-n", "300", "--scored", scored, "--json").stdout)
    left = set(simulated.part("train", "val").prompt_ids) - set(first["prompt_id"])
    assert {row["prompt_id"] for row in more["prompts"]} == left


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (["test", "Test"], "every prompt is in test"),
        (["train", "later"], "prompts: split is not one of train, val"),
        (["train", None], "prompts: split is not one of train, val"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_split_that_cannot_be_used_is_refused_before_money_is_spent(
    routoo: Routoo,
    predictor_folder: Path,
    prices: Path,
    tmp_path: Path,
    split: list[str | None],
    words: str,
    ending: str,
) -> None:
    path = tmp_path / f"prompts.{ending}"
    frame = pl.DataFrame({"prompt": ["2 + 2?", "Name a river."], "split": split})
    _ = frame.write_csv(path) if ending == "csv" else frame.write_ndjson(path)
    result = routoo(
        "model", "prompts", predictor_folder, path, "--model", "twin", "--pool", prices, "-n", "1"
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{path}: {words}" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["add", "{p}", "{d}", "--model", "simulated-large", "--pool", "{f}", "-o", "{o}"], "already"),
        (["add", "{p}", "{d}", "--model", "ghost", "--pool", "{f}", "-o", "{o}"], "no price for ghost"),
        (
            ["add", "{p}", "{d}", "--model", "unpriced", "--pool", "{f}", "-o", "{o}"],
            "lacks usd_per_1m_input",
        ),
        (["remove", "{p}", "--model", "ghost", "-o", "{o}"], "unknown model 'ghost'"),
        (["price", "{p}", "--pool", "{f}", "-o", "{o}"], "lacks usd_per_1m_input"),
        (
            ["prompts", "{p}", "{d}/prompts.parquet", "--model", "twin", "--pool", "{f}"],
            "Give --count, --budget",
        ),
        (
            [
                "prompts",
                "{p}",
                "{d}/prompts.parquet",
                "--model",
                "twin",
                "--pool",
                "{f}",
                "-n",
                "9",
                "--scored",
                "{d}/none.csv",
            ],
            "none.csv: no such file or folder of outcomes",
        ),
        (["remove", "{p}", "--model", "simulated-tiny", "-o", "{d}"], "holds other files"),
        (["remove", "{d}", "--model", "simulated-tiny", "-o", "{o}"], "router.json is missing"),
        (
            ["remove", "{d}/missing", "--model", "simulated-tiny", "-o", "{o}"],
            "missing: no such folder; `routoo train` writes a predictor",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    routoo: Routoo,
    predictor_folder: Path,
    twins: Path,
    prices: Path,
    tmp_path: Path,
    command: list[str],
    words: str,
) -> None:
    places = {"p": predictor_folder, "d": twins, "f": prices, "o": tmp_path / "o"}
    result = routoo("model", *(part.format(**places) for part in command))
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "o").exists()
